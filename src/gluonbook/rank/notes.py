"""What the processes of a run tell the launcher: one small file a fact, in the folder GLUONBOOK_RUN_DIR.

Files, because they survive the death of their writer, even by kill -9, and need no port. The log beside them holds all
that the process printed.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook.storage import atomic

FOLDER, NAME, DEADLINE = "GLUONBOOK_RUN_DIR", "GLUONBOOK_PART", "GLUONBOOK_DEADLINE"
"""The environment variables that say where to write, as whom, and after how many silent seconds to give up."""


@final
@dataclass(frozen=True)
class Notes:
    """The notes of one process of a run, called `name`, such as `rank-2`, `server-0` or `scheduler`."""

    folder: Path
    name: str

    @classmethod
    def own(cls) -> Notes | None:
        """Those of this process; None where it was not started by the launcher."""
        folder, name = os.environ.get(FOLDER), os.environ.get(NAME)
        return cls(Path(folder), name) if folder and name else None

    def file(self, fact: str) -> Path:
        return self.folder / f"{self.name}.{fact}"

    def write(self, fact: str, text: str) -> None:
        """Note a fact; what is read is either all of it or what was there before."""
        with atomic.beside(self.file(fact), durable=False) as file:
            file.write_text(f"{time.time()} {text}", encoding="utf-8", errors="backslashreplace")

    def read(self, fact: str) -> tuple[float, str] | None:
        """When a fact was noted (seconds of `time.time`: machines agree on it), and what; None before that."""
        try:
            when, text = self.file(fact).read_text(encoding="utf-8").split(" ", 1)
        except FileNotFoundError:
            return None
        return float(when), text
