"""The bibliography: two works are not cited alike."""

from __future__ import annotations

from collections import defaultdict

import pytest
from pybtex.database import BibliographyData, parse_file, parse_string
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from gluonbook.book.chapters import Book

STYLE = AuthorYearReferenceStyle()  # as `bibtex_reference_style` in _config.yml has it
TWO = """
@misc{one, author = {Arora, Sanjeev and Ge, Rong and Zhang, Yi}, title = {One}, year = {2018}}
@misc{two, author = {Arora, Sanjeev and Cohen, Nadav and Hazan, Elad}, title = {Two}, year = {2018%s}}
"""


def alike(works: BibliographyData) -> dict[str, list[str]]:
    """What is printed of more than one work, where a page cites it: names and year."""
    printed = defaultdict(list)
    for key, entry in works.entries.items():
        names = STYLE.person.author_or_editor_or_title(full=False)
        printed[f"{names.format_data({'entry': entry, 'style': STYLE})}, {entry.fields.get('year', '')}"].append(key)
    return {text: keys for text, keys in printed.items() if len(keys) > 1}


def test_no_two_works_are_cited_alike(book: Book):
    assert book.settings["sphinx"]["config"]["bibtex_reference_style"] == "author_year"
    assert alike(parse_file(str(book.root / "chapters/references.bib"))) == {}


@pytest.mark.parametrize(
    ("letter", "found"),
    [("", {"Arora et al., 2018": ["one", "two"]}), ("b", {})],
)
def test_works_that_are_cited_alike_are_found(letter, found):
    assert alike(parse_string(TWO % letter, "bibtex")) == found
