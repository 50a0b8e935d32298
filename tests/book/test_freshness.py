"""Freshness: a chapter is executed again when what it uses changes, and for nothing else."""

from __future__ import annotations

import json

import pytest

from gluonbook.book import execute as executing
from gluonbook.book.execute import execute
from gluonbook.book.freshness import states
from gluonbook.machine import facts
from small_books import FRONT, SmallBook

# Imports stand in functions that are never called: what a cell uses is read off it, and the kernels start faster.
USES = "def never_called():\n    from {} import {}"
AUTOGRAD, HYBRIDIZE, LION, NAG = "gluon/autograd", "gluon/hybridize", "signum/lion", "signum/nag"


@pytest.fixture
def book(small_book) -> SmallBook:
    """Two chapters with exercises, and two that use an optimizer each."""
    for file in (
        *("__init__", "cli", "exercises/__init__", "exercises/checking", "exercises/gluon/__init__"),
        *("exercises/gluon/autograd", "exercises/gluon/hybridize", "optimizers/lion", "optimizers/nag"),
        *("doctor/hardware", "book/site", "book/execute"),
    ):
        small_book.write(f"src/gluonbook/{file}.py", "")
    small_book.write("src/gluonbook/optimizers/step.cu", "")
    for name in ("autograd", "hybridize"):
        small_book.notebook(f"gluon/{name}", USES.format(f"gluonbook.exercises.gluon.{name}", "check"))
    for name in ("lion", "nag"):
        small_book.notebook(f"signum/{name}", USES.format(f"gluonbook.optimizers.{name}", "step"), "epochs = 3")
    return small_book


def changed(book: SmallBook, before: dict[str, str]) -> list[str]:
    after = states(book.book, book.book.running)
    return [name.removeprefix("chapters/") for name in after if after[name] != before[name]]


def present(book: SmallBook) -> dict[str, str]:
    return states(book.book, book.book.running)


@pytest.mark.slow
def test_an_edit_executes_those_chapters_that_it_concerns(book, monkeypatch):
    runs, run = [], executing._run

    def spy(chapter, *rest):
        runs.append(chapter.key)
        return run(chapter, *rest)

    monkeypatch.setattr(executing, "_run", spy)

    def executed_after(file: str, text: str) -> list[str]:
        runs.clear()
        book.write(file, text)
        assert not [problem for result in execute(book.book) for problem in result.problems]
        return sorted(runs)

    assert executed_after("src/gluonbook/__init__.py", "") == [AUTOGRAD, HYBRIDIZE, LION, NAG]
    assert executed_after("src/gluonbook/exercises/gluon/autograd.py", "# another hint") == [AUTOGRAD]
    assert executed_after("src/gluonbook/doctor/hardware.py", "# another look") == []
    assert executed_after("src/gluonbook/optimizers/lion.py", "# another step") == [LION]
    size = (book.root / "chapters/signum/nag.md").read_text().replace("epochs = 3", "epochs = 4")
    assert executed_after("chapters/signum/nag.md", size) == [NAG]
    assert executed_after("src/gluonbook/optimizers/lion.py", "") == [], "the way back finds what was kept"


@pytest.mark.parametrize(
    ("file", "concerned"),
    {
        "src/gluonbook/__init__.py": [AUTOGRAD, HYBRIDIZE, LION, NAG],
        "src/gluonbook/book/execute.py": [AUTOGRAD, HYBRIDIZE, LION, NAG],
        "requirements/cpu.txt": [AUTOGRAD, HYBRIDIZE, LION, NAG],
        "src/gluonbook/exercises/__init__.py": [AUTOGRAD, HYBRIDIZE],
        "src/gluonbook/exercises/gluon/hybridize.py": [HYBRIDIZE],
        "src/gluonbook/optimizers/nag.py": [NAG],
        "src/gluonbook/optimizers/step.cu": [LION, NAG],
        "src/gluonbook/exercises/checking.py": [],
        "src/gluonbook/book/site.py": [],
        "src/gluonbook/cli.py": [],
        "src/gluonbook/optimizers/another.py": [],
        "data/manifest.json": [],
        "benchmarks/results/study.jsonl": [],
        "chapters/gluon/autograd.notes.md": [],
    }.items(),
)
def test_a_file_concerns_those_that_use_it(book, file, concerned):
    before = present(book)
    path = book.root / file
    book.write(file, (path.read_text() if path.exists() else "") + "\n")
    assert changed(book, before) == concerned


def test_a_new_import_in_a_used_module_counts(book):
    book.write("src/gluonbook/optimizers/lion.py", "from gluonbook.optimizers import nag")
    before = present(book)
    book.write("src/gluonbook/optimizers/nag.py", "# changed")
    assert changed(book, before) == [LION, NAG]


def test_a_cell_that_cannot_be_told_depends_on_the_package_but_for_its_builders(book):
    book.notebook("unclear", "exec('1')")
    before = present(book)
    book.write("src/gluonbook/optimizers/nag.py", "# changed")
    assert changed(book, before) == [NAG, "unclear"]
    before = present(book)
    book.write("src/gluonbook/doctor/hardware.py", "# changed")
    assert changed(book, before) == []


def test_a_chapter_depends_on_its_own_data_set(book, monkeypatch, tmp_path):
    manifest = {"digits": {"size": 0}, "mnist": {"size": 1}, "cifar10": {"size": 2}}
    book.write("data/manifest.json", json.dumps(manifest))
    book.notebook("lenet", "1", front=FRONT.replace("kernelspec", "gluonbook: {data: mnist}\nkernelspec"))
    book.notebook("loads", "load = 'digits'")
    monkeypatch.setenv("GLUONBOOK_PROFILE", "ci")
    before = present(book)
    book.write("data/manifest.json", json.dumps({**manifest, "mnist": {"size": 3}}))
    assert changed(book, before) == ["lenet"]
    book.write("data/manifest.json", json.dumps({**manifest, "digits": {"size": 3}}))
    assert changed(book, before) == ["loads"]
    book.write("data/manifest.json", json.dumps({**manifest, "cifar10": {"size": 3}}))
    assert changed(book, before) == []
    monkeypatch.setenv("GLUONBOOK_DATA", str(tmp_path))
    assert changed(book, before) == ["lenet"]


def test_another_build_of_mxnet_and_another_profile_are_other_states(book, monkeypatch):
    before = present(book)
    versions = {**facts.versions(), "mxnet": "1.9.1+cu112"}
    with monkeypatch.context() as patch:
        patch.setattr(facts, "versions", lambda: versions)
        assert len(changed(book, before)) == 4
    assert changed(book, before) == []
    monkeypatch.setenv("GLUONBOOK_PROFILE", "full")
    assert len(changed(book, before)) == 4


@pytest.mark.parametrize("name", ["study-mnist.jsonl", "2026-11-21-140843.json"])
def test_stored_measurements_concern_those_that_draw_them(book, name):
    book.write("benchmarks/results/former.json", "{}")
    book.notebook("drawn", "folder = 'benchmarks/results'")
    before = present(book)
    book.write(f"benchmarks/results/{name}", "{}")
    assert changed(book, before) == ["drawn"]


def test_chapters_of_one_name_in_two_parts_are_two(book):
    book.notebook("signum/autograd", USES.format("gluonbook.exercises.gluon.hybridize", "check"))
    before = present(book)
    book.write("src/gluonbook/exercises/gluon/autograd.py", "# changed")
    assert changed(book, before) == [AUTOGRAD]
