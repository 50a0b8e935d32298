"""Where the time for the slow tests is over, they are skipped, and no others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import budget


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
