"""What has run where, as sentences: outcomes of executed chapters, and the page that tells all that are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import final

from nbformat import NotebookNode

from gluonbook.book import freshness
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.claims_table import unmarked
from gluonbook.book.executions import Executed
from gluonbook.book.outcomes import Outcome
from gluonbook.book.times import duration
from gluonbook.book.uses import Package, of_chapter
from gluonbook.checks import real
from gluonbook.claims import RECORD
from gluonbook.machine import facts
from gluonbook.profiles import NAMES, profile
from gluonbook.tables import Table

NOT_YET = "not yet run"
NEEDS_GPU = "not yet seen: needs a GPU"
_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[\w.+-]+/)+")  # of a machine, before the name of a file


def text_of(notebook: NotebookNode) -> str:
    """A hash of the cells of code: where a chapter has another one now, an outcome is that of an older text."""
    return freshness.digest(Path(), (), [cell.source for cell in notebook.cells if cell.cell_type == "code"])


def seconds_of_now(book: Book, kept: Iterable[Outcome], name: str) -> dict[Chapter, float]:
    """How long each chapter took whose present cells have run well in the profile `name`; no others are in it."""
    took = {(one.chapter, one.text): one.seconds for one in kept if one.profile == name and one.went_well}
    found = {chapter: took.get((chapter.name, text_of(chapter.notebook()))) for chapter in book.running}
    return {chapter: seconds for chapter, seconds in found.items() if seconds is not None}


def outcome_of(result: Executed, cpu_seconds: float | None = None) -> Outcome:
    """What to keep of a chapter that was executed on this machine, well or not."""
    records = [output.get("metadata", {}).get(RECORD) for output in result.outputs()]
    claims = [record for record in records if record]
    return Outcome(
        chapter=result.chapter.name,
        profile=result.profile,
        machine=result.machine,
        date=result.date,
        commit=facts.commit(),
        text=text_of(result.notebook),
        seconds=round(result.seconds, 1),
        cpu_seconds=None if cpu_seconds is None else round(cpu_seconds, 1),
        devices=_devices(),
        held=sum(record["holds"] for record in claims),
        failed=tuple(record["id"] for record in claims if not record["holds"]),
        stopped=_reason(result.problems),
    )


def too_long(chapter: Chapter, date: str, seconds: float) -> Outcome:
    """What to keep of a chapter that nobody runs on this machine in this profile: it would take `seconds`.

    Raises:
        ValueError: `seconds` is no number above 0, or not finite.
    """
    return Outcome(
        chapter=chapter.name,
        profile=profile(),
        machine=facts.machine(),
        date=date,
        commit=facts.commit(),
        text=text_of(chapter.notebook()),
        devices=_devices(),
        estimate=real("seconds", seconds, "(0, inf)"),
    )


def _devices() -> tuple[str, ...]:
    from gluonbook.machine.devices import devices  # it loads MXNet, for which most commands need not wait

    return tuple(map(str, devices()))


def _reason(problems: Sequence[str]) -> str:
    """The last line of the first problem, which says what happened, without folders of this machine."""
    return _FOLDERS.sub("", problems[0].splitlines()[-1])[:300] if problems else ""


def markdown(book: Book, kept: Sequence[Outcome]) -> str:
    """All chapters with cells, and what came of each in every profile, in MyST Markdown: for the book's page."""
    machines = _Machines(kept)
    package = Package(book.root)
    rows = []
    for chapter in book.running:
        of_it = Told(chapter, [one for one in kept if one.chapter == chapter.name], machines)
        on_cpu = [of_it.sentences([one for one in of_it.kept if one.profile == name and not one.on_gpu], NOT_YET)
                  for name in NAMES]  # fmt: skip
        asks = any(file.match("machine/devices.py") for file in package.files(of_chapter(chapter.text())))
        on_gpu = of_it.sentences([one for one in of_it.kept if one.on_gpu], NEEDS_GPU if asks else "asks for none")
        rows.append([f"{{doc}}`/{chapter.name}`", *on_cpu, on_gpu])
    head = ["Chapter", *(f"`{name}`" for name in NAMES), "On a GPU"]
    return "\n".join([_summed_up(book, kept, rows), "", str(Table(head, rows)), "", *machines.legend()]) + "\n"


def _summed_up(book: Book, kept: Sequence[Outcome], rows: Sequence[Sequence[str]]) -> str:
    there = {chapter.name for chapter in book.running}
    counted = [
        f"{len({one.chapter for one in kept if one.chapter in there and one.profile == name and one.went_well})} in "
        f"`{name}`"
        for name in NAMES
    ]
    unseen = sum(row[-1] == NEEDS_GPU for row in rows)
    return (
        f"Of {len(there)} chapters with cells, the following have run to their end with all their claims: "
        f"{', '.join(counted)}. Of those that take a GPU where there is one, {unseen} have not been seen on one yet."
    )


@final
class Told:
    """The outcomes of a chapter, as sentences."""

    def __init__(self, chapter: Chapter, kept: Sequence[Outcome], machines: _Machines | None = None) -> None:
        self.kept = kept
        self._text = text_of(chapter.notebook())
        self._machines = machines

    def sentences(self, chosen: Iterable[Outcome], otherwise: str = "") -> str:
        """Those `chosen`, or what else is to be said where there is none."""
        return "; ".join(map(self._sentence, chosen)) or otherwise

    def _sentence(self, one: Outcome) -> str:
        where = self._machines.name(one) if self._machines else _machine(one)
        older = "" if one.text == self._text else ", of an older text"
        date = one.date.replace("-", "\N{NON-BREAKING HYPHEN}") if self._machines else one.date  # in a narrow column
        return f"{_what(one)}, on {where}, {date}{older}"


def _what(one: Outcome) -> str:
    if one.estimate is not None:
        return f"not run: about {duration(one.estimate)}"
    spent = duration(one.seconds or 0.0)
    if one.cpu_seconds is not None:
        spent += f" (processor: {duration(one.cpu_seconds)})"
    if one.went_well:
        return f"{spent}, {_claims(one.held)}"
    why = f"`{'`, `'.join(one.failed)}` does not hold" if one.failed else unmarked(one.stopped)
    return f"stopped after {spent} and {_claims(one.held)}: {why}"


def _claims(count: int) -> str:
    return "1 claim" if count == 1 else f"{count} claims"


@final
class _Machines:
    """Short names for the machines of all outcomes, in the order in which they come."""

    def __init__(self, kept: Iterable[Outcome]) -> None:
        self._known: list[str] = []
        for one in kept:
            if _machine(one) not in self._known:
                self._known.append(_machine(one))

    def name(self, one: Outcome) -> str:
        return f"M{self._known.index(_machine(one)) + 1}"

    def legend(self) -> list[str]:
        return [f"- M{number}: {machine}" for number, machine in enumerate(self._known, 1)]


def _machine(one: Outcome) -> str:
    found = one.machine
    gpus = " + ".join(found["gpus"]) or "no GPU"
    return f"{found['cpu']}, {found['cores']} cores, {found['memory']} GiB, {gpus}, {found['os']}"
