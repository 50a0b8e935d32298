"""What each chapter will need, and about how long it will take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook import paths
from gluonbook.book.times import RunTimes
from gluonbook.profiles import profile


@final
@dataclass(frozen=True)
class Ahead:
    """One chapter that has cells to execute; `seconds` is None where nobody has measured it."""

    name: str
    needs: tuple[str, ...]
    timed: bool
    seconds: float | None
    measured: str  # where and when `seconds` was measured


@final
@dataclass(frozen=True)
class Outlook:
    """The chapters in reading order; `note` says why there are none."""

    chapters: tuple[Ahead, ...]
    note: str = ""

    def only(self, name: str | None) -> Outlook:
        """The outlook for one chapter, by its name with or without the folders before it; for all without a name.

        Raises:
            ValueError: there is no such chapter, or none at all.
        """
        if name is None:
            return self
        if not self.chapters:
            raise ValueError(f"no chapter can be looked up: {self.note}")
        wanted = name.removesuffix(".md")
        found = tuple(chapter for chapter in self.chapters if f"/{chapter.name}".endswith(f"/{wanted}"))
        if not found:
            names = ", ".join(chapter.name for chapter in self.chapters)
            raise ValueError(f"no chapter {name!r}; there are: {names}")
        return Outlook(found, self.note)


def outlook() -> Outlook:
    """All chapters; their times are those of the last execution here, else those stored with the book."""
    if (root := paths.checkout()) is None:
        return Outlook((), "gluonbook is installed without the book's chapters")
    try:
        return Outlook(_chapters(root))
    except ImportError as error:
        return Outlook((), f"the book's tooling is not installed ({error}); `make setup` brings it")
    except Exception as error:  # a chapter that is being written, say: the findings are wanted all the same
        return Outlook((), f"{type(error).__name__}: {error}")


def _chapters(root: Path) -> tuple[Ahead, ...]:
    from gluonbook.book.chapters import Book
    from gluonbook.book.executions import Executions

    book = Book(root)
    here = {result.chapter.name: (result.seconds, f"here, {result.date}") for result in Executions(book).fresh()}
    known = {**_elsewhere(book.times), **here}
    return tuple(
        Ahead(chapter.name, chapter.needs, chapter.timed, *known.get(chapter.name, (None, "")))
        for chapter in book.running
    )


def _elsewhere(times: RunTimes) -> dict[str, tuple[float, str]]:
    size = "" if times.profile == profile() else f", profile {times.profile}"
    return {
        name: (seconds, f"{times.machine['cpu']}, {times.machine['cores']} cores, {times.date}{size}")
        for name, seconds in times.seconds.items()
    }
