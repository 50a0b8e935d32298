"""What the tests of all exercises share."""

from __future__ import annotations

import pytest

from gluonbook.exercises import check, checking
from gluonbook.exercises.checking import RECORD


@pytest.fixture
def verdict(monkeypatch):
    """Check an answer; returns (solved, what the reader is told)."""

    def ask(name, answer):
        shown = []
        monkeypatch.setattr(checking, "display", lambda data, metadata, raw: shown.append((data, metadata)))
        check(name, answer)
        ((data, metadata),) = shown
        assert metadata[RECORD]["name"] == name
        return metadata[RECORD]["solved"], data["text/plain"]

    return ask
