"""Real data: where `GLUONBOOK_DATA` holds it, the chapters that are about it are executed with the profile `ci`."""

from __future__ import annotations

import pytest

from gluonbook import datasets
from gluonbook.book import claims_table
from gluonbook.book.chapters import Book
from gluonbook.book.execute import execute
from gluonbook.profiles import VARIABLE

# The first test waits for all of these chapters, of which each cell has a limit of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def on_real_data(book):
    """The chapters that take a part of a real data set, executed. Where a set is missing, they are skipped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "ci")
        book = Book(book.root)  # as it is in this profile
        wanted = [chapter for chapter in book.chapters if chapter.needs]
        names = sorted({name for chapter in wanted for name in chapter.needs})
        missing = [name for name in names if datasets.status(name, verify=False).state == "missing"]
        if missing:
            pytest.skip(f"no {' and no '.join(missing)} in GLUONBOOK_DATA or data/; data/README.md says how to get it")
        yield execute(book, only=wanted)


def test_chapters_hold_on_real_data(on_real_data):
    assert {result.chapter.key for result in on_real_data} >= {"convnets/lenet", "convnets/cifar_resnet"}
    assert [problem for result in on_real_data for problem in result.problems] == []


def test_they_say_that_it_was_real_data(on_real_data):
    claims = [claim for _, claim in claims_table.collect(on_real_data)]
    assert {"lenet-accuracy", "cifar-accuracy", "deep-plain-fails"} <= {claim.id for claim in claims}
    assert {claim.profile for claim in claims} == {"ci"}
