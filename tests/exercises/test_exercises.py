"""What all exercises have in common, whatever they ask."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gluonbook.exercises.catalogue import catalogue
from gluonbook.exercises.checking import Exercises

BOOK = catalogue()
ALL = [(chapter, name) for chapter, exercises in BOOK.items() for name in exercises.names]


@pytest.mark.parametrize(("chapter", "name"), ALL)
def test_dots_are_an_open_exercise(ask, chapter, name):
    solved, told = ask(BOOK[chapter], name, ...)
    assert solved is None
    assert "Your turn" in told


@pytest.mark.parametrize(("chapter", "name"), ALL)
@pytest.mark.parametrize(
    "answer", [None, "nonsense", -12345.0, lambda *_: None], ids=["none", "text", "number", "call"]
)
def test_nonsense_gets_help_and_never_raises(ask, chapter, name, answer):
    solved, told = ask(BOOK[chapter], name, answer)
    assert solved is False
    assert len(told) > len("Not yet: ")


def test_an_unknown_exercise_is_refused_with_those_of_its_chapter():
    with pytest.raises(ValueError, match=r"convnets/lenet is called 'sum'.*slide-it"):
        BOOK["convnets/lenet"].check("sum", 1)


def test_a_name_is_given_once_in_a_chapter():
    training, signum = Exercises("book.training.benchmarks"), Exercises("book.signum.benchmarks")
    assert (training.chapter, signum.chapter) == ("training/benchmarks", "signum/benchmarks")
    for chapter in (training, signum):
        chapter.add("same-step")(lambda answer: None)
    with pytest.raises(ValueError, match=r"training/benchmarks: two checks .*'same-step'"):
        training.add("same-step")(lambda answer: None)


def test_what_an_answer_raises_is_told(ask):
    def answer(work):
        raise RuntimeError("my own mistake")

    assert "RuntimeError: my own mistake" in ask(BOOK["gluon/imperative_symbolic"], "honest-stopwatch", answer)[1]


def test_a_chapter_s_checks_import_those_of_no_other_chapter():
    code = "import sys, gluonbook.exercises.convnets.lenet; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.startswith("gluonbook.exercises.")}
    assert {name for name in ours if name.count(".") > 2} == {"gluonbook.exercises.convnets.lenet"}
    assert "gluonbook.exercises.catalogue" not in ours
