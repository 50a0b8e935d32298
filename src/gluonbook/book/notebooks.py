"""Chapters as notebooks: paired by jupytext, so that an edit on either side flows to the other."""

from __future__ import annotations

import jupytext
from jupytext.cli import jupytext as jupytext_command

from gluonbook.book.chapters import chapters, root


def sync() -> None:
    """Write or refresh `notebooks/<chapter>.ipynb` for each chapter with cells (see jupytext.toml for the pairing)."""
    names = [str(chapter.path) for chapter in chapters() if chapter.runs]
    jupytext_command(["--quiet", "--sync", *names])
    images = root() / "notebooks/images"
    if not images.exists():
        images.symlink_to("../chapters/images")


def unstable() -> list[str]:
    """The chapters whose cells change when they become a notebook and are written as text again."""
    return [chapter.name for chapter in chapters() if chapter.runs and not _survives(chapter.path.read_text())]


def _survives(text: str) -> bool:
    before = jupytext.reads(text, fmt="md:myst")
    after = jupytext.reads(jupytext.writes(before, fmt="md:myst"), fmt="md:myst")
    return _cells(before) == _cells(after)


def _cells(notebook: object) -> list[tuple[str, str, dict]]:
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]
