"""The agendas of a workshop, and where one can join it midway: tables for the book's pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gluonbook.book.agendas import Agenda, Step
from gluonbook.book.chapters import Chapter
from gluonbook.book.slides import SUFFIX, has_slides
from gluonbook.book.times import RunTimes, duration
from gluonbook.tables import Table


def agenda(day: Agenda, times: RunTimes) -> str:
    """One agenda as MyST Markdown: a table of its steps, and what the minutes come to.

    Raises:
        ValueError: the cells of a chapter run for longer than it is taught.
    """
    taught, solved = sum(step.teach for step in day.steps), sum(step.exercises for step in day.steps)
    seconds = sum(times.seconds.get(name, 0) for name in day.chapters)
    rest = day.minutes - taught - solved
    said = (
        f"{day.minutes} minutes: {taught} of teaching, {solved} of exercises, {rest} of rest. "
        "Minutes of teaching and of exercises are estimates, until a workshop has measured them."
    )
    if times.seconds:
        said += (
            f" What the cells take was measured: {duration(seconds)} in all, in the {times.profile} profile "
            f"on {times.machine['cores']} cores ({times.machine['cpu']}), on {times.date}. "
            "They run while you talk, so their time is part of the teaching."
        )
    return f"{_table(day, 'from', times)}\n\n{said}\n"


def modules(days: Sequence[Agenda], chapters: Sequence[Chapter], times: RunTimes) -> str:
    """All modules as MyST Markdown: for each what it leans on, a table of its steps by minutes from its beginning.

    Raises:
        ValueError: the cells of a chapter run for longer than it is taught, or there is no such chapter.
    """
    return "\n\n".join(_module(day, {chapter.name: chapter for chapter in chapters}, times) for day in days) + "\n"


def _module(day: Agenda, chapters: Mapping[str, Chapter], times: RunTimes) -> str:
    unknown = [name for name in day.chapters if name not in chapters]
    if unknown:
        raise ValueError(f"the module {day.title!r} teaches {unknown[0]!r}, and the book has no such chapter")
    needed = dict.fromkeys(name for taught in day.chapters for name in leans_on(chapters[taught]))
    outside = ", ".join(f"{{doc}}`/{name}`" for name in needed if name not in day.chapters) or "nothing"
    measured = all(name in times.seconds for name in day.chapters)
    runs = duration(sum(times.seconds[name] for name in day.chapters)) if measured else "?"
    said = f"{day.minutes} minutes, in which its cells run for {runs}. It leans on: {outside}."
    return f"### {day.title}\n\n{said}\n\n{_table(day, 'after', times)}"


def _table(day: Agenda, first: str, times: RunTimes) -> Table:
    head = [first, "what", "teaching", "exercises", "its cells run for"]
    rows = [[day.clock(number), _what(step), *_times(step, times)] for number, step in enumerate(day.steps)]
    rows.append([day.clock(len(day.steps)), "End", "", "", ""])
    return Table(head, rows, right=head[2:])


def checkpoints(chapters: Sequence[Chapter], times: RunTimes) -> str:
    """Where to join midway: each chapter of the parts, the chapters it leans on, how long its cells run, its slides."""
    head = ["to join at", "read the summary of", "its cells run for", "slides"]
    rows = []
    for chapter in chapters:
        if chapter.teaches:
            known = ", ".join(f"{{doc}}`/{name}`" for name in leans_on(chapter)) or "nothing"
            # They are written beside the pages, not by Sphinx, so no role knows them.
            shown = f'<a href="../{chapter.key}{SUFFIX}">slides</a>' if has_slides(chapter) else ""
            rows.append([f"{{doc}}`/{chapter.name}`", known, _seconds(chapter.name, times), shown])
    return f"{Table(head, rows, right=head[2:3])}\n"


def leans_on(chapter: Chapter) -> list[str]:
    """The chapters that its first box names as needed, in that order."""
    box = re.search(r"\{admonition\} What you will be able to do\n(.*?)^```", chapter.text(), re.S | re.M)
    named = re.findall(r"\{doc\}`([^`]+)`", box[1] if box else "")
    folder = chapter.name.rpartition("/")[0]
    return [name[1:] if name.startswith("/") else f"{folder}/{name}" for name in named]


def _what(step: Step) -> str:
    if not step.chapter:
        return step.what
    asked = ", ".join(f"{{ref}}`{name}`" for name in step.set)
    return f"{{doc}}`/{step.chapter}`" + (f"; {asked}" if asked else "")


def _times(step: Step, times: RunTimes) -> list[str]:
    seconds = times.seconds.get(step.chapter)
    if seconds is not None and seconds > 60 * step.teach:
        raise ValueError(f"{step.chapter} is taught for {step.teach} min, and its cells run for {duration(seconds)}")
    teach, exercises = (f"{minutes} min" if minutes else "" for minutes in (step.teach, step.exercises))
    return [teach, exercises, _seconds(step.chapter, times) if step.chapter else ""]


def _seconds(name: str, times: RunTimes) -> str:
    seconds = times.seconds.get(name)
    return "?" if seconds is None else duration(seconds)
