"""What all exercises have in common, whatever they ask: what is right, what is open, and what each mistake is told."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from gluonbook.exercises.catalogue import catalogue
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Judged
from gluonbook.exercises.numeric import Number, Numbers
from gluonbook.exercises.tried import Tried, alike
from gluonbook.exercises.verbal import Words

ROOT = Path(__file__).parents[2]
BOOK = catalogue()
ALL = [pytest.param(chapter, one, id=f"{chapter.chapter}/{one.name}") for chapter in BOOK.values() for one in chapter]
TRIED = [one for one in ALL if isinstance(one.values[1], Tried)]
NUMERIC = [one for one in ALL if isinstance(one.values[1], (Number, Numbers))]


def raising(*given):
    raise RuntimeError("my own mistake")


class Nothing:
    def __init__(self, *given):
        raise RuntimeError("my own mistake")


@pytest.mark.parametrize(("chapter", "exercise"), ALL)
def test_the_right_answer_is_right(ask, chapter, exercise):
    assert ask(chapter, exercise.name, exercise.right) == (True, "Solved: That is right.")


@pytest.mark.parametrize(("chapter", "exercise"), ALL)
def test_each_mistake_meets_its_hint(ask, chapter, exercise):
    for answer, hint in exercise.wrong():
        solved, told = ask(chapter, exercise.name, answer)
        assert solved is False
        # Fields in braces are filled in, so that only what stands between them is known.
        words = ".*".join(map(re.escape, re.split(r"\{.*?\}", hint)))
        assert re.match(f"Not yet: {words}", told)


def question(chapter, exercise):
    """What the chapter asks, as its source has it."""
    text = (ROOT / f"chapters/{chapter.chapter}.md").read_text(encoding="utf-8")
    return text.split(f":label: {exercise.name}\n", 1)[1].split("{exercise-end}", 1)[0]


def precision(asked):
    """How exact a number has to be by the words of the question, as a format: three digits if it has none."""
    found = re.search(r"(two|three|four) (digits|decimal places)( after the point)?", asked.lower())
    digits = {"two": 2, "three": 3, "four": 4}[found[1]] if found else 3
    return f".{digits}{'f' if found and (found[2] != 'digits' or found[3]) else 'g'}"


def test_a_precision_is_read_from_the_words_of_a_question():
    assert precision("How often? To two digits will do.") == ".2g"
    assert precision("Which? Four decimal places will do.") == ".4f"
    assert precision("A number, to two digits after the point.") == ".2f"
    assert precision("How many?") == ".3g"
    assert sum(precision(question(*one.values)) != ".3g" for one in NUMERIC) >= 3


@pytest.mark.parametrize(("chapter", "exercise"), NUMERIC)
def test_numbers_from_paper_may_be_rounded_as_the_question_says(ask, chapter, exercise):
    form = precision(question(chapter, exercise))

    def rounded(number):
        return number if float(number).is_integer() else float(format(number, form))

    right = exercise.right
    answer = tuple(map(rounded, right)) if isinstance(right, tuple) else rounded(right)
    assert ask(chapter, exercise.name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(("chapter", "exercise"), TRIED)
def test_the_cases_tell_mistakes_apart(chapter, exercise):
    """From the right answer, and from each other unless they are told the same."""
    wrong = list(exercise.wrong())
    for answer, hint in wrong:
        assert exercise.told_apart(answer, exercise.right), hint
    for (one, hint), (other, another) in itertools.combinations(wrong, 2):
        assert hint == another or exercise.told_apart(one, other), f"{hint}\n{another}"


@pytest.mark.parametrize(("chapter", "exercise"), ALL)
def test_dots_are_an_open_exercise(ask, chapter, exercise):
    solved, told = ask(chapter, exercise.name, ...)
    assert solved is None
    assert "Your turn" in told


@pytest.mark.parametrize(("chapter", "exercise"), ALL)
@pytest.mark.parametrize(
    "answer",
    [
        None,
        "nonsense",
        -12345.0,
        (),
        np.zeros((2, 3, 4)),
        lambda *_: None,
        lambda *_: "x",
        lambda *_: np.zeros((2, 3, 4)),
        raising,
        Nothing,
    ],
    ids=["none", "text", "number", "empty", "shape", "call", "says-text", "says-shape", "raises", "class-raises"],
)
def test_nonsense_gets_help_and_never_raises(ask, chapter, exercise, answer):
    solved, told = ask(chapter, exercise.name, answer)
    assert solved is False
    assert len(told) > len("Not yet: ")


@pytest.mark.filterwarnings("error::numpy.VisibleDeprecationWarning")
def test_lists_of_different_lengths_are_no_array_and_no_warning():
    assert not alike([[1.0, 2.0], [3.0]], np.zeros(2))
    assert not alike([np.zeros(2), np.zeros(3)], np.zeros((2, 3)))
    assert alike([[1.0, 2.0], [3.0, 4.0]], np.array([[1.0, 2.0], [3.0, 4.0]]))


@pytest.mark.parametrize("asked", [[("left", "Look up."), ("down", "Look left.")], {"east": ("up", "Look down.")}])
def test_a_right_word_is_among_the_words(asked):
    with pytest.raises(ValueError, match=r"signs: the right word '(down|up)' is none of 'left', 'right'"):
        Words("signs", asked, among=("left", "right"))


def test_an_unknown_exercise_is_refused_with_those_of_its_chapter():
    with pytest.raises(ValueError, match=r"convnets/lenet is called 'sum'.*slide-it"):
        BOOK["convnets/lenet"].check("sum", 1)


def test_a_name_is_given_once_in_a_chapter():
    training, signum = Exercises("book.training.benchmarks"), Exercises("book.signum.benchmarks")
    assert (training.chapter, signum.chapter) == ("training/benchmarks", "signum/benchmarks")
    for chapter in (training, signum):
        chapter.judged("same-step", right=1)(lambda answer: None)
    with pytest.raises(ValueError, match=r"training/benchmarks: two exercises are called 'same-step'"):
        training.add(Judged("same-step", 1, lambda answer: None))


def test_what_an_answer_raises_is_told(ask):
    assert "RuntimeError: my own mistake" in ask(BOOK["gluon/imperative_symbolic"], "honest-stopwatch", raising)[1]


def test_a_chapter_s_checks_import_those_of_no_other_chapter():
    code = "import sys, gluonbook.exercises.convnets.lenet; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.startswith("gluonbook.exercises.")}
    assert {name for name in ours if name.count(".") > 2} == {"gluonbook.exercises.convnets.lenet"}
    assert "gluonbook.exercises.catalogue" not in ours


@pytest.mark.parametrize("chapter", BOOK)
def test_no_checks_name_those_of_another_chapter(chapter):
    source = inspect.getsource(import_module(f"gluonbook.exercises.{chapter.replace('/', '.')}"))
    origins = [node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    assert not [module for module in origins if re.match(r"gluonbook\.exercises\.\w+\.|gluonbook\.exercises$", module)]
