"""What is asked of a run, and what cannot be."""

from __future__ import annotations

import math
import subprocess

import launched
import pytest

from gluonbook import checkpoint, launch
from gluonbook.launch import pslite, setup, supervisor
from gluonbook.machine import load
from gluonbook.models import mlp
from gluonbook.rank import heartbeat, notes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"workers": 0}, "workers must be a whole number from 1, got 0"),
        ({"servers": 1.5}, "servers must be a whole number from 1, got 1.5"),
        ({"engine": "nccl"}, "engine must be 'mpi' or 'pslite', got 'nccl'"),
        ({"deadline": 0}, r"deadline \(s, or None\) must be a number in \(0, inf\), got 0"),
        ({"deadline": math.nan}, r"deadline .* must be .* got nan"),
        ({"trust": "mine"}, "trust must be a list"),
        ({"trust": ["os; x"]}, "trust must be a list"),
        ({"trust": ["__main__"]}, "trust cannot name __main__"),
        ({"trust": ["my_optimizers"]}, r"trust=\['my_optimizers'\] has no effect with MPI, which has no servers"),
        ({"servers": 2}, "servers=2 has no effect with MPI, which has no servers"),
        ({"show": [4]}, "show must hold ranks from 0 to 3, got 4"),
        ({"script": []}, "script must be a file"),
        ({"script": ["-m"]}, "-m must be followed by the name of a module"),
    ],
)
def test_what_is_out_of_range(tmp_path, settings, error, mark):
    with pytest.raises(ValueError, match=error):
        launch.run(**{"script": launched.script(tmp_path, "pass"), "log_dir": tmp_path, **settings})


def test_a_script_or_host_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no script .*absent.py"):
        launch.run(tmp_path / "absent.py")
    with pytest.raises(FileNotFoundError, match=r"there is no host file .*absent"):
        launch.run(launched.script(tmp_path, "pass"), hosts=tmp_path / "absent")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(launch.LaunchError, match=r"needs mpiexec\.gforker of the package mpich: pip install"):
        launch.run(launched.script(tmp_path, "pass"))


def test_host_files(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("# ours\none:2\n\ntwo  # with a remark\n")
    assert pslite.read_hosts(file) == ["one", "one", "two"]
    file.write_text("one:many\n")
    with pytest.raises(setup.LaunchError, match="'one:many' is neither `host` nor `host:processes`"):
        pslite.read_hosts(file)
    file.write_text("# none\n")
    with pytest.raises(setup.LaunchError, match="names no host"):
        pslite.read_hosts(file)


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
    if not launched.FULL:
        monkeypatch.setattr(supervisor, "STARTING", 4.0)
    assert supervisor.STARTING <= 15
    launched.script(
        tmp_path,
        """
        import os, time
        words = open("/proc/self/cmdline").read().split(chr(0))
        if "worker" in words and words[words.index("worker") + 1] == "1" or os.environ.get("PMI_RANK") == "1":
            time.sleep(600)
        """,
        "sitecustomize.py",
    )
    found = [1.0]  # by so much the limit is extended, on a busy machine
    slowdown = load.slowdown
    monkeypatch.setattr(load, "slowdown", lambda: found.append(slowdown()) or found[-1])
    begun = launched.time.monotonic()
    with pytest.raises(launch.LaunchTimedOut, match=r"^(rank|worker) 1: not started within \d+ s"):
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
