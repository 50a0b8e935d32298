"""The exercises of `practice/tensor_forecasting`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from answers import hints, right_answers

from gluonbook.exercises.practice import tensor_forecasting
from gluonbook.series import logistic_map


def by_tensordot(cores, s):
    matrix = np.tensordot(cores[0], s, axes=([1], [0]))
    for core in cores[1:]:
        matrix = matrix @ np.tensordot(core, s, axes=([1], [0]))
    return matrix[0]


test_right_answers_are_right = right_answers(
    ("numbers-in-a-train", 1510),
    ("what-a-tt-lstm-learns", [5580, 1_191_640]),
    ("train-from-the-left", by_tensordot),
    ("how-fast-neighbours-part", lambda x, c: np.mean([np.log(abs(c - 2 * c * one)) for one in x])),
    ("a-better-barometer", 6.64),
    ("a-better-barometer", 6.6439),
)

test_wrong_answers_get_their_hint = hints(
    ("numbers-in-a-train", 25_000, "whole tensor"),
    ("numbers-in-a-train", 710, "rank on either side"),
    ("numbers-in-a-train", 760, "core by core"),
    ("numbers-in-a-train", 1510.5, "whole number"),
    ("numbers-in-a-train", 7, "shapes"),
    ("what-a-tt-lstm-learns", (5084, 1_191_640), "one more"),
    ("what-a-tt-lstm-learns", (1860, 1_191_640), "four gates"),
    ("what-a-tt-lstm-learns", (5400, 1_191_640), "holds a 1"),
    ("what-a-tt-lstm-learns", (1_191_640, 5580), "First the train"),
    ("what-a-tt-lstm-learns", (5580, 38_440), "degree two"),
    ("what-a-tt-lstm-learns", (5580, 29_791), "For each number"),
    ("what-a-tt-lstm-learns", 5580, "2 numbers"),
    ("train-from-the-left", lambda cores, s: by_tensordot(cores, s)[np.newaxis], "should be a vector"),
    ("train-from-the-left", lambda cores, s: by_tensordot(cores, s * 0 + 1), "weighs each"),
    ("train-from-the-left", lambda cores, s: by_tensordot(cores[:-1], s), "last core"),
    ("train-from-the-left", lambda cores, s: 2 * by_tensordot(cores, s), "should be"),
    ("how-fast-neighbours-part", lambda x, c: np.log(np.mean(abs(c - 2 * c * x))), "logarithm of a mean"),
    ("how-fast-neighbours-part", lambda x, c: np.mean(abs(c - 2 * c * x)), "Where is"),
    ("how-fast-neighbours-part", lambda x, c: np.log2(abs(c - 2 * c * x)).mean(), "natural"),
    ("how-fast-neighbours-part", lambda x, c: np.log(x[1:]).mean(), "should be"),
    ("a-better-barometer", 3.32, "How many days"),
    ("a-better-barometer", 13.29, "two horizons"),
    ("a-better-barometer", 20, "same factor"),
    ("a-better-barometer", 2.303, "not 1 here"),
    ("a-better-barometer", -6.64, "It grows"),
    ("a-better-barometer", 1, "What is λ"),
)


def test_the_contraction_is_that_of_the_whole_tensor():
    random = np.random.RandomState(1)
    a, b, c = (random.normal(size=shape) for shape in ((1, 4, 2), (2, 4, 3), (3, 4, 5)))
    s = random.normal(size=4)
    full = np.einsum("xia,ajb,bkn->ijkn", a, b, c)
    right = np.einsum("ijkn,i,j,k->n", full, s, s, s)
    np.testing.assert_allclose(tensor_forecasting.contract([a, b, c], s), right)


@pytest.mark.parametrize("c", [4.0, 3.7])
def test_neighbours_part_as_the_exponent_says(c):
    """Two starts that are nearly one: the logarithm of what is between them grows by λ a step."""
    x = logistic_map(20_000, np.random.RandomState(0), c)
    near, gaps = x + 1e-9, []
    for _ in range(10):
        x, near = c * x * (1 - x), c * near * (1 - near)
        gaps.append(np.log(np.abs(near - x)).mean())
    slope = np.polyfit(np.arange(10), gaps, 1)[0]
    assert tensor_forecasting.lyapunov(x, c) == pytest.approx(slope, abs=0.03)
