"""Two machines: two network namespaces, with an ssh that leads from one to the other. In `make faults`, as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap

import launched
import pytest

from repetitions import FULL

CAN = FULL and os.geteuid() == 0 and shutil.which("nsenter") and shutil.which("ip")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CAN, reason="needs GLUONBOOK_FAULTS=full, root, and iproute2")]

MACHINES = """
    printf '127.0.0.1 localhost\\n%s this\\n10.9.0.2 node2\\n' $OWN > etc
    mount --bind etc /etc/hosts
    hostname this
    ip link set lo up
    unshare -n sleep 300 & other=$!
    trap "kill $other" EXIT
    until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
    echo $other > pid
    ip link add v0 type veth peer name v1 netns $other
    ip addr add 10.9.0.1/24 dev v0; ip link set v0 up
    nsenter -t $other -n sh -c 'ip link set lo up; ip addr add 10.9.0.2/24 dev v1; ip link set v1 up'
    "$@"
"""
SSH = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" = -o ] && shift; shift; done
[ "$1" = node2 ] || exit 9
shift
exec nsenter -t $(cat FOLDER/pid) -n sh -c "$*"
"""
SCRIPT = """
    import os, sys, socket
    from gluonbook.kvstore import VoteStore
    store = VoteStore(sys.argv[1])
    on = [line.split()[0] for line in open("/proc/net/dev") if line.split()[0] in ("v0:", "v1:")]
    print("rank", store.rank, "of", store.num_workers, "on", on, sys.argv[2:], flush=True)
"""


@pytest.mark.parametrize("own", ["10.9.0.1", "127.0.1.1", "127.0.0.1", "10.9.0.77"])
@pytest.mark.parametrize("engine", ["pslite", "mpi"])
def test_they_meet_whatever_this_one_calls_itself(tmp_path, engine, own):
    (tmp_path / "ssh").write_text(SSH.replace("FOLDER", str(tmp_path)))
    (tmp_path / "ssh").chmod(0o755)
    (tmp_path / "hosts").write_text("this\nnode2\n")
    (tmp_path / "machines.sh").write_text(textwrap.dedent(MACHINES))
    words = ["--engine", engine, "--workers", "2", "--hosts", "hosts", "--deadline", "60", "--show", "0", "--show", "1"]
    path = str(launched.script(tmp_path, SCRIPT))
    done = subprocess.run(
        [
            "unshare",
            "--mount",
            "--net",
            "--uts",
            "sh",
            "machines.sh",
            *launched.command_line(*words, path),
            engine,
            ":",
        ],
        cwd=tmp_path,
        env={**os.environ, "OWN": own, "PATH": f"{tmp_path}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for rank in (0, 1):
        assert f"rank {rank} of 2 on" in done.stdout
    assert done.stdout.count("[':']") == 2
    assert {"v0:", "v1:"} <= {line.split("'")[1] for line in done.stdout.splitlines() if " on [" in line}
