"""Chapters as notebooks: paired by jupytext, so that an edit on either side flows to the other."""

from __future__ import annotations

import jupytext
import nbformat
from jupytext.cli import jupytext as jupytext_command

from gluonbook.book.chapters import Book


def sync(book: Book) -> None:
    """Write or refresh `notebooks/<chapter>.ipynb` for each chapter with cells (see jupytext.toml for the pairing).

    A chapter into which nothing has flowed keeps its text to the letter; jupytext would lay out its metadata anew.
    """
    before = {chapter.path: chapter.text() for chapter in book.running}
    jupytext_command(["--quiet", "--sync", *map(str, before)])
    for path, text in before.items():
        after = path.read_text(encoding="utf-8")
        if after != text and _says(after) == _says(text):
            path.write_text(text, encoding="utf-8")
    images = book.root / "notebooks/images"
    if not (images.is_symlink() or images.exists()):
        images.symlink_to("../chapters/images")


def outright(book: Book) -> dict[str, str]:
    """Each chapter with cells as a notebook without outputs, by its key; nothing is paired or written."""
    return {
        chapter.key: jupytext.writes(jupytext.reads(chapter.text(), fmt="md:myst"), fmt="ipynb")
        for chapter in book.running
    }


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
