"""Executed chapters, kept in a jupyter-cache: a folder for each state of the code, see `freshness`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from myst_nb.core.read import myst_nb_reader_plugin
from nbformat import NotebookNode
from sqlalchemy.exc import SQLAlchemyError

from gluonbook.book import freshness
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.outputs import unclean

STATES_KEPT = 5  # of the code: going back and forth between branches should not execute everything anew


@final
@dataclass(frozen=True)
class Executed:
    """A chapter with its outputs, where and when they were made, and what is wrong with them."""

    chapter: Chapter
    notebook: NotebookNode
    seconds: float
    date: str
    profile: str
    machine: dict
    versions: dict
    problems: tuple[str, ...] = ()
    late: bool = False  # whether a clock is to blame: a second attempt, on a quiet machine, may go well

    def outputs(self) -> list[NotebookNode]:
        """Of all cells, in their order."""
        return [output for cell in self.notebook.cells for output in cell.get("outputs", ())]

    def provenance(self) -> dict:
        """All but the notebook, for the page's first lines and for tables."""
        return {name: getattr(self, name) for name in ("seconds", "date", "profile", "machine", "versions")}


@final
class Results:
    """The executed chapters of a book, in the state that its code has now."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.folder = folder_of_now(book)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cache = self._open()

    def recall(self, chapter: Chapter) -> Executed | None:
        """The chapter's result, unless there is none that is whole, clean, and of these cells."""
        source = myst_nb_reader_plugin(str(chapter.path))
        try:
            record = self._cache.match_cache_notebook(source)
            _, notebook = self._cache.merge_match_into_notebook(source)
            data = dict(record.data)
            result = Executed(chapter=chapter, notebook=notebook, seconds=data.pop("execution_seconds"), **data)
        except (KeyError, TypeError, OSError, nbformat.reader.NotJSONError):
            return None  # none, or one that was cut off while it was written: it will be executed, and written anew
        return None if unclean(notebook, self.book.root) else result

    def store(self, result: Executed) -> Executed:
        """Keep a result that has no problem, and return it. Code that has changed since it was started is a problem."""
        if not result.problems and folder_of_now(self.book) != self.folder:
            result = replace(result, problems=("the package, a lock or the data changed meanwhile: run this again",))
        if result.problems:
            return result
        data = result.provenance()
        data["execution_seconds"] = data.pop("seconds")  # the name under which MyST-NB looks for it
        _, name = self._cache.create_hashed_notebook(result.notebook)
        shutil.rmtree(self.folder / "executed" / name, ignore_errors=True)  # what a killed build has left
        bundle = CacheBundleIn(result.notebook, str(result.chapter.path), data=data)
        self._cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        return result

    def count(self) -> int:
        """How many results there are, those of former versions of a chapter too."""
        return len(self._cache.list_cache_records())

    def forget(self) -> None:
        """Remove this state, so that all is executed anew."""
        shutil.rmtree(self.folder)

    def forget_old_states(self) -> None:
        """Remove all but the last states of the code."""
        states = sorted(self.folder.parent.iterdir(), key=lambda folder: folder.stat().st_mtime)
        for state in states[:-STATES_KEPT]:
            shutil.rmtree(state)

    def _open(self) -> JupyterCacheBase:
        cache = get_cache(self.folder)
        try:
            cache.list_cache_records()
        except (SQLAlchemyError, RuntimeError):  # a build was killed while it made the data base
            self.forget()
            self.folder.mkdir(parents=True)
            cache = get_cache(self.folder)
        return cache


def folder_of_now(book: Book) -> Path:
    """Where the executed chapters of the present state of the code are kept."""
    return book.built / "executed" / freshness.key(book.root)


def stored(book: Book) -> list[Executed]:
    """The chapters that have a fresh result, without executing anything."""
    if not folder_of_now(book).exists():
        return []
    results = Results(book)
    return [result for chapter in book.running if (result := results.recall(chapter))]
