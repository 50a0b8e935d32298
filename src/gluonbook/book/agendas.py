"""The agendas of a workshop, for the book's pages and for `gluonbook doctor --workshop`.

They are written down in `chapters/back_matter/agendas.json`: `teach`, `exercises` and `pause` are minutes, `set` names
the exercises that the participants solve there. Minutes of teaching and solving are estimates. `modules.json` beside it
has, in the same form but for the time of day, what one more day can be put together from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook.checks import whole_number
from gluonbook.storage.text import read_text

FILE = "chapters/back_matter/agendas.json"
MODULES = "chapters/back_matter/modules.json"
MEMORY = 3.5  # GiB for each participant: JupyterLab, a kernel, and a chapter's seven workers of a third of a GiB each


@final
@dataclass(frozen=True)
class Step:
    """A stretch of a day: a chapter, or `what` else is done; minutes of teaching, of solving, of rest."""

    what: str = ""
    chapter: str = ""
    teach: int = 0
    exercises: int = 0
    pause: int = 0
    set: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.what) == bool(self.chapter):
            raise ValueError(f"a step has either 'what' or 'chapter'; this one has {self.what!r} and {self.chapter!r}")
        for name in ("teach", "exercises", "pause"):
            whole_number(f"{name} in {self.what or self.chapter!r}", getattr(self, name), 0, 240)
        if bool(self.set) != bool(self.exercises):
            raise ValueError(
                f"{self.what or self.chapter}: exercises need minutes, and minutes for exercises need some"
            )

    @property
    def minutes(self) -> int:
        return self.teach + self.exercises + self.pause


@final
@dataclass(frozen=True)
class Agenda:
    """One kind of workshop, from `start`, a time of day as "09:00"; a module begins at "00:00", whenever that is."""

    name: str
    title: str
    start: str
    steps: tuple[Step, ...]

    @property
    def minutes(self) -> int:
        return sum(step.minutes for step in self.steps)

    @property
    def chapters(self) -> tuple[str, ...]:
        """The chapters that are taught, in their order."""
        return tuple(step.chapter for step in self.steps if step.chapter)

    def clock(self, step: int) -> str:
        """The time of day at which the step with this number begins; the number of steps stands for the end."""
        hours, minutes = map(int, self.start.split(":"))
        total = 60 * hours + minutes + sum(earlier.minutes for earlier in self.steps[:step])
        return f"{total // 60 % 24:02}:{total % 60:02}"


def read(root: Path | None) -> tuple[Agenda, ...]:
    """The agendas of the book in the folder `root`.

    Raises:
        FileNotFoundError: there is no such folder, since gluonbook is installed without the book, or no agendas in it.
        ValueError: the file is not understood.
    """
    return _read(root, FILE)


def modules(root: Path | None) -> tuple[Agenda, ...]:
    """The modules of the book in the folder `root`; raises what `read` does."""
    return _read(root, MODULES, start="00:00")


def _read(root: Path | None, file: str, **given: str) -> tuple[Agenda, ...]:
    if root is None:
        raise FileNotFoundError("the agendas belong to the book, and gluonbook is installed without it")
    try:
        found = {name: {**given, **day} for name, day in json.loads(read_text(root / file)).items()}
        return tuple(
            Agenda(name, day["title"], day["start"], tuple(_step(step) for step in day["steps"]))
            for name, day in found.items()
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: {type(error).__name__}: {error}") from error


def _step(entry: dict) -> Step:
    return Step(**{**entry, "set": tuple(entry.get("set", ()))})
