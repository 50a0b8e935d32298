"""Notebooks: an edit on either side flows to the other."""

from __future__ import annotations

import os

import jupytext
import pytest

from gluonbook.book import notebooks


@pytest.fixture
def paired(small_book, monkeypatch):
    config = '[formats]\n"notebooks/" = "ipynb"\n"chapters/" = "md:myst"\n'
    small_book.write("jupytext.toml", config)
    (small_book.root / "chapters/images").mkdir(parents=True)
    small_book.write("chapters/images/dot.svg", "<svg/>")
    small_book.page("part/one", "# Part\n")
    small_book.notebook("part/sum", "print(1 + 1)")
    monkeypatch.chdir(small_book.root)
    notebooks.sync()
    return small_book


def later(path, than) -> None:
    """Make `path` the newer one, beyond the resolution of any file system's clock."""
    stamp = than.stat().st_mtime + 10
    os.utime(path, (stamp, stamp))


def test_notebooks_lie_where_the_chapters_lie(paired):
    written = sorted(str(file.relative_to(paired.root)) for file in paired.root.rglob("*.ipynb"))
    assert written == ["notebooks/part/sum.ipynb"]
    assert (paired.root / "notebooks/images/dot.svg").is_file()


def test_an_edit_of_the_notebook_flows_back(paired):
    text, notebook = paired.root / "chapters/part/sum.md", paired.root / "notebooks/part/sum.ipynb"
    content = jupytext.read(notebook)
    content.cells[1].source = "print(2 + 2)"
    jupytext.write(content, notebook)
    later(notebook, text)
    notebooks.sync()
    assert "print(2 + 2)" in text.read_text()


def test_an_edit_of_the_text_flows_on(paired):
    text, notebook = paired.root / "chapters/part/sum.md", paired.root / "notebooks/part/sum.ipynb"
    text.write_text(text.read_text().replace("1 + 1", "3 + 3"))
    later(text, notebook)
    notebooks.sync()
    assert "print(3 + 3)" in jupytext.read(notebook).cells[1].source


def test_syncing_twice_changes_nothing(paired):
    text = paired.root / "chapters/part/sum.md"
    before = text.read_text()
    notebooks.sync()
    notebooks.sync()
    assert text.read_text() == before
