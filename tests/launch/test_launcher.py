"""What is asked of a run, and what cannot be."""

from __future__ import annotations

import errno
import fcntl
import inspect
import math
import os
import subprocess
from decimal import Decimal
from typing import Callable

import launched
import numpy as np
import pytest

from gluonbook import checkpoint, cli, launch
from gluonbook.launch import launcher, supervisor
from gluonbook.machine import load
from gluonbook.models import mlp
from gluonbook.rank import heartbeat, notes
from read_only import read_only
from repetitions import FULL
from troubles import refusal, refuse

pytestmark = pytest.mark.slow


NUMBERS = {
    "workers": ("must be a whole number from 1 to 1000", [0]),
    "servers": ("must be a whole number from 1 to 1000", [0]),
    "deadline": (r"\(s, or none at all\) must be a number in \(0, 1e\+09\]", [0]),
    "show": ("must hold ranks from 0 to 3", [4]),
}
"""The numbers that can be asked for, what is legal, and what is not, besides BAD."""

BAD = [
    *(math.nan, math.inf, -math.inf, -1, 1e10, 10**30, True, np.bool_(True), np.float64("nan"), 1j, "2", b"2", [1], {}),
    *(np.array([]), np.array([1, 2]), np.array(True), Decimal("NaN"), object()),
]
WHOLE = [3, np.int8(3), np.int64(3), np.uint8(3), np.array(3)]


def numbers(function: Callable, kinds: tuple[str, ...]) -> set[str]:
    named = inspect.signature(function).parameters.items()
    return {name for name, parameter in named if any(kind in str(parameter.annotation) for kind in kinds)}


def test_all_numbers_are_looked_at():
    assert numbers(launch.run, ("int", "float")) == numbers(cli.run_command, ("int", "float")) == set(NUMBERS)


def given(name: str, value: object) -> dict:
    return {name: [value] if name == "show" else value}


@pytest.mark.parametrize(
    ("name", "value"), [(name, bad) for name, (_, more) in NUMBERS.items() for bad in [*BAD, *more]]
)
def test_a_number_out_of_range(tmp_path, name, value):
    with pytest.raises(ValueError, match=f"^{name} {NUMBERS[name][0]}, got ") as error:
        launch.run(launched.script(tmp_path, ""), log_dir=tmp_path / "logs", **given(name, value))
    assert repr(value) in str(error.value)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in NUMBERS for value in WHOLE),
        *(("deadline", v) for v in (1e-3, np.float32(3), 1e9)),
    ],
)
def test_a_number_within_range(tmp_path, monkeypatch, name, value):
    heard = []
    monkeypatch.setattr("gluonbook.launch.pslite.plan", lambda setup, port: heard.append(setup) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        launch.run(launched.script(tmp_path, ""), engine="pslite", log_dir=tmp_path / "logs", **given(name, value))
    assert name == "show" or type(getattr(heard[0], name)) is (float if name == "deadline" else int)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e10", "1e400", "9" * 400, "x", "", "0x"])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_the_command_out_of_range(tmp_path, monkeypatch, capsys, name, value):
    words = ["run", f"--{name}={value}", "--log-dir", str(tmp_path / "logs"), str(launched.script(tmp_path, ""))]
    monkeypatch.setattr("sys.argv", ["gluonbook", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code not in (0, None)
    said = str(end.value) if isinstance(end.value.code, str) else capsys.readouterr().err
    assert f"{name}" in said and "Traceback" not in said
    assert not (tmp_path / "logs").exists()


def test_the_longest_deadline_can_be_kept(tmp_path):
    path = launched.script(tmp_path, "from gluonbook.rank import heartbeat\nheartbeat.step()")
    assert launch.run(path, workers=1, deadline=launcher.FOREVER, log_dir=tmp_path / "logs", quiet=True).codes


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"engine": "nccl"}, "engine must be 'mpi' or 'pslite', got 'nccl'"),
        ({"engine": ["mpi"]}, "engine must be 'mpi' or 'pslite', got "),
        ({"show": 0}, "show must hold ranks from 0 to 3, got 0"),
        ({"quiet": "no"}, "quiet must be True or False, got 'no'"),
        ({"trust": "mine"}, "trust must be a list"),
        ({"trust": ["os; x"]}, "trust must be a list"),
        ({"trust": [1]}, "trust must be a list"),
        ({"trust": ["__main__"]}, "trust cannot name __main__"),
        ({"trust": ["my_optimizers"]}, r"trust=\['my_optimizers'\] has no effect with MPI, which has no servers"),
        ({"servers": 2}, "servers=2 has no effect with MPI, which has no servers"),
    ],
)
def test_what_is_out_of_range(tmp_path, settings, error):
    with pytest.raises(ValueError, match=error):
        launch.run(launched.script(tmp_path, ""), log_dir=tmp_path / "logs", **settings)
    assert not (tmp_path / "logs").exists()


def test_a_folder_for_logs_that_cannot_be(tmp_path):
    (tmp_path / "logs").touch()
    for folder in (tmp_path / "logs", tmp_path / "logs" / "deeper"):
        with pytest.raises(launch.LaunchError, match=r"the logs have no folder: .*logs"):
            launch.run(launched.script(tmp_path, ""), log_dir=folder)


BESIDE = """
    import os, sys
    from pathlib import Path
    from gluonbook import launch

    print("mine", [link for link in map(os.path.realpath, Path("/proc/self/fd").iterdir()) if link.endswith(".lock")])
    try:
        launch.run(sys.argv[1], 1, log_dir=sys.argv[2], quiet=True)
    except launch.LaunchError as error:
        print(error)
"""


def test_two_runs_do_not_write_to_one_folder(tmp_path, mark):
    """The first starts the second."""
    path, other, logs = launched.script(tmp_path, BESIDE), launched.script(tmp_path, "", "other.py"), tmp_path / "logs"
    done = launch.run([path, other, logs], 1, log_dir=logs, quiet=True)
    said = f"another run writes its logs to {logs}: wait for it, or name another log_dir"
    assert done.log() == f"mine []\n{said}\n"
    assert launch.run(other, 1, log_dir=logs, quiet=True).log() == ""
    assert sorted(file.name for file in logs.iterdir()) == ["mpiexec.log", "rank-0.log"]


def test_logs_on_a_share_that_knows_no_locks(tmp_path, monkeypatch, mark):
    refuse(monkeypatch, fcntl, "flock", refusal(errno.ENOLCK))
    assert launch.run(launched.script(tmp_path, ""), 1, log_dir=tmp_path / "logs", quiet=True).log() == ""


def test_a_folder_for_logs_that_cannot_be_written(tmp_path):
    said = r"^the run cannot be started: .*Read-only file system" if os.geteuid() == 0 else "Permission denied"
    with read_only(tmp_path), pytest.raises(launch.LaunchError, match=said):
        launch.run(__file__, 1, log_dir=tmp_path)


def test_a_rank_that_a_result_does_not_have(tmp_path):
    (tmp_path / "rank-0.log").write_text("said")
    done = launch.Result({}, {"rank-0": tmp_path / "rank-0.log", "server-0": tmp_path / "absent"}, tmp_path, 1.0)
    assert done.log() == done.log(np.int64(0)) == "said"
    for rank in (1, -1, True, 0.0):
        with pytest.raises(ValueError, match="rank must be a whole number from 0 to 0, got "):
            done.log(rank)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(launch.LaunchError, match=r"needs mpiexec\.gforker of the package mpich: pip install"):
        launch.run(launched.script(tmp_path, "pass"))


def test_a_step_outside_of_a_run_does_nothing():
    heartbeat.step()
    heartbeat.pause()
    heartbeat.saved("anywhere")


def test_a_checkpoint_is_noted(tmp_path, monkeypatch):
    import mxnet as mx
    from mxnet import gluon

    monkeypatch.setenv(notes.FOLDER, str(tmp_path))
    monkeypatch.setenv(notes.NAME, "rank-1")
    net = mlp(hidden=(4,))
    net.initialize()
    net(mx.nd.zeros((1, 5)))
    path = checkpoint.save(tmp_path / "saved", net, gluon.Trainer(net.collect_params(), "sgd"), step=1, epoch=0)
    assert notes.Notes(tmp_path, "rank-1").read("checkpoint")[1] == str(path)


@pytest.mark.parametrize("engine", ["mpi", "pslite"])
def test_f5_a_worker_that_never_starts(tmp_path, monkeypatch, mark, engine):
    """The interpreter of one worker hangs before it runs anything of ours."""
    if not FULL:
        monkeypatch.setattr(supervisor, "STARTING", 4.0)
    assert supervisor.STARTING <= 15
    launched.script(
        tmp_path,
        """
        import os, time
        if "rank-1.order" in open("/proc/self/cmdline").read() or os.environ.get("PMI_RANK") == "1":
            time.sleep(600)
        """,
        "sitecustomize.py",
    )
    found = [1.0]  # by so much the limit is extended, on a busy machine
    slowdown = load.slowdown
    monkeypatch.setattr(load, "slowdown", lambda: found.append(slowdown()) or found[-1])
    begun = launched.time.monotonic()
    with pytest.raises(launch.LaunchTimedOut, match=r"^rank 1: not started within \d+ s"):
        launch.run(
            launched.script(tmp_path, "import time; time.sleep(600)"),
            workers=2,
            engine=engine,
            env={"PYTHONPATH": tmp_path},
            log_dir=tmp_path / "logs",
            quiet=True,
        )
    assert launched.time.monotonic() - begun < (supervisor.STARTING + 3) * max(found)


def test_a_busy_machine_gets_more_time_to_start(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "STARTING", 0.01)
    monkeypatch.setattr(load, "slowdown", lambda: 1e6)
    path = launched.script(tmp_path, "")
    assert launch.run(path, workers=2, log_dir=tmp_path / "logs", quiet=True).codes == {"rank-0": 0, "rank-1": 0}


def test_the_command_fails_when_a_rank_does(tmp_path, mark):
    path = launched.script(tmp_path, launched.MPI)
    done = subprocess.run(
        launched.command_line("--workers", "3", "--show", "1", str(path), "raise", "5"), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "gluonbook: rank 2 raised ValueError: no such batch" in done.stderr
    done = subprocess.run(
        launched.command_line("--workers", "2", "--show", "1", str(path), "none", "--help"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, "what follows the script is the script's own"
    assert "invalid literal for int() with base 10: '--help'" in done.stderr
