"""Which of the parts that have ended badly was the cause, and which were taken along."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

_TAKEN_ALONG = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)}


@final
@dataclass(frozen=True)
class End:
    """When a part failed (seconds of `time.time`), its exit status, or minus the signal that killed it, and its reason.

    The reason is what the part has noted itself, as it does when its script raises.
    """

    when: float
    code: int
    reason: str | None = None

    @property
    def taken_along(self) -> bool:
        """Whether it ended as one does that mpiexec, ssh or a shell tells to end, because another one has failed."""
        return self.code in _TAKEN_ALONG

    @property
    def said(self) -> str:
        """What the part did, behind its name in a sentence."""
        return self.reason or (
            described(self.code) if self.code else "ended with exit status 0 in the middle of its script"
        )


def first(ends: Mapping[str, End]) -> str:
    """The part to blame: the first in time of those that were not taken along, or of all if all were."""
    return min(ends, key=lambda name: (ends[name].taken_along, ends[name].when))


def described(code: int) -> str:
    """An exit status in words."""
    if code < 0:
        return f"was killed by {_named(-code)} (signal {-code})"
    if code in _TAKEN_ALONG:
        return f"ended with exit status {code}, as a program does that is sent {_named(code - 128)}"
    return f"ended with exit status {code}"


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return "a signal"
