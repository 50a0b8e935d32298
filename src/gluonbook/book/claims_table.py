"""The table of all claims, from the executed chapters: a page of the book, and what `gluonbook claims` prints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from gluonbook.book.chapters import Chapter
from gluonbook.book.executions import Executed
from gluonbook.claims import RECORD, SOURCES, Claim, format_value, typeset
from gluonbook.tables import Table


def collect(results: Iterable[Executed]) -> list[tuple[Chapter, Claim]]:
    """Every claim recorded in the executed chapters, in reading order.

    Raises:
        ValueError: two claims share an id.
    """
    claims = [
        (result.chapter, Claim(**output["metadata"][RECORD]))
        for result in results
        for output in result.outputs()
        if RECORD in output.get("metadata", {})
    ]
    twice = [id for id, count in Counter(claim.id for _, claim in claims).items() if count > 1]
    if twice:
        raise ValueError(f"claim ids must differ in the whole book; used more than once: {', '.join(twice)}")
    return claims


def place_of(id: str) -> str:
    """The name of the place at which the book's table has the claim with this id."""
    return f"claim-{id}"


def markdown(claims: list[tuple[Chapter, Claim]], *, places: bool = False) -> str:
    """The table as MyST Markdown, followed by where and with what the claims were measured.

    With `places`, each row is a place that a link can lead to, by the name that `place_of` gives it.
    """
    if not claims:
        return "No chapter has been executed yet.\n"
    rows = [
        [
            (f'<span id="{place_of(claim.id)}"></span>' if places else "")
            + f"{unmarked(claim.sentence)} (`{claim.id}`)",
            format_value(claim.value),
            claim.source,
            typeset(claim.condition),
            f"{{doc}}`/{chapter.name}`",
        ]
        for chapter, claim in claims
    ]
    table = Table(["Claim", "Value", "Source", "Claimed", "Chapter"], rows, right=["Value"])
    settings = Counter(_setting(claim) for _, claim in claims)
    sources = Counter(claim.source for _, claim in claims)
    counted = ", ".join(f"{sources[source]} {source}" for source in SOURCES if sources[source])
    lines = [str(table), "", f"{len(claims)} claims: {counted}. Executed with:", ""]
    lines += [f"- {setting} ({count} claims)" for setting, count in settings.items()]
    return "\n".join(lines) + "\n"


def _setting(claim: Claim) -> str:
    machine = ", ".join(f"{name} {_value(value)}" for name, value in claim.machine.items())
    versions = ", ".join(f"{name} {version}" for name, version in claim.versions.items())
    return f"profile {claim.profile}, on {claim.date}; {machine}; {versions}"


def _value(value: object) -> str:
    return " + ".join(map(str, value)) or "none" if isinstance(value, (list, tuple)) else str(value)


def unmarked(text: str) -> str:
    """Text for a cell of a Markdown table, in which nothing of it is markup."""
    return re.sub(r"([\\|*_`$<>\[\]{}])", r"\\\1", " ".join(text.split()))
