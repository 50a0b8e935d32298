"""What a look at one thing on this machine found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

OK, NOTE, PROBLEM = "ok", "note", "problem"


@final
@dataclass(frozen=True)
class Check:
    """One finding: "ok", a "note" where something optional is missing, or a "problem" that keeps the book from running.

    `finding` says what was found, `remedy` what helps; it is empty where nothing need be done.
    """

    name: str
    status: str
    finding: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.status not in (OK, NOTE, PROBLEM):
            raise ValueError(f"status is {self.status!r}; legal are {OK!r}, {NOTE!r} and {PROBLEM!r}")
