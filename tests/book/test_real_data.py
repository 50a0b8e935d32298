"""Real data: where `GLUONBOOK_DATA` holds it, chapters that are about it are executed with the profile `ci`.

Each is while no outcome is kept of its present cells (see `outcomes`); so is the quickest of the others, each time, and
all of them are with `make real`. A kept outcome knows of the cells alone: after a change of the package, it is
`make real` that tells whether they still hold.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from gluonbook import datasets
from gluonbook.book import claims_table, outcomes
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.execute import execute
from gluonbook.book.what_has_run import seconds_of_now, text_of
from gluonbook.machine import facts
from gluonbook.profiles import VARIABLE

ALL = os.environ.get("GLUONBOOK_REAL") == "all"

with pytest.MonkeyPatch.context() as of_ci:
    of_ci.setenv(VARIABLE, "ci")
    ABOUT = [chapter.key for chapter in Book.here().chapters if chapter.needs]


def due(book: Book, everything: bool = ALL) -> list[Chapter]:
    """The chapters about real data that are to be executed, of a book as it is in the profile `ci`."""
    took = seconds_of_now(book, outcomes.read(book.root), "ci")
    about = [chapter for chapter in book.chapters if chapter.needs]
    quickest = min(filter(took.get, about), key=took.get, default=None)
    return [chapter for chapter in about if everything or chapter not in took or chapter is quickest]


@pytest.fixture(scope="module")
def in_ci(book):
    """The real book, as it is in the profile `ci`, which lasts as long as the tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "ci")
        yield Book(book.root)


@pytest.fixture(scope="module")
def on_real_data(in_ci):
    """The chapters that are due, executed, by their keys. Where a data set is missing, they are skipped."""
    wanted = due(in_ci)
    names = sorted({name for chapter in wanted for name in chapter.needs})
    missing = [name for name in names if datasets.status(name, verify=False).state == "missing"]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} in GLUONBOOK_DATA or data/; data/README.md says how to get it")
    return {result.chapter.key: result for result in execute(in_ci, only=wanted)}


def test_a_chapter_is_due_until_its_present_cells_have_held_and_the_quickest_is_always(in_ci, monkeypatch):
    about = [chapter for chapter in in_ci.chapters if chapter.needs]
    lenet = next(chapter for chapter in about if chapter.key == "convnets/lenet")

    def well(chapter, seconds=60.0):
        text = text_of(chapter.notebook())
        return outcomes.Outcome(chapter.name, "ci", facts.machine(), "2026-11-29", "1234567", text, seconds=seconds)

    now = well(lenet)
    others = [replace(now, text="another"), replace(now, profile="quick"), replace(now, failed=("a-claim",))]
    but_lenet = [chapter for chapter in about if chapter is not lenet]
    of_all = [well(chapter, 61.0 + place) for place, chapter in enumerate(but_lenet)]
    for kept, expected in [
        ([], about),
        (others, about),
        ([now], about),  # since it is the quickest
        ([now, well(but_lenet[0], 59.0)], [chapter for chapter in about if chapter is not lenet]),
        ([now, *others, *of_all], [lenet]),
        ([replace(now, seconds=1000.0), *of_all], [but_lenet[0]]),
    ]:
        monkeypatch.setattr(outcomes, "read", lambda root, kept=kept: kept)
        assert due(in_ci, everything=False) == expected
        assert due(in_ci, everything=True) == about


@pytest.mark.slow
@pytest.mark.timeout(7200)  # for all that are due, of which each cell has a limit of its own
@pytest.mark.parametrize("key", ABOUT)
def test_it_holds_on_real_data(key, on_real_data):
    if key not in on_real_data:
        pytest.skip("not executed again, since its present cells have held on real data; `make real` does it")
    assert on_real_data[key].problems == ()
    claims = claims_table.collect([on_real_data[key]])
    assert {claim.profile for _, claim in claims} == {"ci"}
