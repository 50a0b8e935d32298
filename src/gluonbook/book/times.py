"""How long each chapter takes to execute, as stored with the book, and how one says so.

It needs the standard library alone: the doctor tells these times where the book's tooling is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from gluonbook.book import outcomes
from gluonbook.profiles import NAMES


@final
@dataclass(frozen=True)
class RunTimes:
    """Of what has run (see `outcomes`): seconds by chapter, and the profile, the machine and the date of them."""

    profile: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)  # by the chapter's name; empty where nobody has measured

    @classmethod
    def read(cls, root: Path) -> RunTimes:
        """The times in the first profile that has any, on the machine that ran most chapters; of equals, the last.

        None if nothing is stored with the book in the folder `root`.

        Raises:
            ValueError: the file of outcomes is not understood.
        """
        well = [one for one in outcomes.read(root) if one.went_well]
        for profile in NAMES:
            if of_it := [one for one in well if one.profile == profile]:
                on_each = [[one for one in of_it if one.machine == last.machine] for last in of_it]
                runs = max(on_each, key=lambda runs: (len(runs), max(one.date for one in runs)))
                seconds = {one.chapter: one.seconds or 0.0 for one in runs}
                return cls(profile, runs[0].machine, max(one.date for one in runs), seconds)
        return cls()


def duration(seconds: float) -> str:
    """Seconds in the unit that one would say them in."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
