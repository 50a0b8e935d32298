"""The book itself: every chapter executes cleanly, the site is built strictly, and the house style holds."""

from __future__ import annotations

import os
import re

import jupytext
import pytest

import budget
from gluonbook import datasets
from gluonbook.book import claims_table, notebooks, notes, site
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.executions import Executed
from gluonbook.exercises.catalogue import catalogue
from gluonbook.exercises.checking import RECORD
from gluonbook.profiles import NAMES, VARIABLE

# The first test that asks for `executed` waits for the whole book, of which each cell has a limit of its own.
pytestmark = pytest.mark.timeout(7200)
BOOK = Book.here()
RUNNING, TEACHING = BOOK.running, BOOK.teaching


def named(chapter: Chapter) -> str:
    return chapter.key


def of(chapter: Chapter, executed: list[Executed]) -> Executed:
    """The chapter's result; skips where it was left out."""
    for result in executed:
        if result.chapter.name == chapter.name:
            return result
    pytest.skip(f"left out, since the time of {budget.VARIABLE} was over; its present cells have held before")


def code(chapter: Chapter) -> list:
    return [cell for cell in jupytext.read(chapter.path, fmt="md:myst").cells if cell.cell_type == "code"]


def test_every_file_is_in_the_table_of_contents():
    pages = (file for file in (BOOK.root / "chapters").rglob("*.md") if not file.name.endswith(notes.SUFFIX))
    files = {str(file.relative_to(BOOK.root).with_suffix("")) for file in pages}
    assert files == {page.name for page in BOOK.pages}


@pytest.mark.parametrize("chapter", RUNNING, ids=named)
def test_it_executes_cleanly(chapter, executed):
    result = of(chapter, executed)
    assert not result.problems, "\n\n".join(result.problems)


@pytest.mark.parametrize("chapter", TEACHING, ids=named)
def test_its_exercises_are_solved_by_their_solutions(chapter, executed):
    result = of(chapter, executed)
    records = [
        (output.metadata[RECORD], cell.metadata.get("tags", []))
        for cell in result.notebook.cells
        for output in cell.get("outputs", [])
        if RECORD in output.get("metadata", {})
    ]
    asked = {record["name"] for record, tags in records if "exercise" in tags and record["solved"] is None}
    solved = {record["name"] for record, tags in records if "solution" in tags and record["solved"]}
    assert len(asked) >= 3
    assert asked == solved


@pytest.mark.parametrize("chapter", TEACHING, ids=named)
def test_each_of_its_exercises_is_checked_and_each_check_used(chapter):
    module = f"gluonbook.exercises.{chapter.key.replace('/', '.')}"
    text = chapter.text()
    assert re.findall(r"from (gluonbook\.exercises\S*) import check", text) == [module]
    assert set(re.findall(r'check\("([^"]+)"', text)) == set(catalogue()[chapter.key].names)


def test_side_by_side_one_worker_has_all_that_takes_the_executed_book(executed, request):
    assert request.node.nodeid.endswith("@book") or "PYTEST_XDIST_WORKER" not in os.environ


def test_the_site_is_built_strictly_and_whole(all_executed):
    page = site.build(BOOK)
    assert page.is_file()
    for chapter in RUNNING:
        assert (page.parents[1] / f"{chapter.name}.ipynb").is_file()
    claims = (page.parent / "back_matter/claims.html").read_text()
    for _, claim in claims_table.collect(all_executed):
        assert claim.id in claims
    times = (page.parent / "back_matter/what_has_run.html").read_text()
    for chapter in RUNNING:
        assert chapter.name in times


def test_every_teaching_chapter_claims_something(executed):
    claiming = {chapter.name for chapter, _ in claims_table.collect(executed)}
    assert claiming >= {result.chapter.name for result in executed if result.chapter in TEACHING}


@pytest.mark.parametrize("chapter", TEACHING, ids=named)
def test_it_has_the_shape_of_a_chapter(chapter):
    text = chapter.text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert "What you will be able to do" in text
    assert "Summary" in headings
    assert "Exercises" in headings
    assert len(re.findall(r"^`{3,}\{exercise-start\}", text, re.MULTILINE)) == len(
        re.findall(r"^`{3,}\{solution-start\}", text, re.MULTILINE)
    )


@pytest.mark.parametrize("chapter", RUNNING, ids=named)
def test_its_cells_are_short_and_narrow(chapter):
    for cell in code(chapter):
        lines = cell.source.splitlines()
        assert len(lines) <= 30, cell.source
        too_wide = [line for line in lines if len(line) > 76]
        assert not too_wide or "remove-input" in cell.metadata.get("tags", [])


@pytest.mark.parametrize("name", NAMES)
def test_what_chapters_need_in_a_profile_exists(name, monkeypatch):
    monkeypatch.setenv(VARIABLE, name)
    needed = {need for chapter in Book(BOOK.root).chapters for need in chapter.needs}
    assert needed <= set(datasets.NAMES)
    assert bool(needed) == (name != "quick")


def test_newcomers_are_told_how_long_chapters_take():
    """`make times` has not seen a new chapter yet; of one that has gone, nothing is left."""
    assert BOOK.times.seconds
    assert set(BOOK.times.seconds) <= {chapter.name for chapter in RUNNING}


def test_chapters_survive_the_way_to_a_notebook_and_back():
    assert notebooks.unstable(BOOK) == []


def test_no_label_and_no_claim_is_given_twice():
    """Labels of headings, figures and exercises lie in one room, those of formulas in another."""
    texts = [chapter.text() for chapter in BOOK.chapters]
    formula, exercise = r"`{3,}\{math\}\n:label: *(\S+)", r"`{3,}\{exercise-start\}[^\n]*\n:label: *(\S+)"
    heading, figure, claim = r"^\((\S+)\)=$", r"^  figure:\n    name: *(\S+)", r'\bclaim\(\s*"([^"]+)"'
    for room in ([heading, figure, exercise], [formula], [claim]):
        given = [name for text in texts for form in room for name in re.findall(form, text, re.MULTILINE)]
        assert len(given) > len(texts) / 2
        assert sorted(given) == sorted(set(given))


def test_what_ranks_found_is_read_from_the_end_of_their_logs():
    """MPI may have a word to say first, about a network or a processor that it does not know."""
    whole = re.compile(r"json\.loads\(\w+\.log\([^)]*\)\)")
    assert whole.search("json.loads(done.log(rank))") and not whole.search("json.loads(done.log().splitlines()[-1])")
    assert not [chapter.name for chapter in BOOK.running if whole.search(chapter.text())]


def test_no_text_numbers_a_part():
    """Their numbers are counted, and change when a part comes in between."""
    numbered = re.compile(r"\bParts? \d|^\s*- caption: \d", re.MULTILINE)
    files = [BOOK.root / "_toc.yml", BOOK.root / "CHANGELOG.md", *(BOOK.root / "chapters").rglob("*.md")]
    assert not [file.name for file in files if numbered.search(file.read_text())]


def test_the_parts_that_teach_are_numbered_from_one():
    taught = [part for part in BOOK.parts if any(chapter.teaches for chapter in part.chapters)]
    assert [part.title for part in taught] == [f"{number} · {part.caption}" for number, part in enumerate(taught, 1)]
    assert [part.number for part in BOOK.parts if part not in taught] == [None] * (len(BOOK.parts) - len(taught))
