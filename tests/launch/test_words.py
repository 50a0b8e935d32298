"""The words of a script, and its variables, arrive as given, whatever they mean to a shell, to ssh or to mpiexec."""

from __future__ import annotations

import json
import os
from pathlib import Path

import launched
import pytest

from gluonbook import cli, launch
from gluonbook.launch import hosts
from gluonbook.launch.hosts import LOOPBACK, Host

WORDS = [
    *(":", "-n", "-np", "--", "-m", "-c", "-f", "-hosts", "-genv", "-env", "-wdir", "--help", "--version", "=", "A=1"),
    *(
        ";",
        "&",
        "&&",
        "|",
        ">out",
        "<in",
        "#",
        "*",
        "?",
        "~",
        "!",
        "!!",
        "{a,b}",
        "[a]",
        "(",
        ")",
        "$HOME",
        "$(exit 9)",
    ),
    *("`exit 9`", "'", '"', "'\"'\"'", "\\", "\\n", "a\\", "%s%n", "%", "@file", "a:b", " : ", "\x01\x7f\x1b[2J"),
    *("", " ", "  a  b ", "\t", "\n", "a\nb", "\r\n", "ü", "日本", "\u2028", "e\u0301", "\udcff\udc80", "x" * 100_000),
]
VARIABLES = {f"WORD_{number}": word for number, word in enumerate(WORDS)} | {"ODD-NAME.1 é": "a\nb=c'd"}
TELL = """
    import json, os, sys
    from pathlib import Path
    places = {"file": __file__, "directory": os.getcwd(), "path": sys.path[0]}
    found = {"words": sys.argv, "all": dict(os.environ), **places}
    Path(os.environ["TELL"], os.environ["GLUONBOOK_PART"]).write_text(json.dumps(found))
    raise SystemExit(3 if os.environ["GLUONBOOK_PART"] == "rank-0" and os.environ.get("DMLC_ROLE") else 0)
"""
SSH = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" = -o ] && shift; shift; done
[ "$1" = node2 ] || exit 9
shift
exec env -i PATH="$PATH" sh -c "$*"
"""
AWAY = Host("node2", LOOPBACK, here=False)
"""What `node2` is: this machine, by an ssh that hands a command to a shell, as the real one does, without variables."""


@pytest.fixture
def ssh(tmp_path, monkeypatch) -> None:
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text(SSH)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")


@pytest.mark.slow
@pytest.mark.usefixtures("mark", "ssh")
@pytest.mark.parametrize(
    ("engine", "workers", "machines"),
    [
        ("mpi", 2, None),
        ("mpi", 2, [Host("here", LOOPBACK, here=True), AWAY]),
        ("pslite", 1, None),
        ("pslite", 1, [AWAY]),
    ],
    ids=["mpi", "mpi-hosts", "pslite", "pslite-hosts"],
)
def test_words_and_variables_arrive_as_given(tmp_path, monkeypatch, engine, workers, machines):
    folder = tmp_path / "a : b\n'c"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "hosts").write_text("node2")
    if machines:
        monkeypatch.setattr(hosts, "of", lambda file: machines)
    settings = {"engine": engine, "env": {**VARIABLES, "TELL": folder}, "log_dir": folder / "logs $x", "quiet": True}
    try:
        path = launched.script(folder, TELL, "-n : $(x) 'ü\n&.py")
        launch.run([path, *WORDS], workers, hosts="hosts" if machines else None, **settings)
    except launch.LaunchFailed as failed:
        # Servers wait for workers, which this script never makes known to them.
        assert str(failed).startswith("rank 0 ended with exit status 3"), failed
    for rank in range(workers):
        found = json.loads((folder / f"rank-{rank}").read_text())
        assert found["words"] == [str(path), *WORDS]
        assert (found["file"], found["directory"], found["path"]) == (str(path), str(folder), str(folder))
        assert {name: found["all"].get(name) for name in VARIABLES} == VARIABLES


@pytest.mark.parametrize(
    "words",
    [["x.py", *WORDS], ["x.py", "--", "--workers", "9"], ["x.py", "--workers", "9"], ["x.py", "-m"], ["./-m", "-m"]],
)
@pytest.mark.parametrize("module", [[], ["-m"]])
def test_the_command_hands_words_on(monkeypatch, capsys, words, module):
    heard = []

    def run(script, workers, engine, **others):
        heard.append((script, workers))
        raise launch.LaunchError("heard")

    monkeypatch.setattr(launch, "run", run)
    monkeypatch.setattr("sys.argv", ["gluonbook", "run", "--workers", "3", *module, *words])
    with pytest.raises(SystemExit, match="gluonbook: heard"):
        cli.main()
    assert heard == [([*module, *words], 3)]


@pytest.mark.parametrize("option", ["--worker", "-n", "-np"])
def test_an_option_that_is_none_of_the_command_is_no_script(monkeypatch, capsys, option):
    monkeypatch.setattr("sys.argv", ["gluonbook", "run", option, "2", "x.py"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "No such option" in capsys.readouterr().err


def test_an_empty_host_file_is_no_host_file(monkeypatch):
    monkeypatch.setattr("sys.argv", ["gluonbook", "run", "--hosts=", __file__])
    with pytest.raises(SystemExit, match="host file must be a path, got ''"):
        cli.main()


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"script": ["x.py", "a\0b"]}, "a word of the script's must not hold a zero byte"),
        ({"script": ["x.py", "\ud800"]}, "cannot be written in this machine's encoding"),
        ({"script": ""}, "script must be a file, or a list of it .* got ''"),
        *(({"script": nothing}, "script must be a file") for nothing in ([], [""], b"", None, 5, {"x.py"})),
        ({"script": ["-m"]}, "-m must be followed by the name of a module"),
        ({"script": ["-m", ""]}, "-m must be followed by the name of a module"),
        ({"script": ["-m", "a..b"]}, "-m must be followed by the name of a module"),
        ({"env": {"": "a"}}, "env must hold names of variables and their values, got ''"),
        ({"env": {"A=B": "a"}}, "env must hold .*'A=B'"),
        ({"env": {1: "a"}}, "env must hold .* got 1: 'a'"),
        ({"env": {"A": None}}, "env must hold .* got 'A': None"),
        ({"env": {"A": "a\0b"}}, "the variable A must not hold a zero byte"),
        ({"env": {"A": "\ud800"}}, "the variable A cannot be written"),
    ],
)
def test_what_no_process_can_be_handed(tmp_path, monkeypatch, settings, error):
    monkeypatch.chdir(tmp_path)
    launched.script(tmp_path, "", "x.py")
    with pytest.raises(ValueError, match=error):
        launch.run(**{"script": "x.py", "log_dir": "logs", **settings})
    assert not Path("logs").exists()


@pytest.mark.parametrize(
    "given", [b"-m", Path("-m"), [Path("-m")], "./-m", ["./-m"], (Path("-m"), 1, 0.5, b"\xff", "", Path("a b"))]
)
def test_kinds_of_words(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    launched.script(tmp_path, "", "-m")
    heard = []
    monkeypatch.setattr("gluonbook.launch.mpi.plan", lambda setup: heard.append(setup) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        launch.run(given, log_dir="logs")
    more = ["1", "0.5", "\udcff", "", "a b"] if isinstance(given, tuple) else []
    assert heard[0].command == [str(tmp_path / "-m"), *more]


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (lambda path: None, FileNotFoundError),
        (Path.mkdir, launch.LaunchError),
        (os.mkfifo, launch.LaunchError),
        (lambda path: path.symlink_to("gone"), FileNotFoundError),
        (lambda path: path.touch(0o000), launch.LaunchError),
    ],
    ids=["missing", "a folder", "a pipe", "a broken link", "unreadable"],
)
@pytest.mark.parametrize("what", ["script", "host file"])
def test_files_that_cannot_be_read(tmp_path, monkeypatch, what, made, error):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).stat().st_mode & 0o400 != 0)  # root may read all
    launched.script(tmp_path, "", "x.py")
    made(tmp_path / "odd")
    given = (
        {"script": tmp_path / "odd"} if what == "script" else {"script": tmp_path / "x.py", "hosts": tmp_path / "odd"}
    )
    with pytest.raises(error, match=rf"{what} {tmp_path}/odd"):
        launch.run(**given, log_dir=tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
