"""Nothing outlives the launcher, however it ends: F15 and F16."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time

import launched
import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from launched import WAITING, command_line, marked, script, wait_for, wait_until_none_is_left

import promises
from repetitions import FULL

pytestmark = pytest.mark.slow

WAITING_FOR_PSLITE = """
    import os, time
    from pathlib import Path
    import mxnet as mx

    kv = mx.kvstore.create("dist_sync")
    Path(__file__).with_name(f"ready-{kv.rank}").write_text(str(os.getpid()))
    if kv.rank == 0:
        time.sleep(600)
    kv._barrier()
"""


@contextlib.contextmanager
def launching(folder, mark: str, engine: str = "mpi", workers: int = 3):
    """A launcher of its own process, once all its workers wait."""
    path = script(folder, WAITING if engine == "mpi" else WAITING_FOR_PSLITE)
    words = ["--workers", str(workers), "--engine", engine, "--log-dir", str(folder / "logs"), str(path)]
    process = subprocess.Popen(command_line(*words), start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        wait_for([folder / f"ready-{rank}" for rank in range(workers)])
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize("time_of", range(20 if FULL else 2))
def test_f16_a_killed_launcher_takes_all_along(tmp_path, mark, time_of):
    with launching(tmp_path, mark) as launcher:
        # launcher, reaper, mpiexec, and for each rank its keeper, itself and its own child
        assert len(marked(mark)) == 3 + 3 * 3
        launcher.kill()
        launcher.wait()
        wait_until_none_is_left(mark, promised=1)
    wait_until_swept(tmp_path / "logs")


@pytest.mark.parametrize("time_of", range(5 if FULL else 1))
def test_f16_of_pslite(tmp_path, mark, time_of):
    with launching(tmp_path, mark, engine="pslite", workers=2) as launcher:
        launcher.kill()
        launcher.wait()
        wait_until_none_is_left(mark, promised=1)


def test_f16_without_the_reaper_and_with_a_stopped_rank(tmp_path, mark):
    """The kernel alone ends the ranks; their own children are what the reaper is for."""
    with launching(tmp_path, mark) as launcher:
        (reaper,) = [p for p in marked(mark) if "gluonbook.launch.reaper" in p.cmdline()]
        reaper.kill()
        ranks = [int((tmp_path / f"ready-{rank}").read_text()) for rank in range(3)]
        os.kill(ranks[1], signal.SIGSTOP)
        launcher.kill()
        launcher.wait()
        promises.wait_for(lambda: all(map(promises.has_ended, ranks)), 1)
    left = marked(mark)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_all_when_it_is_told_to_end(tmp_path, mark, number):
    with launching(tmp_path, mark) as launcher:
        os.killpg(launcher.pid, number)  # as a terminal does
        begun = time.monotonic()
        _, said = launcher.communicate()
        assert promises.kept(time.monotonic() - begun, 2)
        assert launcher.returncode not in (0, None)
        if number == signal.SIGINT:
            assert "interrupted; all processes of the run have been ended" in said
        wait_until_none_is_left(mark, promised=1)


def wait_until_swept(logs) -> None:
    """The reaper also removes the folder of notes."""
    promises.wait_for(lambda: not list(logs.glob(".run-*")), 5)


@contextlib.contextmanager
def kernel_that_launches(folder):
    """A Jupyter kernel whose cell is running three ranks, with a mark for them that the kernel does not carry."""
    path, mark = script(folder, WAITING), launched.new_mark()
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    try:
        cell = client.execute(
            f"import os; os.environ[{launched.MARK!r}] = {mark!r}\n"
            f"from gluonbook import launch\nlaunch.run({str(path)!r}, workers=3)",
            stop_on_error=False,  # or the kernel would refuse what is asked of it right after the error
        )
        wait_for([folder / f"ready-{rank}" for rank in range(3)])
        yield manager, client, cell, mark
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def reply_to(cell: str, client) -> dict:
    """The kernel's reply to one request: on a busy machine, replies of the kernel's start still come before it."""
    while True:
        reply = client.get_shell_msg(timeout=120)
        if reply["parent_header"].get("msg_id") == cell:
            return reply["content"]


@pytest.mark.parametrize("time_of", range(5 if FULL else 1))
def test_f15_interrupting_the_cell(tmp_path, time_of):
    with kernel_that_launches(tmp_path) as (manager, client, cell, mark):
        begun = time.monotonic()
        manager.interrupt_kernel()
        reply = reply_to(cell, client)
        assert promises.kept(time.monotonic() - begun, 2)
        assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
        wait_until_none_is_left(mark, promised=1)
        assert client.execute_interactive("1 + 1", timeout=120)["content"]["status"] == "ok"


@pytest.mark.parametrize("time_of", range(5 if FULL else 1))
@pytest.mark.parametrize("now", [True, False], ids=["at once", "politely"])
def test_f15_restarting_the_kernel(tmp_path, now, time_of):
    with kernel_that_launches(tmp_path) as (manager, _, _, mark):
        # A polite restart waits for the kernel, which is busy; what it waits is Jupyter's own affair.
        manager.shutdown_wait_time = 1.0
        restart = threading.Thread(target=manager.restart_kernel, kwargs={"now": now})
        restart.start()
        wait_until_none_is_left(mark, promised=3)
        restart.join()
