"""How long the slow tests may take: `.ci/run` is given a time by which it must have ended, whatever the machine.

GLUONBOOK_TEST_MINUTES says after how many minutes no slow test begins any more; those left over are skipped, and
counted as such. What executes the book, and what reads that, is not left out, nor is a quick test: they come first.
But after those minutes no chapter begins any more whose present cells are known to have held.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gluonbook.book import outcomes
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.what_has_run import seconds_of_now

VARIABLE = "GLUONBOOK_TEST_MINUTES"
BEGUN = time.monotonic()


def minutes(told: str) -> float:
    """The value of the variable as a number."""
    try:
        given = float(told)
    except ValueError:
        given = -1
    if not given >= 0:
        raise pytest.UsageError(f"{VARIABLE} must be a number of minutes from 0, got {told!r}")
    return given


def is_over(given: float) -> bool:
    return time.monotonic() - BEGUN >= 60 * given


def is_left_out(book: Book, given: float) -> Callable[[Chapter], bool]:
    """Whether a chapter of the book is not begun now: the time is over, and its present cells have held before.

    That is told by the outcomes kept in the quick profile, which know of the cells alone, not of the package.
    """
    held = seconds_of_now(book, outcomes.read(book.root), "quick")
    return lambda chapter: is_over(given) and chapter in held


def place(book: bool, slow: bool) -> int:
    """Where a test comes: first what takes the executed book, which is what takes longest; last the other slow ones."""
    return 0 if book else 2 if slow else 1
