from __future__ import annotations

from collections.abc import Iterator

import launched
import pytest


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mark that every process started in the test inherits; none of them may be alive when it ends."""
    mark = launched.new_mark()
    monkeypatch.setenv(launched.MARK, mark)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield mark
    left = launched.marked(mark)
    for process in left:
        process.kill()
    assert not left, f"left behind: {left}"
