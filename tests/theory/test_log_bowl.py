"""The function that rates are checked on: its gradient, its smoothness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gluonbook.theory import LogBowl

points = arrays(np.float64, 3, elements=st.floats(-100, 100))
bowl = LogBowl(3)


@settings(max_examples=100, deadline=None)
@given(points)
def test_the_gradient_is_that_of_the_value(x):
    h = 1e-5
    by_differences = [(bowl.value(x + h * e) - bowl.value(x - h * e)) / (2 * h) for e in np.eye(3)]
    assert bowl.grad(x) == pytest.approx(np.array(by_differences), abs=1e-7)


@settings(max_examples=100, deadline=None)
@given(points, points)
def test_it_is_as_smooth_as_it_says(x, y):
    apart = y - x
    assert bowl.value(y) <= bowl.value(x) + bowl.grad(x) @ apart + bowl.smoothness / 3 / 2 * (apart**2).sum() + 1e-9


def test_shapes_and_the_minimum():
    assert bowl.value(np.zeros((4, 2, 3))).shape == (4, 2)
    assert bowl.value(np.zeros(3)) == 0
    assert bowl.smoothness == 6
    with pytest.raises(ValueError, match="d must be a whole number from 1, got 0"):
        LogBowl(0)
