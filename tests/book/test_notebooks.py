"""Notebooks: an edit on either side flows to the other."""

from __future__ import annotations

import os
from pathlib import Path

import jupytext
import nbformat
import pytest

from gluonbook.book import notebooks

CONFIG = (Path(__file__).parents[2] / "jupytext.toml").read_text()


@pytest.fixture
def paired(small_book, monkeypatch):
    small_book.write("jupytext.toml", CONFIG)
    (small_book.root / "chapters/images").mkdir(parents=True)
    small_book.write("chapters/images/dot.svg", "<svg/>")
    small_book.page("part/one", "# Part\n")
    small_book.notebook("part/sum", "print(1 + 1)")
    monkeypatch.chdir(small_book.root)
    notebooks.sync(small_book.book)
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
    notebooks.sync(paired.book)
    assert "print(2 + 2)" in text.read_text()


def test_an_edit_of_the_text_flows_on(paired):
    text, notebook = paired.root / "chapters/part/sum.md", paired.root / "notebooks/part/sum.ipynb"
    text.write_text(text.read_text().replace("1 + 1", "3 + 3"))
    later(text, notebook)
    notebooks.sync(paired.book)
    assert "print(3 + 3)" in jupytext.read(notebook).cells[1].source


def test_text_that_nobody_has_edited_stays_to_the_letter(small_book, monkeypatch):
    monkeypatch.chdir(small_book.root)
    small_book.write("jupytext.toml", CONFIG)
    text = small_book.notebook("sum", "print(1 + 1)")
    before = text.read_text()
    assert "text_representation: {extension: .md" in before, "jupytext would write this on several lines"
    for _ in range(2):
        notebooks.sync(small_book.book)
        assert text.read_text() == before
    later(small_book.root / "notebooks/sum.ipynb", text)
    notebooks.sync(small_book.book)
    assert text.read_text() == before


def test_what_the_page_hides_is_folded_and_the_text_knows_nothing_of_it(paired):
    text = paired.notebook("part/hidden", "1", "2", "3")
    for number, tag in ((1, "solution"), (2, "remove-input")):
        told = f"ipython3\n:tags: [{tag}]\n\n{number}\n"
        text.write_text(text.read_text().replace(f"ipython3\n{number}\n", told))
    before, file = text.read_text(), paired.root / "notebooks/part/hidden.ipynb"
    for edited in (text, file, text):
        if edited.exists():
            later(edited, text)
        notebooks.sync(paired.book)
        cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
        assert [cell.metadata.get("jupyter", {}).get("source_hidden") for cell in cells] == [True, True, None]
        assert text.read_text() == before
    (outright,) = (text for name, text in notebooks.outright(paired.book).items() if name == "part/hidden")
    assert outright.count('"source_hidden": true') == 2


def glued(name: str, value: str) -> nbformat.NotebookNode:
    scrap = {"scrapbook": {"mime_prefix": "application/papermill.record/", "name": name}}
    return nbformat.v4.new_output(
        "display_data", {"application/papermill.record/text/plain": repr(value)}, metadata=scrap
    )


def test_with_results_sentences_have_their_numbers_and_what_the_page_hides_is_folded():
    cells = [
        nbformat.v4.new_markdown_cell("It is {glue:text}`share`, and {glue:text}`nobody` knows {eq}`more`."),
        nbformat.v4.new_code_cell("glue('share', '75%')", outputs=[glued("share", "75%")]),
        nbformat.v4.new_code_cell("check('x', 2)", metadata={"tags": ["solution"]}),
        nbformat.v4.new_code_cell("1 + 1", metadata={"tags": ["slide"]}),
    ]
    executed = nbformat.v4.new_notebook(cells=cells)
    before = nbformat.writes(executed)
    text, *code = notebooks.with_results(executed).cells
    assert text.source == "It is 75%, and {glue:text}`nobody` knows {eq}`more`."
    assert [cell.metadata.get("jupyter", {}) for cell in code] == [{}, {"source_hidden": True}, {}]
    assert nbformat.writes(executed) == before, "the page is made of the other one"


def test_notebooks_outright_have_the_cells_and_leave_no_file(small_book):
    small_book.notebook("part/sum", "print(1 + 1)")
    before = sorted(small_book.root.rglob("*"))
    ((name, text),) = notebooks.outright(small_book.book).items()
    assert name == "part/sum"
    assert [cell.source for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"] == [
        "print(1 + 1)"
    ]
    assert sorted(small_book.root.rglob("*")) == before
