"""What ties a process to the one that started it, so that nothing outlives its launcher.

python -m gluonbook.rank.lifeline PARENT COMMAND...     become COMMAND, tied to the process PARENT
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil

MARK = "GLUONBOOK_RUN"
"""The environment variable by which all processes of one run know each other; its value is the run's identity."""

DUMP = signal.SIGUSR1
"""The signal on which a part prints the stacks of all its threads into its log, even while it is blocked."""

_PR_SET_PDEATHSIG = 1


def tie(parent: int) -> None:
    """Let the kernel kill this process, by SIGKILL, in the moment in which its parent, the process `parent`, ends.

    That lasts through `exec`, and reaches processes that are stopped or blocked in C. It is Linux's alone; elsewhere
    nothing is done, and `gluonbook.launch.reaper` has to do. If the parent has ended already, this process ends.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def members(run: str) -> list[psutil.Process]:
    """The living processes of a run, on this machine, without the one that asks."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == run:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it has just ended, or belongs to someone else
    return found


def end(run: str, patience: float = 5.0, pause: Callable[[float], None] = time.sleep) -> None:
    """Kill every process of a run on this machine, stopped ones and children of children too, until none is left.

    Raises:
        RuntimeError: some were still there after `patience` seconds; the message names them.
    """
    limit = time.monotonic() + patience
    while left := members(run):
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        if time.monotonic() > limit:
            raise RuntimeError(f"processes that cannot be killed: {', '.join(map(str, left))}")
        pause(0.01)
