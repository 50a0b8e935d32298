"""Chapters as notebooks: paired by jupytext, so that an edit on either side flows to the other; and with results."""

from __future__ import annotations

import ast
import codecs
import glob
import os
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from jupytext.cli import jupytext as jupytext_command

from gluonbook.book.chapters import Book
from gluonbook.storage.text import decoded, spelled_like

_FOLDED = {"remove-input", "solution"}  # the page hides such cells, so JupyterLab folds them; nothing of it is text


def sync(book: Book) -> None:
    """Write or refresh `notebooks/<chapter>.ipynb` for each chapter with cells (see jupytext.toml for the pairing).

    A chapter into which nothing has flowed keeps its text to the letter; jupytext would lay out its metadata anew. One
    into which something has keeps its line ends, and its byte order mark.
    """
    before = {path: path.read_bytes() for path in _read_by_jupytext(book)}
    try:
        take_off_marks(book)
        if chapters := [_literally(chapter.path) for chapter in book.running]:
            jupytext_command(["--quiet", "--sync", *chapters])
            _fold(book)
    finally:
        for path, data in before.items():
            _keep_the_letter(path, data)
    images = book.root / "notebooks/images"
    if not (images.is_symlink() or images.exists()):
        images.parent.mkdir(exist_ok=True)
        images.symlink_to("../chapters/images")


def _fold(book: Book) -> None:
    """Fold what the pages hide, in notebooks that stay as old as they were."""
    for chapter in book.running:
        path = book.root / f"notebooks/{chapter.key}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        if _folded(deepcopy(notebook)) != notebook:
            stamp = path.stat()
            nbformat.write(_folded(notebook), path)
            os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def _literally(path: Path) -> str:
    """The path as jupytext takes it, which reads one with a `*` or a `?` in it as a pattern."""
    return glob.escape(str(path)) if {"*", "?"} & set(str(path)) else str(path)


def _keep_the_letter(path: Path, before: bytes) -> None:
    text, now = decoded(before, path), path.read_bytes()
    after = decoded(now, path)
    kept = before if after == text or _says(after) == _says(text) else spelled_like(before, after)
    if kept != now:
        path.write_bytes(kept)


def take_off_marks(book: Book) -> list[str]:
    """Take the byte order marks, which jupytext takes for text, off the chapters and its settings; returns which.

    They stay as old as they were: of a chapter and its notebook the newer one flows.
    """
    marked = [path for path in _read_by_jupytext(book) if path.read_bytes().startswith(codecs.BOM_UTF8)]
    for path in marked:
        stamp = path.stat()
        path.write_bytes(path.read_bytes().removeprefix(codecs.BOM_UTF8))
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    return [str(path.relative_to(book.root)) for path in marked]


def _read_by_jupytext(book: Book) -> list[Path]:
    return [*(chapter.path for chapter in book.running), *book.root.glob("jupytext.toml")]


def outright(book: Book) -> dict[str, str]:
    """Each chapter with cells as a notebook without outputs, by its key; nothing is paired or written."""
    return {
        chapter.key: jupytext.writes(_folded(jupytext.reads(chapter.text(), fmt="md:myst")), fmt="ipynb")
        for chapter in book.running
    }


def with_results(executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An executed chapter for whoever opens it in JupyterLab, which knows neither `glue` nor hidden solutions.

    What a cell has glued stands in the sentences, and the cells that the page hides are folded.
    """
    notebook = deepcopy(executed)
    glued = dict(_glued(notebook))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\{glue:text\}`([^`]+)`", lambda use: glued.get(use[1], use[0]), cell.source)
    return _folded(notebook)


def _folded(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    for cell in notebook.cells:
        if cell.cell_type == "code" and _FOLDED & set(cell.metadata.get("tags", ())):
            cell.metadata["jupyter"] = {"source_hidden": True, **cell.metadata.get("jupyter", {})}
    return notebook


def _glued(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """What each name stands for, as text."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name:
                said = output.data[f"{output.metadata.scrapbook.get('mime_prefix', '')}text/plain"]
                yield name, str(ast.literal_eval(said))


def unstable(book: Book) -> list[str]:
    """The chapters whose cells change when they become a notebook and are written as text again."""
    return [chapter.name for chapter in book.running if not _survives(chapter.text())]


def _survives(text: str) -> bool:
    written = jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="md:myst")
    return _cells(jupytext.reads(written, fmt="md:myst")) == _cells(jupytext.reads(text, fmt="md:myst"))


def _says(text: str) -> tuple[dict, list[tuple[str, str, dict]]]:
    """What a chapter says, however it is laid out: its metadata but for those of jupytext itself, and its cells."""
    notebook = jupytext.reads(text, fmt="md:myst")
    return {name: value for name, value in notebook.metadata.items() if name != "jupytext"}, _cells(notebook)


def _cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str, dict]]:
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]
