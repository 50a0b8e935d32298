"""The pages of the workshop: agendas with measured times, and where to join."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from cells import rows
from gluonbook.book import notes, outcomes, workshop_pages
from gluonbook.book.agendas import FILE, Agenda, Step
from gluonbook.book.outcomes import Outcome
from gluonbook.book.site import Article, BuildFailed, build
from gluonbook.book.times import RunTimes, duration

TIMES = RunTimes(
    profile="quick",
    machine={"cpu": "a fine one", "cores": 2},
    date="2026-11-21",
    seconds={"chapters/sums": 61.0, "chapters/net": 600.0},
)
WORDS = "Words enough to count as a page. " * 10


def day(*steps: Step) -> Agenda:
    return Agenda("day", "A day", "09:00", steps)


def test_a_table_with_the_clock_and_both_kinds_of_minutes():
    table = workshop_pages.agenda(
        day(
            Step(what="Hello", teach=5),
            Step(chapter="chapters/sums", teach=10, exercises=15, set=("one", "two")),
            Step(what="Break", pause=10),
            Step(chapter="chapters/unknown", teach=5),
        ),
        TIMES,
    )
    found = rows(table)
    assert ["09:05", "{doc}`/chapters/sums`; {ref}`one`, {ref}`two`", "10 min", "15 min", "61 s"] in found
    assert ["09:30", "Break", "", "", ""] in found
    assert ["09:40", "{doc}`/chapters/unknown`", "5 min", "", "?"] in found
    assert ["09:45", "End", "", "", ""] in found
    assert "45 minutes: 20 of teaching, 15 of exercises, 10 of rest" in table
    assert "estimates" in table and "61 s in all, in the quick profile on 2 cores (a fine one)" in table


def test_cells_that_run_longer_than_they_are_taught_are_refused():
    with pytest.raises(ValueError, match=r"chapters/net is taught for 9 min.*10 min"):
        workshop_pages.agenda(day(Step(chapter="chapters/net", teach=9)), TIMES)


def test_the_agendas_of_the_book_leave_time_to_run_its_cells(book):
    assert book.agendas
    for agenda in book.agendas:
        assert "?" not in workshop_pages.agenda(agenda, book.times)


def test_the_modules_of_the_book_leave_time_to_run_its_cells(book):
    assert workshop_pages.modules(book.modules, book.chapters, book.times), "it raises where there is too little"
    measured = [module for module in book.modules if set(module.chapters) <= set(book.times.seconds)]
    assert measured and "?" not in workshop_pages.modules(measured, book.chapters, book.times)


def test_each_part_beside_the_walk_has_a_module(book):
    folders = {name.split("/")[1] for module in book.modules for name in module.chapters}
    assert folders == {"training", "frontier", "practice"}


def test_a_module_says_what_it_leans_on_and_how_long_its_cells_run(book):
    steps = (Step(chapter="chapters/training/learning_rates", teach=20, exercises=10, set=("two-rates",)),)
    text = workshop_pages.modules([Agenda("m", "A module", "00:00", steps)], book.chapters, book.times)
    runs = duration(book.times.seconds["chapters/training/learning_rates"])
    assert text.startswith("### A module\n")
    assert (
        f"30 minutes, in which its cells run for {runs}. It leans on: {{doc}}`/chapters/training/critical_points`."
        in text
    )
    assert ["00:30", "End", "", "", ""] in rows(text)
    both = (Step(chapter="chapters/training/critical_points", teach=20), *steps)
    text = workshop_pages.modules([Agenda("m", "A module", "00:00", both)], book.chapters, book.times)
    assert "It leans on: {doc}`/chapters/gluon/autograd`." in text, "what it teaches itself is not asked for"


def test_a_module_on_no_chapter_is_refused(book):
    nothing = Agenda("m", "A module", "00:00", (Step(chapter="chapters/nothing", teach=20),))
    with pytest.raises(ValueError, match="'A module' teaches 'chapters/nothing', and the book has no such chapter"):
        workshop_pages.modules([nothing], book.chapters, book.times)


def test_who_joins_is_told_what_a_chapter_leans_on(book):
    table = workshop_pages.checkpoints(book.chapters, book.times)
    found = {first: second for first, second, *_ in rows(table)}
    assert found["{doc}`/chapters/gluon/arrays`"] == "nothing"
    assert found["{doc}`/chapters/gluon/imperative_symbolic`"] == "{doc}`/chapters/gluon/arrays`"
    assert found["{doc}`/chapters/signum/landscape`"] == "{doc}`/chapters/signum/convergence`", "without its folder"
    assert len(table.splitlines()) == 2 + len(book.teaching)


def test_what_a_chapter_leans_on_comes_before_it(book):
    order = [chapter.name for chapter in book.chapters]
    for chapter in book.chapters:
        for needed in workshop_pages.leans_on(chapter):
            assert order.index(needed) < order.index(chapter.name), f"{chapter.name} needs {needed}"


def test_no_chapter_leaves_a_file_beside_it_or_finds_another_s(in_git, book, executed):
    """Each is executed in a kernel of its own, so files are the one way in which it could lean on another's run."""
    listed = ["git", "ls-files", "--others", "--exclude-standard", "chapters"]
    left = subprocess.run(listed, cwd=book.root, capture_output=True, text=True, check=True).stdout.split()
    being_written = (".md", ".svg")  # a chapter that its author has not committed yet, and its pictures
    assert [name for name in left if not name.endswith(being_written)] == []


def test_the_page_is_built_from_the_agenda_and_the_times(small_book):
    small_book.page("sums", f"# Sums\n\n{WORDS}")
    machine = {"os": "an old one", "memory": 8.0, "gpus": [], **TIMES.machine}
    ran = Outcome("chapters/sums", TIMES.profile, machine, TIMES.date, "c0ffee", "aa", TIMES.seconds["chapters/sums"])
    outcomes.keep(small_book.root, [ran], {ran.chapter})
    small_book.page("workshop", f"# Workshop\n\n{WORDS}\n\n```{{include}} ../_build/generated/agenda_day.md\n```\n")
    steps = [{"chapter": "chapters/sums", "teach": 5}]
    small_book.write(FILE, json.dumps({"day": {"title": "A day", "start": "09:00", "steps": steps}}))
    article = Article((build(small_book.book).parent / "workshop.html").read_text()).text
    assert "09:00" in article and "Sums" in article and "61 s" in article
    steps[0]["teach"] = 1
    small_book.write(FILE, json.dumps({"day": {"title": "A day", "start": "09:00", "steps": steps}}))
    with pytest.raises(BuildFailed, match="taught for 1 min"):
        build(small_book.book)


def test_there_are_notes_on_every_chapter_of_the_parts_and_on_no_other(book):
    written = set((book.root / "chapters").rglob(f"*{notes.SUFFIX}"))
    assert written == {notes.file(chapter) for chapter in book.teaching}
    for chapter in book.teaching:
        text = notes.file(chapter).read_text()
        assert re.findall(r"^(Say|Stumble|Skip)$", text, re.MULTILINE) == ["Say", "Stumble", "Skip"]
        assert not re.search(r"^#|\{doc\}`[^/]", text, re.MULTILINE), "it is shown on a page that lies elsewhere"


def test_the_page_of_notes_has_them_in_the_order_of_the_book(book):
    text = notes.markdown(book.parts)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        f"Part {part.number}: {part.caption}" for part in book.parts if part.number
    ]
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert [section.splitlines()[0] for section in sections] == [chapter.title for chapter in book.teaching]
    for chapter, section in zip(book.teaching, sections):
        assert f"The chapter: {{doc}}`/{chapter.name}`\n" in section
        assert notes.file(chapter).read_text().strip() in section


def test_notes_and_agendas_agree_on_what_is_taught(book):
    taught = {name for agenda in (*book.agendas, *book.modules) for name in agenda.chapters}
    for chapter in book.teaching:
        said = "Not in our agendas" in notes.file(chapter).read_text()
        assert said == (chapter.name not in taught), chapter.name
