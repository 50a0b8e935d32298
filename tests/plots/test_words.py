"""What alternative texts say of numbers."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from gluonbook.plots import words


def test_one_thing_is_no_plural():
    assert [words.count(n, "seed") for n in (0, 1, 2)] == ["0 seeds", "1 seed", "2 seeds"]
    assert [words.count(n, "box", "boxes") for n in (1, 2)] == ["1 box", "2 boxes"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.009999999999999998, "0.01"),
        (-0.0, "0"),
        (-0.25, "-0.25"),
        (2, "2"),
        (1024, "1024"),
        (1313.26, "1313"),
        (-999_999, "-999999"),
        (999.7, "1000"),
        (999_999.6, "1 million"),
        (-999.6e6, "-1000 million"),
        (3.777e7, "37.8 million"),
        (2.5e9, "2.5e+09"),
        (1.4e-6, "1.4e-06"),
    ],
)
def test_numbers_are_short_and_without_an_exponent_where_that_can_be(value, told):
    assert words.number(value) == told


@pytest.mark.parametrize(
    ("value", "told"), [(0.954, "0.95"), (99.6, "100"), (123.4, "123"), (-0.0, "0"), (1.26e6, "1.3 million")]
)
def test_two_digits_have_no_exponent_either(value, told):
    assert words.number(value, 2) == told


def test_no_figure_writes_its_numbers_in_another_way():
    """`.2g` says 1.2e+02 where a reader reads 120."""
    folder = Path(words.__file__).parent
    others = [file for file in folder.glob("*.py") if file.name != "words.py"]
    assert len(others) > 10
    assert not [file.name for file in others if re.search(r":[+ ]?\.\d+g", file.read_text())]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([3, 2, 1], "from 3 to 1"),
        ([0, 0.5, 0], "from 0 back to 0"),
        ([0.1, 0.1], "always 0.1"),
        ([0.10001, 0.1], "always 0.1"),
        ([1, math.nan, 2, math.inf], "from 1 to 2"),
        ([math.nan, 2, 2], "always 2"),
        ([math.nan], "nowhere a number"),
    ],
)
def test_a_course_says_whether_anything_happens(values, told):
    assert words.course(values) == told
