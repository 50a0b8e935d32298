"""The processes of a run: all that carry its mark, whoever started them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil

from gluonbook.machine.load import Limit
from gluonbook.rank import lifeline


def members(run: str) -> list[psutil.Process]:
    """The living processes of a run, on this machine, without the one that asks."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(lifeline.MARK) == run:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it has just ended, or belongs to someone else
    return found


def end(run: str, patience: float = 5.0, pause: Callable[[float], None] = time.sleep) -> None:
    """Kill every process of a run on this machine, stopped ones and children of children too, until none is left.

    Raises:
        RuntimeError: some were still there after `patience` seconds of a quiet machine; the message names them.
    """
    begun, limit = time.monotonic(), Limit(patience)
    while left := members(run):
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        if limit.passed(time.monotonic() - begun):
            raise RuntimeError(f"processes that cannot be killed: {', '.join(map(str, left))}")
        pause(0.01)
