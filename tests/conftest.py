"""What several test files share: a book of one's own, small enough for a test, and the real one, executed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gluonbook import paths
from gluonbook.book.execute import execute
from gluonbook.book.results import Executed
from gluonbook.profiles import VARIABLE
from small_books import SmallBook

os.environ.pop(VARIABLE, None)  # the tests are of the quick profile, whatever the shell has set


@pytest.fixture
def small_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallBook:
    """A book in a temporary folder, which all of `gluonbook.book` takes for the checkout."""
    monkeypatch.setattr(paths, "checkout", lambda: tmp_path)
    return SmallBook(tmp_path)


@pytest.fixture(scope="session")
def executed(request: pytest.FixtureRequest) -> list[Executed]:
    """All chapters of the real book, executed; the progress is shown, since this takes its time."""
    with _shown(request):
        return execute()


@contextmanager
def _shown(request: pytest.FixtureRequest) -> Iterator[None]:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print()
        yield
