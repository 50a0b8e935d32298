"""What an execution of the whole book has come to: a page of Markdown for whoever runs it on a machine of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from gluonbook.book.chapters import Book
from gluonbook.book.claims_table import collect
from gluonbook.book.executions import Executed
from gluonbook.book.outcomes import Outcome
from gluonbook.book.what_has_run import NOT_YET, Told, outcome_of
from gluonbook.claims import format_value
from gluonbook.machine import facts
from gluonbook.profiles import profile
from gluonbook.tables import Table


def markdown(book: Book, results: Sequence[Executed]) -> str:
    """What ran here and how long it took, what did not, on which devices, and every claim with its measured value.

    Beside each chapter stands what is stored with the book: what came of it elsewhere, in the same profile.
    """
    machine = ", ".join(f"{name} {value}" for name, value in facts.machine().items())
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions().items())
    done = {result.chapter.name: result for result in results}
    claims = collect(results)
    ran = []
    for chapter in book.running:
        result = done.get(chapter.name)
        own = sum(of.name == chapter.name for of, _ in claims)
        cells = [f"{result.seconds:.1f}", str(own), result.date] if result else ["no result", "", ""]
        stored = _stored(book, chapter.name)
        ran.append([chapter.name, *cells, Told(chapter, stored).sentences(stored, NOT_YET)])
    measured = [[claim.id, format_value(claim.value), chapter.name] for chapter, claim in claims]
    lines = [
        "# The book, executed",
        "",
        f"{len(done)} of {len(book.running)} chapters have results, in the profile {profile()}, "
        f"at commit {facts.commit()}; {sum(result.seconds for result in results):.0f} s in all.",
        "",
        f"- devices: {_devices()}",
        f"- machine: {machine}",
        f"- versions: {versions}",
        "",
        str(Table(["chapter", "seconds", "claims", "date", "stored with the book"], ran, right=["seconds", "claims"])),
        "",
        str(Table(["claim", "measured", "chapter"], measured, right=["measured"])),
    ]
    return "\n".join(lines) + "\n"


def as_json(book: Book, results: Sequence[Executed]) -> str:
    """The same for programs: of each chapter the outcome here, if there is one, and those stored with the book."""
    here = {result.chapter.name: asdict(outcome_of(result)) for result in results}
    chapters = [
        {
            "chapter": chapter.name,
            "here": here.get(chapter.name),
            "stored": [asdict(one) for one in _stored(book, chapter.name)],
        }
        for chapter in book.running
    ]
    return json.dumps({"profile": profile(), "devices": _devices(), "chapters": chapters}, indent=1)


def _devices() -> str:
    from gluonbook.machine.devices import explain  # it loads MXNet, for which other commands need not wait

    return explain()


def _stored(book: Book, name: str) -> list[Outcome]:
    return [one for one in book.outcomes if one.chapter == name and one.profile == profile()]
