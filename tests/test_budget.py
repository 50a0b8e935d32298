"""Where the time for the slow tests is over, they are skipped, and no others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import budget
from gluonbook.book import outcomes
from gluonbook.book.what_has_run import text_of
from gluonbook.machine import facts


def test_minutes():
    assert budget.minutes("55") == 55
    assert budget.minutes("inf") == float("inf")


@pytest.mark.parametrize("told", ["", "an hour", "-1", "nan"])
def test_what_are_no_minutes(told):
    with pytest.raises(pytest.UsageError, match=f"must be a number of minutes from 0, got {told!r}"):
        budget.minutes(told)


@pytest.mark.slow
def test_what_are_no_minutes_is_one_line_of_pytest():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", Path(__file__)],
        env={**os.environ, budget.VARIABLE: "abc"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.strip() == f"ERROR: {budget.VARIABLE} must be a number of minutes from 0, got 'abc'"


def test_the_time_is_over_when_it_has_passed(monkeypatch):
    monkeypatch.setattr(budget, "BEGUN", budget.BEGUN - 600)
    assert budget.is_over(9.9)
    assert not budget.is_over(1e6)


@pytest.mark.parametrize(
    ("change", "left_out"),
    [({}, True), ({"profile": "ci"}, False), ({"text": "another"}, False), ({"failed": ("a-claim",)}, False)],
)
def test_a_chapter_is_left_out_when_it_is_over_and_its_present_cells_have_held(small_book, change, left_out):
    small_book.notebook("sum", "1 + 1")
    small_book.notebook("new", "1 + 2")
    book = small_book.book
    known, new = book.running
    row = {"chapter": known.name, "profile": "quick", "text": text_of(known.notebook()), "seconds": 1.0}
    ran = outcomes.Outcome(**{**row, **change}, machine=facts.machine(), date="2026-12-01", commit="1234567")
    outcomes.keep(small_book.root, [ran], {known.name})
    assert [budget.is_left_out(book, 0)(chapter) for chapter in (known, new)] == [left_out, False]
    assert not budget.is_left_out(book, float("inf"))(known)


@pytest.mark.slow
def test_slow_tests_are_skipped_when_it_is_over():
    folder = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tensors.py"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, budget.VARIABLE: "0"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    slow = (folder / "test_tensors.py").read_text(encoding="utf-8").count("@pytest.mark.slow")
    assert re.search(rf"\b\d+ passed, {slow} skipped", done.stdout)
    assert "a slow test, and the 0 minutes of GLUONBOOK_TEST_MINUTES are over" in done.stdout
