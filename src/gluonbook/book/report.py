"""What an execution of the whole book has come to: a page of Markdown for whoever runs it on a machine of their own."""

from __future__ import annotations

from collections.abc import Sequence

from gluonbook.book.chapters import Chapter
from gluonbook.book.claims_table import collect
from gluonbook.book.executions import Executed
from gluonbook.claims import format_value
from gluonbook.machine import facts
from gluonbook.machine.devices import explain
from gluonbook.profiles import profile
from gluonbook.tables import Table


def markdown(results: Sequence[Executed], wanted: Sequence[Chapter]) -> str:
    """What ran and how long it took, what did not, on which devices, and every claim with its measured value."""
    machine = ", ".join(f"{name} {value}" for name, value in facts.machine().items())
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions().items())
    done = {result.chapter.name: result for result in results}
    claims = collect(results)
    ran = []
    for chapter in wanted:
        result = done.get(chapter.name)
        own = sum(of.name == chapter.name for of, _ in claims)
        cells = [f"{result.seconds:.1f}", str(own), result.date] if result else ["no result", "", ""]
        ran.append([chapter.name, *cells])
    measured = [[claim.id, format_value(claim.value), chapter.name] for chapter, claim in claims]
    lines = [
        "# The book, executed",
        "",
        f"{len(done)} of {len(wanted)} chapters have results, in the profile {profile()}, "
        f"at commit {facts.commit()}; {sum(result.seconds for result in results):.0f} s in all.",
        "",
        f"- devices: {explain()}",
        f"- machine: {machine}",
        f"- versions: {versions}",
        "",
        str(Table(["chapter", "seconds", "claims", "date"], ran, right=["seconds", "claims"])),
        "",
        str(Table(["claim", "measured", "chapter"], measured, right=["measured"])),
    ]
    return "\n".join(lines) + "\n"
