"""The sign of life of a rank: a loop, or the store that it exchanges votes through, calls `step` once a step.

    for X, y in batches:
        heartbeat.step()
        ...

When a launched rank then says nothing for the deadline of its run, it prints the line on which it hangs and ends, and
the launcher ends the others. Outside of a launched run all of this does nothing and costs next to nothing.
"""

from __future__ import annotations

import faulthandler
import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import final

from gluonbook.rank.notes import DEADLINE, Notes


@final
class _Pulse:
    """The heartbeat file, which the launcher reads, and the alarm, which works even where it cannot."""

    def __init__(self, notes: Notes, deadline: float | None) -> None:
        self.file = os.open(notes.file("beat"), os.O_WRONLY | os.O_CREAT, 0o600)
        self.deadline, self.steps, self.armed = deadline, 0, 0.0
        # Setting the alarm takes 50 µs, writing the beat 1 µs: so the alarm is set less often, and later by as much.
        self.slack = min(0.2, deadline / 20) if deadline else 0.0

    def write(self, state: str) -> None:
        os.pwrite(self.file, f"{self.steps:12d} {state:6s}".encode(), 0)

    def step(self) -> None:
        self.steps += 1
        self.write("runs")
        now = time.monotonic()
        if self.deadline and now - self.armed >= self.slack:
            faulthandler.dump_traceback_later(self.deadline + self.slack, exit=True)
            self.armed = now

    def pause(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        self.armed = 0.0
        self.write("paused")


def step() -> None:
    """Say that a step begins. From the first call on, the deadline holds: call it again before it has passed.

    Call it before the first operation that waits for other ranks, too, such as making a distributed store: or use
    `waiting`.
    """
    if pulse := _own():
        pulse.step()


def pause() -> None:
    """Suspend the deadline until the next `step`: for what may take long, such as evaluating at the end of an epoch."""
    if pulse := _own():
        pulse.pause()


@contextmanager
def waiting() -> Iterator[None]:
    """For a block that waits for other ranks, but is no step: the deadline holds in it, and is suspended after it."""
    step()
    try:
        yield
    finally:
        pause()


def saved(path: Path) -> None:
    """Note a checkpoint, so that the launcher can name the last one when the run fails."""
    if notes := Notes.own():
        with suppress(OSError):  # it is saved, even where the launcher's folder is full
            notes.write("checkpoint", str(path.absolute()))


def read(notes: Notes) -> tuple[int, bool] | None:
    """How many steps a rank has begun, and whether it is under the deadline; None before its first step."""
    try:
        steps, state = notes.file("beat").read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):  # none yet, or just made and still empty
        return None
    return int(steps), state == "runs"


@functools.cache
def _own() -> _Pulse | None:
    """Made at the first use, since a part learns its name after this module has been imported."""
    notes, deadline = Notes.own(), os.environ.get(DEADLINE)
    return _Pulse(notes, float(deadline) if deadline else None) if notes else None
