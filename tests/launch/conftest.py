from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import launched
import pytest


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A mark that every process started in the test inherits; none of them may be alive when it ends."""
    mark = launched.new_mark()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # for the logs of runs that name no folder
    monkeypatch.setenv(launched.MARK, mark)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield mark
    left = launched.marked(mark)
    for process in left:
        process.kill()
    assert not left, f"left behind: {left}"
