"""What each chapter will need, and about how long it will take."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gluonbook import paths
from gluonbook.profiles import profile


@dataclass(frozen=True)
class Chapter:
    """One chapter that has cells to execute; `seconds` is None where nobody has measured it."""

    name: str
    needs: tuple[str, ...]
    timed: bool
    seconds: float | None
    measured: str  # where and when `seconds` was measured


@dataclass(frozen=True)
class Outlook:
    """The chapters in reading order; `note` says why there are none."""

    chapters: tuple[Chapter, ...]
    note: str = ""

    def only(self, name: str | None) -> Outlook:
        """The outlook for one chapter, by its name with or without the folders before it; for all without a name.

        Raises:
            ValueError: there is no such chapter.
        """
        if name is None:
            return self
        wanted = name.removesuffix(".md")
        found = tuple(chapter for chapter in self.chapters if f"/{chapter.name}".endswith(f"/{wanted}"))
        if not found:
            names = ", ".join(chapter.name for chapter in self.chapters) or self.note
            raise ValueError(f"no chapter {name!r}; there are: {names}")
        return Outlook(found, self.note)


def outlook() -> Outlook:
    """All chapters; their times are those of the last execution here, else those stored with the book."""
    if paths.checkout() is None:
        return Outlook((), "gluonbook is installed without the book's chapters")
    try:
        return Outlook(_chapters())
    except ImportError as error:
        return Outlook((), f"the book's tooling is not installed ({error}); `make setup` brings it")
    except Exception as error:  # a chapter that is being written, say: the findings are wanted all the same
        return Outlook((), f"{type(error).__name__}: {error}")


def _chapters() -> tuple[Chapter, ...]:
    from gluonbook.book.chapters import chapters
    from gluonbook.book.results import stored

    here = {result.chapter.name: (result.seconds, f"here, {result.date}") for result in stored()}
    times = {**_stored_times(), **here}
    return tuple(
        Chapter(page.name, page.needs, page.timed, *times.get(page.name, (None, "")))
        for page in chapters()
        if page.runs
    )


def _stored_times() -> dict[str, tuple[float, str]]:
    root = paths.checkout()
    file = root / "chapters/run_times.json" if root else None
    if file is None or not file.is_file():
        return {}
    record = json.loads(file.read_text())
    machine = record["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores"
    size = "" if record["profile"] == profile() else f", profile {record['profile']}"
    return {name: (seconds, f"{where}, {record['date']}{size}") for name, seconds in record["seconds"].items()}
