"""The tube: its gradient, how smooth it is, and who gets through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluonbook.theory import Tube

tube = Tube(3)
inside = st.tuples(st.floats(0.02, 6), st.floats(0.02, 6), st.floats(0.02, 6)).map(lambda x: np.array(x) * tube.tau)


@settings(max_examples=200, deadline=None)
@given(inside, st.sampled_from([-1, 1]))
def test_the_gradient_is_that_of_the_value(x, side):
    x, h = side * x, 1e-5
    near = [tube.value(x + s * h * e) for e in np.eye(3) for s in (1, -1)]
    if np.isfinite(near).all():
        by_differences = [(near[i] - near[i + 1]) / (2 * h) for i in (0, 2, 4)]
        assert tube.grad(x) == pytest.approx(np.array(by_differences), abs=1e-3)


@pytest.mark.parametrize("where", [1, 2])
@pytest.mark.parametrize("coordinate", [0, 1, 2])
def test_pieces_meet_without_a_kink(where, coordinate):
    x = np.array([4, 4, 4]) * tube.tau
    x[coordinate:] = 0.3 * tube.tau
    x[coordinate] = where * tube.tau
    step = 1e-9 * np.eye(3)[coordinate]
    assert tube.value(x - step) == pytest.approx(tube.value(x + step), abs=1e-6)
    assert tube.grad(x - step) == pytest.approx(tube.grad(x + step), abs=1e-6)


def test_saddles_and_the_minimum():
    for passed in range(4):
        x = np.where(np.arange(3) < passed, 4 * tube.tau, 0.0)
        assert (tube.grad(x) == 0).all()
        assert tube.value(x) == pytest.approx(-passed * tube.drop)
        assert tube.passed(x) == passed
    assert tube.drop > 0
    assert tube.minimum == tube.value(x)


@pytest.mark.parametrize("outside", [(0, 2, 0), (0, 0, -1.01), (4, 0, 2), (0, np.nan, 0)])
def test_outside_there_is_no_value_and_no_gradient(outside):
    x = np.array(outside) * tube.tau
    assert np.isnan(tube.value(x))
    assert np.isnan(tube.grad(x)).all()


def test_what_is_no_number_has_passed_nothing():
    assert tube.passed(np.full(3, np.nan)) == 0
    assert tube.passed(np.array([4 * tube.tau, np.nan, 4 * tube.tau])) == 1


def test_the_edge_belongs_to_the_tube():
    assert np.isfinite(tube.value(np.array([0.0, 1.0, 0.0]) * tube.tau))


def test_the_sign_stays_inside_and_gets_through():
    x = np.random.RandomState(0).uniform(size=3)
    for _ in range(300):
        x = x - 0.1 * np.sign(tube.grad(x))
        assert np.isfinite(tube.value(x))
    assert tube.passed(x) == 3
    assert np.abs(x) == pytest.approx(np.full(3, 4 * tube.tau), abs=0.2)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Tube(0), "d must be"),
        (lambda: Tube(2, tau=-1), "tau"),
        (lambda: Tube(2, L=0), r"L must be a number in \(0, inf\), got 0"),
        (lambda: tube.grad(np.zeros(2)), r"shape \(3,\), got \(2,\)"),
        (lambda: tube.value(np.zeros((2, 3))), r"shape \(3,\)"),
    ],
)
def test_bad_input(call, told):
    with pytest.raises(ValueError, match=told):
        call()
