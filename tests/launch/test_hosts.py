"""The machines of a run: what a host file may say, and at which address others reach each machine."""

from __future__ import annotations

import os
import shutil
import socket
from itertools import islice
from pathlib import Path

import launched
import pytest

from gluonbook import launch
from gluonbook.launch import hosts, mpi, pslite, setup
from gluonbook.launch.hosts import LOOPBACK, Host

OWN = ["10.9.0.1", "192.168.7.1", "169.254.0.1"]
WAY = {"10.": "10.9.0.1", "169.254.": "169.254.0.1"}
NAMES = {
    "plain": ["10.9.0.1"],
    "debian": ["127.0.1.1"],
    "loopback": [LOOPBACK],
    "both": ["127.0.1.1", "192.168.7.1"],
    "stale": ["10.9.0.77"],
    "elsewhere": ["192.168.7.1"],
    "cable too": ["169.254.0.1", "10.9.0.1"],
    "cable": ["169.254.0.1"],
    "debian and cable": ["127.0.1.1", "169.254.0.1"],
}
"""What this machine's own name may mean to itself."""


@pytest.fixture
def resolver(monkeypatch) -> dict[str, list[str]]:
    """This machine is called `here`, has the addresses OWN, and knows a few others."""
    known = {
        "localhost": [LOOPBACK],
        "here": NAMES["plain"],
        "node2": ["10.9.0.2"],
        "node3": ["10.9.0.3"],
        "two": ["127.0.0.1", "169.254.0.9", "10.9.0.4"],
        "cable": ["169.254.0.9"],
        "alias": ["127.0.0.1"],
        "island": ["172.16.0.9"],
        "nobody": ["0.0.0.0"],
        "4": ["0.0.0.4"],
        "everybody": ["255.255.255.255"],
        "group": ["224.0.0.1"],
    }
    six = {"six": "fd00::2", "loop6": "::1", "cable6": "fe80::2"}

    def getaddrinfo(name, port, family=0, type=0, proto=0, flags=0):
        if name in six:
            return [(socket.AF_INET6, type, 6, "", (six[name], 0, 0, 0))]
        if name.count(".") == 3:
            return [(socket.AF_INET, type, 6, "", (name, 0))]
        if name not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, type, 6, "", (address, 0)) for address in known[name]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    monkeypatch.setattr(hosts, "is_own", lambda address: address in OWN or address.startswith("127."))
    monkeypatch.setattr(
        hosts, "towards", lambda address: next((own for begin, own in WAY.items() if address.startswith(begin)), None)
    )
    monkeypatch.setattr(shutil, "which", lambda name: name)
    return known


def located(folder: Path, text: str) -> list[Host]:
    file = folder / "hosts"
    file.write_text(text)
    return hosts.of(file)


@pytest.mark.parametrize("addresses", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("others", [["node2"], ["node2", "node3"], ["two"]])
@pytest.mark.parametrize("own", ["here", "localhost", LOOPBACK])
def test_beside_other_machines_no_address_is_loopback(tmp_path, resolver, addresses, others, own):
    resolver["here"] = addresses
    for names in ([own, *others], [*others, own]):
        found = located(tmp_path, "\n".join(names))
        assert [host.name for host in found] == names
        assert [host.name for host in found if host.here] == [own]
        mine = next(host.address for host in found if host.here)
        assert mine == ("192.168.7.1" if own == "here" and addresses in (NAMES["both"], NAMES["elsewhere"]) else OWN[0])
        assert [host.address for host in found if not host.here] == [
            {"node2": "10.9.0.2", "node3": "10.9.0.3", "two": "10.9.0.4"}[name] for name in others
        ]


@pytest.mark.parametrize("names", [["here"], ["localhost"], ["here", "localhost"], [LOOPBACK, "127.0.0.2"], ["alias"]])
@pytest.mark.parametrize("addresses", NAMES.values(), ids=NAMES)
def test_one_machine_stays_on_loopback(tmp_path, resolver, addresses, names):
    resolver["here"] = addresses
    assert located(tmp_path, "\n".join(names)) == [Host(name, LOOPBACK, here=True) for name in names]


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ("here\nisland", "here is 127.0.1.1 here, where island cannot reach it: name an address"),
        ("node2\nalias", "alias is 127.0.0.1 here, which is this machine itself: name an address"),
        ("here\nalias", "alias is 127.0.0.1 here, which is this machine itself: name an address"),
        ("here\nabsent", "the host 'absent' is not known: .*Name or service not known"),
        (f"{'a' * 70}.b", "the host 'aaaa.* is not known"),
        ("here\nsix", "the host 'six' is not known: it has no IPv4 address, only fd00::2"),
        ("loop6", "the host 'loop6' is not known: it has no IPv4 address, only ::1"),
        ("cable6", "the host 'cable6' is not known: it has no IPv4 address, only fe80::2"),
        ("nobody", "the host 'nobody' is 0.0.0.0, which is no machine's address"),
        ("here\n0.0.0.0", "the host '0.0.0.0' is 0.0.0.0, which is no"),
        ("4", "the host '4' is 0.0.0.4, which is no machine's address"),
        ("everybody", "is 255.255.255.255, which is no machine's address"),
        ("group", "is 224.0.0.1, which is no machine's address"),
        ("-oProxyCommand=x", "the host '-oProxyCommand=x' is not known"),
    ],
)
@pytest.mark.parametrize("engine", ["mpi", "pslite"])
def test_machines_that_cannot_meet(tmp_path, resolver, names, error, engine):
    resolver["here"] = NAMES["debian"]
    file = tmp_path / "hosts"
    file.write_text(names)
    with pytest.raises(launch.LaunchError, match=error):
        launch.run(launched.script(tmp_path, ""), engine=engine, hosts=file, log_dir=tmp_path / "logs", quiet=True)
    assert list((tmp_path / "logs").iterdir()) == []


def test_without_ssh_there_are_no_other_machines(tmp_path, resolver, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(launch.LaunchError, match="node2 is reached by ssh, which is not here"):
        located(tmp_path, "here\nnode2")
    assert located(tmp_path, "here")


def test_this_machine_needs_no_name_that_is_known(tmp_path, resolver):
    del resolver["here"]
    assert located(tmp_path, "here\nnode2")[0].address == OWN[0]


def test_a_cable_of_ones_own_will_do_where_there_is_nothing_else(tmp_path, resolver):
    assert located(tmp_path, "cable")[0].address == "169.254.0.9"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# ours\none:2\n\ntwo  # with a remark\n", ["one", "one", "two"]),
        ("one\r\ntwo:1\r\n", ["one", "two"]),
        ("\ufeffone\n", ["one"]),
        ("one slots=2\n\ttwo\tslots=1", ["one", "one", "two"]),
        ("one:0\ntwo", ["two"]),
        ("one\ntwo\none", ["one", "two", "one"]),
    ],
)
def test_host_files(tmp_path, text, names):
    (tmp_path / "hosts").write_bytes(text.encode())
    assert hosts.read(tmp_path / "hosts") == names


@pytest.mark.parametrize(
    "line",
    [
        *("one:many", "one:-1", "one:1.5", "one:²", "one:1001", f"one:{10**30}", "one:2:2", ":2", "::1", "fe80::2"),
        *(
            "[::1]:2",
            "one two",
            "one 2",
            "one user=me",
            "one:2 slots=2",
            "one slots=",
            "one:",
            "one max_slots=2",
            "one:nan",
        ),
    ],
)
def test_lines_of_host_files_that_say_nothing_known(tmp_path, line):
    (tmp_path / "hosts").write_text(f"two\n{line}\n")
    with pytest.raises(
        launch.LaunchError, match="is none of `host`, `host:processes` and `host slots=processes`"
    ) as told:
        hosts.read(tmp_path / "hosts")
    assert repr(line) in str(told.value)


@pytest.mark.parametrize("text", ["", "# none\n", "one:0\n", "\r\n"])
def test_a_host_file_without_hosts(tmp_path, text):
    (tmp_path / "hosts").write_bytes(text.encode())
    with pytest.raises(launch.LaunchError, match="names no host"):
        hosts.read(tmp_path / "hosts")


def test_what_is_asked_of_the_machine_itself():
    assert hosts.is_own(LOOPBACK)
    assert not hosts.is_own("192.0.2.77")  # kept for documents: nobody has it
    assert hosts.towards(LOOPBACK) is None
    assert hosts.towards("0.0.0.0") is None
    assert hosts.resolved("127.0.0.1") == [LOOPBACK]


def test_hydra_is_told_where_this_machine_is(tmp_path, resolver):
    resolver["here"] = NAMES["debian"]
    for text, words, told in [
        ("here\nnode2:2\nhere", ["-localhost", "10.9.0.1"], "10.9.0.1:2\nnode2:2\n"),
        ("node2", ["-localhost", "10.9.0.1"], "node2:1\n"),
        ("here\nlocalhost", [], "127.0.0.1:2\n"),
    ]:
        found = located(tmp_path, text)
        assert mpi._machines(found, tmp_path / "told") == ["-f", str(tmp_path / "told"), *words]
        assert (tmp_path / "told").read_text() == told
    with pytest.raises(launch.LaunchError, match=r"no way from here to island, which is 172\.16\.0\.9"):
        mpi._machines(located(tmp_path, "island"), tmp_path / "told")


def test_a_machine_that_ssh_does_not_reach(tmp_path, monkeypatch, mark):
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\ncase "$*" in *BatchMode=yes*) echo "ssh: node2 says no" >&2; exit 255;; esac\nsleep 60\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(
        hosts, "of", lambda file: [Host("here", LOOPBACK, here=True), Host("node2", LOOPBACK, here=False)]
    )
    path = launched.script(tmp_path, "import time; time.sleep(600)")
    for engine, said in [
        ("pslite", "was not started on node2: ssh ended with exit status 255"),
        ("mpi", "the mpiexec ended with exit status 255"),
    ]:
        with pytest.raises(launch.LaunchFailed, match=said) as failed:
            launch.run(path, 2, engine, hosts=path, log_dir=tmp_path / "logs", quiet=True)
        assert "  | ssh: node2 says no" in str(failed.value)


def test_machines_are_ordered_as_ps_lite_orders_them():
    """It compares addresses as texts, and begins with the last."""
    found = [Host("", address, here=True) for address in ("10.0.0.10", "9.0.0.1", "10.0.0.9")]
    assert [host.address for host in pslite._ordered(found)] == ["9.0.0.1", "10.0.0.9", "10.0.0.10"]


@pytest.mark.parametrize("parts", [2, 3, 7, 100, 2 * setup.MOST])
def test_parts_have_ports_of_their_own(parts):
    ranges = list(islice(pslite._ranges(parts), parts))
    assert len(ranges) == parts
    assert all(begin + 10 <= end for begin, end in ranges)
    assert all(end <= begin for (_, end), (begin, _) in zip(ranges, ranges[1:]))
    assert ranges[0][0] > 1024
    assert ranges[-1][1] <= 32_768
