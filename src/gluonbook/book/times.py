"""How long each chapter takes to execute, as stored with the book, and how one says so.

It needs the standard library alone: the doctor tells these times where the book's tooling is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from gluonbook.storage.text import read_text

FILE = "chapters/run_times.json"


@final
@dataclass(frozen=True)
class RunTimes:
    """What `make times` has stored: seconds by chapter, and the profile, the machine and the date of them."""

    profile: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)  # by the chapter's name; empty where nobody has measured

    @classmethod
    def read(cls, root: Path) -> RunTimes:
        """The times of the book in the folder `root`; none if it has no such file.

        Raises:
            ValueError: the file is not understood.
        """
        file = root / FILE
        if not file.is_file():
            return cls()
        try:
            return cls(**json.loads(read_text(file)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{FILE}: {type(error).__name__}: {error}") from error

    def write(self, root: Path) -> Path:
        """Store them with the book in the folder `root`; returns the file."""
        file = root / FILE
        file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        return file


def duration(seconds: float) -> str:
    """Seconds in the unit that one would say them in."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
