"""What has run where: one outcome for each chapter, profile and machine, kept in a file of the book.

It needs the standard library alone: the doctor tells times where the book's tooling is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, final

from gluonbook.profiles import NAMES
from gluonbook.storage.text import read_text

FILE = "chapters/back_matter/what_has_run.json"
_FACTS = {"os", "cpu", "cores", "memory", "gpus"}  # of a machine


@final
@dataclass(frozen=True)
class Outcome:
    """What came of a chapter on a machine, in a profile; or, with an `estimate`, why it was not tried there.

    Raises:
        ValueError: there is no such profile, facts of the machine are missing, or the chapter has both been run and
            estimated, or neither.
    """

    chapter: str  # its name: "chapters/convnets/lenet"
    profile: str
    machine: Mapping[str, Any]  # see `machine.facts`
    date: str
    commit: str
    text: str  # the hash of its cells, see `what_has_run.text_of`
    seconds: float | None = None  # of the wall
    cpu_seconds: float | None = None  # of all its processes together; none where nobody has counted them
    devices: tuple[str, ...] = ()
    held: int = 0  # claims
    failed: tuple[str, ...] = ()  # claims, by their ids
    stopped: str = ""  # what ended it, if it did not go through
    estimate: float | None = None  # seconds that it would take there, and that nobody has spent

    def __post_init__(self) -> None:
        if self.profile not in NAMES:
            raise ValueError(f"profile {self.profile!r} of {self.chapter}; the profiles are {', '.join(NAMES)}")
        if missing := _FACTS - set(self.machine):
            raise ValueError(f"the machine of {self.chapter} lacks {', '.join(sorted(missing))}")
        if (self.seconds is None) == (self.estimate is None):
            raise ValueError(f"{self.chapter} has run, in `seconds`, or has an `estimate`: one of the two, not both")

    @property
    def went_well(self) -> bool:
        """Whether it ran to its end, with nothing wrong."""
        return self.seconds is not None and not (self.failed or self.stopped)

    @property
    def on_gpu(self) -> bool:
        return any(device.startswith("gpu") for device in self.devices)

    def concerns(self, other: Outcome) -> bool:
        """Whether the other is of the same chapter, profile and machine, and so takes its place."""
        return self._place == other._place

    def is_same_run(self, other: Outcome) -> bool:
        return self.concerns(other) and self._run == other._run

    @property
    def _place(self) -> tuple[str, str, dict, tuple[str, ...]]:
        return self.chapter, self.profile, dict(self.machine), self.devices

    @property
    def _run(self) -> tuple[str, str, float | None]:
        return self.text, self.date, self.seconds


def read(root: Path) -> tuple[Outcome, ...]:
    """The outcomes of the book in the folder `root`; none if it has no such file.

    Raises:
        ValueError: the file is not understood.
    """
    file = root / FILE
    if not file.is_file():
        return ()
    try:
        return tuple(_outcome(row) for row in json.loads(read_text(file)))
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{FILE}: {type(error).__name__}: {error}") from error


def keep(root: Path, new: Iterable[Outcome], chapters: Collection[str]) -> Path:
    """Keep outcomes with the book in the folder `root`, each in the place of the one before; returns the file.

    Of chapters whose names are not among `chapters` nothing is left.

    Raises:
        ValueError: the file that is there is not understood.
        StorageError: it cannot be written.
    """
    from gluonbook.storage import atomic  # which needs NumPy

    kept = [one for one in read(root) if one.chapter in chapters]
    for outcome in new:
        if not any(outcome.is_same_run(one) for one in kept):  # that one may know more: processor time
            kept = [one for one in kept if not outcome.concerns(one)]
            kept.append(outcome)
    kept.sort(key=lambda one: (one.chapter, NAMES.index(one.profile), json.dumps(one.machine), one.devices))
    file = root / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(_row(outcome)) for outcome in kept)  # a line each, for whoever reads a difference
    atomic.replace(file, f"[\n{lines}\n]\n".encode())  # whole or not at all: there are hours of work in it
    return file


def _row(outcome: Outcome) -> dict[str, Any]:
    """All but what has its default."""
    return {
        one.name: getattr(outcome, one.name)
        for one in fields(outcome)
        if one.default is MISSING or getattr(outcome, one.name) != one.default
    }


def _outcome(row: Mapping[str, Any]) -> Outcome:
    fields_of_it: dict[str, Any] = {name: tuple(value) if type(value) is list else value for name, value in row.items()}
    return Outcome(**fields_of_it)
