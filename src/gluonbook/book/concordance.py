"""The concordance: what the sources of the book say, where the book treats it, which claims measure it, what came out.

It is written down in `chapters/back_matter/concordance.yml`, document by document, in the order of each. A row *says*
what the source says, in the book's own words. Its *verdict* is one of `VERDICTS`; *where* lists places of the book,
*claims* the ids of claims, *errata* the numbers of the errata page, and *note* says what the verdict does not.

A place is a page by its key, "signum/landscape"; a label in it, "signum/landscape#density", of a formula, a figure, a
section or an exercise; or one of its headings, "signum/landscape § Density".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import final

import yaml
from myst_parser.mdit_to_docutils.base import default_slugify

from gluonbook.book.chapters import Chapter
from gluonbook.book.claims_table import place_of
from gluonbook.storage.text import read_text

FILE = "chapters/back_matter/concordance.yml"
ERRATA = "back_matter/errata"  # the page whose numbered headings the rows name
HOLDS, CONDITION, FAILS = "holds", "holds under a condition", "does not hold here"
PUBLISHED, LEFT_OUT = "published, and marked", "left out"
VERDICTS = {
    HOLDS: "claims measure it or, where there are none, the note says why none are needed",
    CONDITION: "the note says under which",
    FAILS: "the note says what is the case instead",
    PUBLISHED: "the book quotes what others measured, says so, and does not measure it",
    LEFT_OUT: "the note says why",
}
_LABELS = (  # how a label is written in a chapter, and the role that leads to it; an {eq} is a bare number
    (r"^```+\{{math\}}\n:label: {}$", "eq"),
    (r"^ +name: {}$", "numref"),
    (r"^:name: {}$", "numref"),
    (r"^\({}\)=$", "ref"),
    (r"^`+\{{exercise-start\}}[^\n]*\n(?::[^\n]*\n)*?:label: {}$", "ref"),
)


@final
@dataclass(frozen=True)
class Row:
    """One thing that a source says.

    Raises:
        ValueError: the verdict is none of `VERDICTS`, or lacks what it needs: a place, unless the thing is left out;
            a note, unless it is published, or holds and is measured.
    """

    says: str
    verdict: str
    where: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    errata: tuple[int, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"{self.says!r}: verdict {self.verdict!r}; legal are {', '.join(VERDICTS)}")
        if not self.where and self.verdict != LEFT_OUT:
            raise ValueError(f"{self.says!r}: only what is left out is nowhere in the book")
        measured = self.verdict == HOLDS and self.claims
        if not self.note and not measured and self.verdict != PUBLISHED:
            raise ValueError(f"{self.says!r}: the verdict {self.verdict!r} needs a note")


@final
@dataclass(frozen=True)
class Document:
    """One source, by the name that the errata page gives it; its rows by section, in its own order."""

    title: str
    about: str
    sections: dict[str, tuple[Row, ...]]

    @property
    def rows(self) -> list[Row]:
        return [row for rows in self.sections.values() for row in rows]


def read(root: Path) -> tuple[Document, ...]:
    """The concordance of the book in the folder `root`.

    Raises:
        ValueError: the file is not understood.
    """
    try:
        found = yaml.safe_load(read_text(root / FILE))
        return tuple(_document(entry) for entry in found)
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{FILE}: {type(error).__name__}: {error}") from error


def problems(documents: Sequence[Document], chapters: Sequence[Chapter], claims: Collection[str]) -> list[str]:
    """What is wrong: unknown pages, places, claims and errata, errata that no row names, and rows that repeat."""
    places, errata = Places(chapters), _errata(chapters)
    rows = [row for document in documents for row in document.rows]
    found = []
    for row in rows:
        found += [f"{row.says!r}: no claim {claim!r}" for claim in row.claims if claim not in claims]
        found += [f"{row.says!r}: no erratum {number}" for number in row.errata if number not in errata]
        for place in row.where:
            try:
                places.links([place])
            except ValueError as error:
                found.append(f"{row.says!r}: {error}")
        for kind, listed in (("place", row.where), ("claim", row.claims), ("erratum", row.errata)):
            found += [f"{row.says!r} names the {kind} {one!r} twice" for one in _twice(listed)]
    for document in documents:
        found += [f"{document.title} says {says!r} twice" for says in _twice(row.says for row in document.rows)]
    named = {number for row in rows for number in row.errata}
    return found + [f"no row names erratum {number}" for number in errata if number not in named]


def markdown(documents: Sequence[Document], chapters: Sequence[Chapter], claims: Collection[str]) -> str:
    """The concordance as MyST Markdown: counts, and for each document lists of what it says.

    Raises:
        ValueError: see `problems`.
    """
    if wrong := problems(documents, chapters, claims):
        raise ValueError(f"{FILE}: " + "; ".join(wrong))
    places, errata = Places(chapters), _errata(chapters)
    rows = [row for document in documents for row in document.rows]
    counts = Counter(row.verdict for row in rows)
    leaning = len({claim for row in rows for claim in row.claims})
    parts = [f"{len(rows)} rows, which name {leaning} of the book's {len(claims)} claims:"]
    parts.append("\n".join(f"- **{verdict}**: {counts[verdict]} ({says})" for verdict, says in VERDICTS.items()))
    for document in documents:
        own = Counter(row.verdict for row in document.rows)
        said = "; ".join(f"{verdict} {own[verdict]}" for verdict in VERDICTS if own[verdict])
        parts += [f"## {document.title}", f"{document.about} *{len(document.rows)} rows: {said}.*"]
        for section, under in document.sections.items():
            parts += [f"### {section}", *(_row(row, places, errata) for row in under)]
    return "\n\n".join(parts) + "\n"


@final
class Places:
    """The places of the book, and links to them."""

    def __init__(self, chapters: Iterable[Chapter]) -> None:
        self._pages = {chapter.key: chapter for chapter in chapters}

    def links(self, places: Iterable[str]) -> str:
        """The places as MyST Markdown; those of one page that follow each other are listed behind it.

        Raises:
            ValueError: for one of them there is no such page, no such label or heading in it, or more than one.
        """
        split = [re.split("(#| § )", place, maxsplit=1) for place in places]  # a page; a mark, and what it marks
        pages = []
        for key, under in groupby(split, key=lambda parts: parts[0]):
            if key not in self._pages:
                raise ValueError(f"no page {key!r}")
            page = self._pages[key]
            inside = [_inside(page, *rest) for _, *rest in under if rest]
            pages.append(f"{{doc}}`/{page.name}`" + (": " if inside else "") + ", ".join(inside))
        return "; ".join(pages)


def _inside(page: Chapter, mark: str, name: str) -> str:
    """A label or a heading of a page, as a link."""
    if mark == "#":
        text = page.text()
        forms = [(form.format(re.escape(name)), role) for form, role in _LABELS]
        roles = [role for form, role in forms for _ in re.findall(form, text, re.MULTILINE)]
        if len(roles) != 1:
            raise ValueError(f"{page.key} has {len(roles)} labels {name!r}; it must be one")
        return ("formula " if roles == ["eq"] else "") + f"{{{roles[0]}}}`{name}`"
    if (count := _headings(page).count(name)) != 1:
        raise ValueError(f"{page.key} has {count} headings {name!r}; it must be one")
    return f"[{name}](/{page.name}.md#{default_slugify(name)})"


def _headings(page: Chapter) -> list[str]:
    without_cells = re.sub(r"^(`{3,})\{code-cell\}.*?^\1$", "", page.text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^##+ (.+)$", without_cells, re.MULTILINE)


def _errata(chapters: Iterable[Chapter]) -> dict[int, str]:
    """The numbered headings of the errata page, as links, by their numbers."""
    return {
        int(number[1]): f"[{number[1]}](/{page.name}.md#{default_slugify(heading)})"
        for page in chapters
        if page.key == ERRATA
        for heading in _headings(page)
        if (number := re.match(r"(\d+)\. ", heading))
    }


def _row(row: Row, places: Places, errata: dict[int, str]) -> str:
    lines = [f"**{row.verdict}**" + (f": {row.note}" if row.note else "")]
    if row.where:
        lines.append("in " + places.links(row.where))
    if row.claims:
        lines.append("claims " + ", ".join(map(_claim, row.claims)))
    if row.errata:
        lines.append(("erratum " if len(row.errata) == 1 else "errata ") + ", ".join(errata[one] for one in row.errata))
    return f"{row.says}\n: " + " \\\n  ".join(lines)


def _claim(id: str) -> str:
    return f'<a href="claims.html#{place_of(id)}"><code>{id}</code></a>'


def _twice(listed: Iterable[object]) -> Iterator[object]:
    return (one for one, count in Counter(listed).items() if count > 1)


def _document(entry: dict) -> Document:
    sections = {title: tuple(map(_row_of, rows)) for title, rows in entry["sections"].items()}
    return Document(entry["document"], entry["about"], sections)


def _row_of(entry: dict) -> Row:
    lists = {name: tuple(entry[name]) for name in ("where", "claims", "errata") if name in entry}
    return Row(**{**entry, **lists})
