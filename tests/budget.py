"""How long the slow tests may take: `.ci/run` is given a time by which it must have ended, whatever the machine.

GLUONBOOK_TEST_MINUTES says after how many minutes no slow test begins any more; those left over are skipped, and
counted as such. What executes the book, and what reads that, is not left out, nor is a quick test: they come first.
"""

from __future__ import annotations

import time

import pytest

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


def place(book: bool, slow: bool) -> int:
    """Where a test comes: first what takes the executed book, which is what takes longest; last the other slow ones."""
    return 0 if book else 2 if slow else 1
