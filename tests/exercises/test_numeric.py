"""What counts as a number, and as the right one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, Within, near
from gluonbook.exercises.verbal import Words


def told(exercise, answer):
    """The hint, or "" where the answer is right."""
    try:
        exercise.judge(answer)
    except Hint as hint:
        return str(hint)
    return ""


WHOLE = Number("whole", 3, [Mistake(4, hint="One too many.")], otherwise="Count.", whole=True)
PLAIN = Number("plain", 3, otherwise="Count.")


@pytest.mark.parametrize("answer", [3, np.int32(3), np.uint8(3)])
def test_a_whole_number_is_whole_whatever_its_type(answer):
    assert told(WHOLE, answer) == told(PLAIN, answer) == ""


@pytest.mark.parametrize("answer", [3.0, np.float32(3), Fraction(3)])
def test_where_a_whole_number_is_asked_no_other_will_do(answer):
    assert told(WHOLE, answer).startswith("Answer with one whole number, not ")
    assert told(PLAIN, answer) == ""


@pytest.mark.parametrize("answer", [True, np.True_, "3", 3j, [3], np.array([3]), None])
def test_what_is_no_number(answer):
    assert told(Number("one", 1, otherwise="Count."), answer).startswith("Answer with a number, not ")
    assert told(Numbers("two", Place(1, otherwise="a"), Place(1, otherwise="b")), (1, answer)).startswith(
        "Answer with 2"
    )


@pytest.mark.parametrize("answer", [np.array(1), np.array("up"), np.ones((2, 2)), np.ones((2, 1)), 1, {1, 2}])
def test_what_is_no_row_of_parts(answer):
    numbers = Numbers("two", Place(1, otherwise="a"), Place(1, otherwise="b"))
    words = Words("two", [("up", "a"), ("up", "b")], among=("up", "down"))
    assert told(numbers, answer).startswith("Answer with 2 numbers, as a tuple, not ")
    assert told(words, answer).startswith("Answer with 2 words, as a tuple, not ")


def test_whole_numbers_are_right_exactly_and_others_to_three_digits():
    assert told(PLAIN, 3.001) == told(PLAIN, 2.999) == "Count."
    third = Number("third", 1 / 3, otherwise="Divide.")
    assert [told(third, answer) for answer in (0.333, 1 / 3, 0.3349)] == ["", "", ""]
    assert [told(third, answer) for answer in (0.33, 0.336, -1 / 3, float("nan"))] == ["Divide."] * 4


def test_an_interval_has_no_ends():
    between = Number("between", Within(0, 1, 0.5), otherwise="Between.")
    assert [told(between, answer) for answer in (0, 1, 0.5, 1e-12)] == ["Between.", "Between.", "", ""]
    assert [told(Number("near", near(2, 0.5), otherwise="Near."), answer) for answer in (1.6, 2.5)] == ["", "Near."]


def test_the_first_mistake_that_fits_is_told_and_the_first_wrong_place():
    first = Number("first", 1, [Mistake(2, 3, hint="a"), Mistake(near(3, 1), hint="b")], otherwise="c")
    assert [told(first, answer) for answer in (2, 3, 3.5, 9)] == ["a", "a", "b", "c"]
    pair = Numbers(
        "pair", Place(1, otherwise="left"), Place(2, otherwise="right"), mistakes=[Mistake((2, 1), hint="swapped")]
    )
    assert [told(pair, answer) for answer in ([1, 2], np.array([1.0, 2.0]))] == ["", ""]
    assert [told(pair, answer) for answer in ((2, 1), (5, 5), (1, 5))] == ["swapped", "left", "right"]
    assert told(pair, (1, 2, 3)).startswith("Answer with 2 numbers, as a tuple, not ")
