"""Executed chapters, kept in a jupyter-cache: a folder for each state of each chapter, see `freshness`."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from nbformat import NotebookNode
from sqlalchemy.exc import SQLAlchemyError

from gluonbook.book import freshness
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.outputs import unclean

STATES_KEPT = 5  # of a chapter: going back and forth between branches should not execute everything anew


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
class Executions:
    """The executed chapters of a book, each in the state that it has now."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._states = freshness.states(book, book.running)

    def folder(self, chapter: Chapter) -> Path:
        """Where the chapter's result is kept in its state of now."""
        return self._folder(chapter) / self._states[chapter.name]

    def fresh(self) -> list[Executed]:
        """The chapters that have a result of now; nothing is executed."""
        return [result for chapter in self.book.running if (result := self.recall(chapter))]

    def recall(self, chapter: Chapter) -> Executed | None:
        """The chapter's result, unless there is none that is whole, clean, and of these cells."""
        source = chapter.notebook()
        try:
            if not self.folder(chapter).exists():
                return None
            cache = _open(self.folder(chapter))
            record = cache.match_cache_notebook(source)
            _, notebook = cache.merge_match_into_notebook(source)
            data = dict(record.data)
            result = Executed(chapter=chapter, notebook=notebook, seconds=data.pop("execution_seconds"), **data)
            problems = unclean(notebook, self.book.root)
        except Exception:  # of jupyter-cache, SQLAlchemy or nbformat; whatever it is, the chapter is executed anew
            return None
        with suppress(OSError):
            os.utime(self.folder(chapter))  # the last states that were asked for are the last to be forgotten
        return None if problems else result

    def store(self, result: Executed) -> Executed:
        """Keep a result that has no problem, and return it. What has changed since this was made is a problem."""
        chapter = result.chapter
        if not result.problems and freshness.states(self.book, [chapter])[chapter.name] != self._states[chapter.name]:
            result = replace(result, problems=("the package, a lock or the data changed meanwhile: run this again",))
        if not result.problems:
            try:
                _keep(_open(self.folder(chapter)), self.folder(chapter), result)
            except Exception as error:  # the book can be built of it all the same
                told = f"{chapter.key} cannot be kept, and will be executed again: {error}"
                warnings.warn(told, RuntimeWarning, stacklevel=2)
        return result

    def forget_old_states(self) -> None:
        """Remove all but the last states of each chapter."""
        for chapter in self.book.running:
            with suppress(OSError):  # the next time, perhaps
                states = sorted(self._folder(chapter).glob("*"), key=lambda folder: folder.stat().st_mtime)
                for state in states[:-STATES_KEPT]:
                    shutil.rmtree(state)

    def _folder(self, chapter: Chapter) -> Path:
        return self.book.built / "executed" / f"{chapter.key}.md"  # as its file, so that it is in no other's way


def merged(results: Iterable[Executed], folder: Path) -> JupyterCacheBase:
    """One new cache in `folder` that holds these results: MyST-NB looks for all of them in one."""
    shutil.rmtree(folder, ignore_errors=True)
    cache = _open(folder)
    for result in results:
        _keep(cache, folder, result)
    return cache


def _keep(cache: JupyterCacheBase, folder: Path, result: Executed) -> None:
    data = result.provenance()
    data["execution_seconds"] = data.pop("seconds")  # the name under which MyST-NB looks for it
    _, name = cache.create_hashed_notebook(result.notebook)
    shutil.rmtree(folder / "executed" / name, ignore_errors=True)  # what a killed build has left
    bundle = CacheBundleIn(result.notebook, str(result.chapter.path), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _open(folder: Path) -> JupyterCacheBase:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        cache = get_cache(folder)
        cache.list_cache_records()
    except (SQLAlchemyError, RuntimeError, OSError):  # a build was killed while it made the data base, or worse
        folder.unlink() if folder.is_symlink() or not folder.is_dir() else shutil.rmtree(folder)
        folder.mkdir()
        cache = get_cache(folder)
    return cache
