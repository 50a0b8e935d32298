"""The concordance: that the book's own names nothing which does not exist, and what is refused of any."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gluonbook.book.chapters import Book
from gluonbook.book.concordance import (
    CONDITION,
    FAILS,
    FILE,
    HOLDS,
    LEFT_OUT,
    PUBLISHED,
    VERDICTS,
    Document,
    Places,
    Row,
    markdown,
    problems,
    read,
)
from small_books import SmallBook

BOOK = Book.here()
DOCUMENTS = read(BOOK.root)
ROWS = [row for document in DOCUMENTS for row in document.rows]
PAGE = """# Sums

## One and one

```{math}
:label: sum
1 + 1 = 2
```

(by-hand)=
### By hand

```{code-cell} ipython3
---
mystnb:
  figure:
    name: two-apples
---
## no heading
claim("two", "One and one", 2, "== 2")
```

```{exercise-start} Three
:class: dropdown
:label: three
```
How much is three?
```{exercise-end}
```

(again)=
## Again

(again)=
## Again
"""
ERRATA = "# Errata\n\n## A talk\n\n### 1. One\n\nWrong.\n\n### 2. Two, and more\n\nWrong.\n"
ROW = Row("one and one", HOLDS, where=("part/sums",), claims=("two",), errata=(1, 2))


@pytest.fixture
def chapters(small_book: SmallBook):
    small_book.page("part/sums", PAGE)
    small_book.page("back_matter/errata", ERRATA)
    return small_book.book.chapters


def talk(*rows: Row) -> tuple[Document, ...]:
    return (Document("A talk", "Half an hour.", {"Sums": rows}),)


def claimed() -> set[str]:
    """The claims that rows name and chapters make, by the texts of the chapters: nothing is executed."""
    text = "\n".join(chapter.text() for chapter in BOOK.running)
    made = [re.sub(r"\\\{.*?\\\}", ".+", re.escape(id)) for id in re.findall(r'\bclaim\(\s*f?"([^"]+)"', text)]
    pattern = re.compile("|".join(made))
    return {id for row in ROWS for id in row.claims if pattern.fullmatch(id)}


def test_the_books_own_names_pages_labels_claims_and_all_errata():
    assert problems(DOCUMENTS, BOOK.chapters, claimed()) == []


def test_the_books_own_has_five_documents_and_each_verdict():
    assert len(DOCUMENTS) == 5
    assert {row.verdict for row in ROWS} == set(VERDICTS)
    assert all(rows for document in DOCUMENTS for rows in document.sections.values())


def test_the_page_includes_it_and_errata_and_first_page_lead_to_it():
    pages = {chapter.key: chapter.text() for chapter in BOOK.chapters}
    assert "generated/concordance.md" in pages["back_matter/concordance"]
    for key in ("back_matter/errata", "intro"):
        assert re.search(r"\{doc\}`(/chapters/back_matter/)?concordance`", pages[key]), key


@pytest.mark.parametrize(
    ("place", "link"),
    [
        ("part/sums", "{doc}`/chapters/part/sums`"),
        ("part/sums#sum", "{doc}`/chapters/part/sums`: formula {eq}`sum`"),
        ("part/sums#two-apples", "{doc}`/chapters/part/sums`: {numref}`two-apples`"),
        ("part/sums#by-hand", "{doc}`/chapters/part/sums`: {ref}`by-hand`"),
        ("part/sums#three", "{doc}`/chapters/part/sums`: {ref}`three`"),
        ("part/sums § One and one", "{doc}`/chapters/part/sums`: [One and one](/chapters/part/sums.md#one-and-one)"),
    ],
)
def test_a_place_is_a_link(chapters, place, link):
    assert Places(chapters).links([place]) == link


def test_places_of_one_page_are_listed_behind_it(chapters):
    links = Places(chapters).links(["part/sums#sum", "part/sums#three", "back_matter/errata"])
    assert links == "{doc}`/chapters/part/sums`: formula {eq}`sum`, {ref}`three`; {doc}`/chapters/back_matter/errata`"


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("part/sum", "no page 'part/sum'"),
        ("part/sums#sums", "part/sums has 0 labels 'sums'; it must be one"),
        ("part/sums § One", "part/sums has 0 headings 'One'; it must be one"),
        ("part/sums#again", "part/sums has 2 labels 'again'; it must be one"),
        ("part/sums § Again", "part/sums has 2 headings 'Again'; it must be one"),
        ("part/sums § no heading", "part/sums has 0 headings 'no heading'; it must be one"),
    ],
)
def test_a_place_that_is_none_is_named(chapters, place, problem):
    assert problems(talk(replace(ROW, where=(place,))), chapters, ["two"]) == [f"'one and one': {problem}"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([replace(ROW, claims=("three",))], "'one and one': no claim 'three'"),
        ([replace(ROW, errata=(1, 2, 3))], "'one and one': no erratum 3"),
        ([replace(ROW, errata=(1,))], "no row names erratum 2"),
        ([ROW, ROW], "A talk says 'one and one' twice"),
        ([replace(ROW, claims=("two", "two"))], "'one and one' names the claim 'two' twice"),
    ],
)
def test_what_does_not_fit_is_named(chapters, rows, found):
    assert problems(talk(*rows), chapters, ["two"]) == [found]
    with pytest.raises(ValueError, match=re.escape(f"{FILE}: {found}")):
        markdown(talk(*rows), chapters, ["two"])


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"verdict": "true", "where": ("part/sums",)}, "verdict 'true'; legal are holds, holds under a condition, "),
        ({"verdict": PUBLISHED}, "only what is left out is nowhere in the book"),
        ({"verdict": HOLDS, "where": ("part/sums",)}, "the verdict 'holds' needs a note"),
        ({"verdict": CONDITION, "where": ("part/sums",), "claims": ("two",)}, "needs a note"),
        ({"verdict": FAILS, "where": ("part/sums",), "claims": ("two",)}, "needs a note"),
        ({"verdict": LEFT_OUT}, "the verdict 'left out' needs a note"),
    ],
)
def test_a_row_without_what_its_verdict_needs_is_refused(row, problem):
    with pytest.raises(ValueError, match=f"^'one and one': .*{re.escape(problem)}"):
        Row("one and one", **row)


def test_it_counts_verdicts_and_claims(chapters):
    other = Row("a number", PUBLISHED, where=("part/sums#sum",))
    left = Row("a joke", LEFT_OUT, note="it is one")
    text = markdown(talk(ROW, other, left), chapters, ["two", "three"])
    assert "3 rows, which name 1 of the book's 2 claims:" in text
    assert "- **holds**: 1 (" in text
    assert "- **does not hold here**: 0 (" in text
    assert "*3 rows: holds 1; published, and marked 1; left out 1.*" in text
    assert "a joke\n: **left out**: it is one\n" in text
    assert '<a href="claims.html#claim-two"><code>two</code></a>' in text
    assert (
        "errata [1](/chapters/back_matter/errata.md#1-one), [2](/chapters/back_matter/errata.md#2-two-and-more)" in text
    )


NOT_UNDERSTOOD = ["[", "{}: 1", "- document: A", "- [1]", "3", "- {document: A, about: B, sections: {C: [{say: D}]}}"]


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_a_file_that_is_not_understood_is_named(small_book, text):
    small_book.write(FILE, text)
    with pytest.raises(ValueError, match=f"^{re.escape(FILE)}: "):
        read(small_book.root)
