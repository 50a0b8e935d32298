"""All exercises of the book, and how far a reader has come with them."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import final

from gluonbook import exercises
from gluonbook.exercises import progress
from gluonbook.exercises.checking import Exercises


@final
@dataclass(frozen=True)
class Standing:
    """How far a reader is in one chapter: the names of its exercises that are solved, and of those that are open."""

    chapter: str  # "part/chapter"
    solved: tuple[str, ...]
    open: tuple[str, ...]


def catalogue(order: Sequence[str] = ()) -> dict[str, Exercises]:
    """The exercises of all chapters, by "part/chapter"; it imports what they check with, MXNet among it.

    They come in the order of these chapters, and others after them by the alphabet.
    """
    modules = pkgutil.walk_packages(exercises.__path__, f"{exercises.__name__}.")
    in_parts = [module.name for module in modules if module.name.count(".") == exercises.__name__.count(".") + 2]
    found = {one.chapter: one for one in (import_module(name).exercises for name in in_parts)}
    places = {chapter: place for place, chapter in enumerate(order)}
    return {name: found[name] for name in sorted(found, key=lambda name: (places.get(name, len(places)), name))}


def standings(order: Sequence[str] = ()) -> list[Standing]:
    """One for each chapter that has exercises, in the order of `catalogue`.

    Raises:
        ProgressError: as `progress.solved`.
    """
    done = progress.solved()
    return [
        _standing(one, {name for name in one.names if f"{chapter}/{name}" in done})
        for chapter, one in catalogue(order).items()
    ]


def _standing(chapter: Exercises, done: set[str]) -> Standing:
    return Standing(
        chapter.chapter,
        solved=tuple(name for name in chapter.names if name in done),
        open=tuple(name for name in chapter.names if name not in done),
    )
