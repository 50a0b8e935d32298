"""What several test files share: a book of one's own, small enough for a test, and the real one, executed."""

from __future__ import annotations

import html
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

import budget
from gluonbook import paths
from gluonbook.book.chapters import Book
from gluonbook.book.execute import execute
from gluonbook.book.executions import Executed
from gluonbook.machine import facts
from gluonbook.profiles import VARIABLE
from small_books import SmallBook

os.environ.pop(VARIABLE, None)  # the tests are of the quick profile, whatever the shell has set

settings.register_profile("no deadline", deadline=None)  # an example that takes long says something of the machine only
settings.load_profile("no deadline")

MINUTES = pytest.StashKey[float]()

BOOK = {"executed", "html"}  # fixtures that take minutes
WORKERS = 4  # each with an MXNet of its own, and with processes that its tests start


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MINUTES] = budget.minutes(os.environ.get(budget.VARIABLE, "inf"))


def pytest_xdist_auto_num_workers() -> int:
    """How many workers `-n auto` means: a core each, as far as this process may use them."""
    return min(facts.cores(), WORKERS)


def pytest_itemcollected(item: pytest.Item) -> None:
    """The quick tests of a file stay on one worker, with the fixtures of the file; so do the slow ones, and all that
    takes the executed book, so that nothing is executed twice. The last are slow, since they wait for it.
    """
    if _takes_the_book(item):
        item.add_marker(pytest.mark.slow)
        group = "book"
    else:
        group = f"{item.path.parent.name}/{item.path.stem}{', slow' if _is_slow(item) else ''}"
    item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: budget.place(_takes_the_book(item), _is_slow(item)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    minutes = item.config.stash[MINUTES]
    if _is_slow(item) and not _takes_the_book(item) and budget.is_over(minutes):
        pytest.skip(f"a slow test, and the {minutes:g} minutes of {budget.VARIABLE} are over")


def _takes_the_book(item: pytest.Item) -> bool:
    return bool(BOOK & set(item.fixturenames))


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A temporary folder that everybody may enter: those around `tmp_path` are closed at each start of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def small_book(tmp_path: Path) -> SmallBook:
    """A book in a temporary folder."""
    return SmallBook(tmp_path)


@pytest.fixture
def small_checkout(small_book: SmallBook, monkeypatch: pytest.MonkeyPatch) -> SmallBook:
    """Such a book in the place of the checkout, for the commands, which look for it there."""
    monkeypatch.setattr(paths, "checkout", lambda: small_book.root)
    return small_book


@pytest.fixture(scope="session")
def book() -> Book:
    """The real book."""
    return Book.here()


@pytest.fixture(scope="session")
def executed(request: pytest.FixtureRequest, book: Book) -> list[Executed]:
    """The chapters of the real book, executed, and the progress shown, since this takes its time.

    Where that is over, those are missing that `budget.is_left_out` tells.
    """
    with _shown(request):
        return execute(book, is_left_out=budget.is_left_out(book, request.config.stash[MINUTES]))


@pytest.fixture(scope="session")
def all_executed(book: Book, executed: list[Executed]) -> list[Executed]:
    """All chapters of the real book, executed; skips what asks for them where some are missing."""
    if missing := len(book.running) - len(executed):
        pytest.skip(f"{missing} chapters were left out, since the time of {budget.VARIABLE} was over")
    return executed


@pytest.fixture(scope="session")
def in_git(book: Book) -> None:
    """For tests of what git knows of the book; skips them where it was handed out without git, as in a bundle."""
    if not (book.root / ".git").exists():
        pytest.skip("not a git checkout: which files belong to the book is not known")


@pytest.fixture(scope="session")
def bare_site(tmp_path_factory: pytest.TempPathFactory, book: Book) -> Path:
    """The place of each page of the real book, with next to nothing but its title."""
    folder = tmp_path_factory.mktemp("site")
    for chapter in book.chapters:
        page = folder / f"{chapter.name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f'<h1>{html.escape(chapter.title)}<a class="headerlink">#</a></h1>')
    (folder / "index.html").write_text("<h1>The book</h1>")
    return folder


@contextmanager
def _shown(request: pytest.FixtureRequest) -> Iterator[None]:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print()
        yield


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Long bytes are named by their length: the processes that test side by side must call each test the same, and
    what gzip has packed differs by the second at which it was packed."""
    return f"{len(val):,} bytes" if isinstance(val, bytes) and len(val) > 20 else None
