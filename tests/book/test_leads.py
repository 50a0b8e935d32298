"""Where a chapter speaks of another one, the reader is led there; and back, where one leans on the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from gluonbook.book.chapters import Chapter
from gluonbook.book.workshop_pages import leans_on

FENCE = re.compile(r"^(`{3,})\{code-cell\}.*?^\1$", re.MULTILINE | re.DOTALL)
ANOTHER = re.compile(
    r"\b(later|next|last|following|previous|coming) chapters?\b|\b(later|next|coming) parts?\b"
    r"|\blater in (this|the) book\b|\boften in this book\b|\bcomes? later\b|\bchapters? to come\b"
)
DEEPER = {"training", "frontier", "practice"}  # the parts beside the walk
LINK = re.compile(r"\{(doc|ref|numref|eq)\}`")


def unkept(text: str) -> Iterator[str]:
    """The sentences that speak of another chapter and do not lead to it."""
    for paragraph in re.split(r"\n\s*\n", FENCE.sub("", text)):
        for sentence in re.split(r"(?<=[.?!:])\s+", " ".join(paragraph.split())):
            if ANOTHER.search(sentence) and not LINK.search(sentence):
                yield sentence


def named(chapter: Chapter) -> set[str]:
    """The chapters that it links to."""
    found = re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", chapter.text())
    folder = chapter.name.rpartition("/")[0]
    return {name[1:] if name.startswith("/") else f"{folder}/{name}" for name in found}


def test_who_promises_another_chapter_leads_to_it(book):
    found = {chapter.name: list(unkept(chapter.text())) for chapter in book.chapters}
    assert {name: sentences for name, sentences in found.items() if sentences} == {}


@pytest.mark.parametrize(
    ("text", "kept"),
    {
        "A later chapter shows why.": False,
        "First this. A later\nchapter shows why ({doc}`why`). Then that.": True,
        "We come to {doc}`that`. A later chapter shows why.": False,
        "The last part of it.": True,
        "More of this comes later.": False,
        "```{code-cell} ipython3\n# the next chapter\n```\n": True,
    }.items(),
)
def test_a_promise_without_a_link_is_found(text, kept):
    assert (list(unkept(text)) == []) is kept


def test_who_is_leant_on_by_a_deeper_part_says_where_it_goes_on(book):
    chapters = {chapter.name: chapter for chapter in book.chapters}
    silent = [
        f"{needed} does not lead on to {chapter.name}"
        for chapter in book.teaching
        if chapter.folder in DEEPER
        for needed in leans_on(chapter)
        if chapters[needed].folder != chapter.folder and chapter.name not in named(chapters[needed])
    ]
    assert silent == []
