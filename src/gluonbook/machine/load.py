"""How busy the machine is with other programs, found by what they make ours wait: no formula knows the neighbours."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import final

from gluonbook.machine import facts

QUIET = 1.3
"""Up to this slowdown a machine counts as quiet: one program that computes all the time exceeds it on two cores."""

_ROUNDS = 200_000  # some 40 ms; far above the turns of a few milliseconds that a kernel gives to each program


def slowdown() -> float:
    """How many times longer than on a quiet machine a program takes that keeps all cores busy; about 1, or more.

    Formula: Σ seconds of the clock on the wall / Σ seconds of processor time, over one thread for each core that this
    process may use, each of which computes for some 40 ms. What this process does meanwhile counts, too.
    """
    cores = facts.cores()
    with ThreadPoolExecutor(cores) as pool:
        probes = [pool.submit(_probe) for _ in range(cores)]
        wall, processor = map(sum, zip(*(probe.result() for probe in probes)))
    return wall / processor


def wait_until_quiet(patience: float) -> float:
    """Wait until the machine is quiet, for at most `patience` seconds; return the slowdown that was found last."""
    limit = time.monotonic() + patience
    while (found := slowdown()) > QUIET and time.monotonic() < limit:
        time.sleep(1)
    return found


@final
class Limit:
    """A number of seconds of a quiet machine, after which something counts as stuck.

    A slow machine gets as many times the seconds as it is slowed down, so that a limit ends what is stuck, not what has
    to wait for its turn. The machine is looked at only when the limit seems to have passed.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self._extended = seconds

    def passed(self, elapsed: float) -> bool:
        """Whether what has taken `elapsed` seconds until now should have ended by now, on this machine."""
        if elapsed > self._extended:
            self._extended = max(self._extended, self.seconds * slowdown())
        return elapsed > self._extended


def busy() -> str:
    """A clause for a message: how busy the machine is at this moment, in what everybody's tools show, too."""
    load = f"load {os.getloadavg()[0]:.1f}, cores {facts.cores()}"
    found = slowdown()
    if found <= QUIET:
        return f"the machine is quiet now ({load})"
    return f"the machine is busy: programs take {found:.1f} times as long as on a quiet one ({load})"


def _probe() -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.thread_time()
    hashlib.pbkdf2_hmac("sha256", b"", b"", _ROUNDS)  # one call, outside of Python's lock: the probes never meet there
    return time.perf_counter() - wall, time.thread_time() - processor
