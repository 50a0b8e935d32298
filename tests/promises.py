"""Promises of seconds, such as "after one second nothing is left": a busy machine gets more, by its slowdown."""

from __future__ import annotations

import time
from typing import Callable

import psutil

from gluonbook.machine.load import Limit

# The first line of a program that is to hear Ctrl-C: what a shell starts in its background ignores it.
HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"


def kept(seconds: float, promised: float) -> bool:
    """Whether what took `seconds` just now kept the promise."""
    return not Limit(promised).passed(seconds)


def wait_for(condition: Callable[[], object], promised: float, what: Callable[[], object] = lambda: "") -> float:
    """Wait until the condition holds, and return the seconds that it took; fail, and say `what`, if that is late."""
    begun, limit = time.monotonic(), Limit(promised)
    while not condition():
        assert not limit.passed(time.monotonic() - begun), f"not within {promised} s of a quiet machine: {what()}"
        time.sleep(0.01)
    return time.monotonic() - begun


def has_ended(pid: int) -> bool:
    """Whether there is no such process any more, or only a zombie, which whoever has started it has yet to ask for."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
