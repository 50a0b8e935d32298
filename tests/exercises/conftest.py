"""What the tests of all exercises share."""

from __future__ import annotations

from importlib import import_module

import pytest

from gluonbook.exercises import checking
from gluonbook.exercises.checking import RECORD


@pytest.fixture
def ask(monkeypatch):
    """Check an answer to an exercise of a chapter; returns (solved, what the reader is told)."""

    def ask(exercises, name, answer):
        shown = []
        monkeypatch.setattr(checking, "display", lambda data, metadata: shown.append((data, metadata)))
        exercises.check(name, answer)
        ((data, metadata),) = shown
        assert metadata[RECORD]["name"] == name
        return metadata[RECORD]["solved"], data["text/plain"]

    return ask


@pytest.fixture
def verdict(request, ask):
    """`ask` for the exercises of the chapter that the test file is named after."""
    part, chapter = request.path.parent.name, request.path.stem[len("test_") :]
    exercises = import_module(f"gluonbook.exercises.{part}.{chapter}").exercises
    return lambda name, answer: ask(exercises, name, answer)
