"""The saddle that can be turned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gluonbook.theory import Saddle

points = arrays(np.float64, 2, elements=st.floats(-2, 2))


@settings(max_examples=100, deadline=None)
@given(points, st.floats(-360, 360))
def test_the_gradient_is_that_of_the_value_at_any_angle(x, degrees):
    saddle, h = Saddle(degrees), 1e-5
    by_differences = [(saddle.value(x + h * e) - saddle.value(x - h * e)) / (2 * h) for e in np.eye(2)]
    assert saddle.grad(x) == pytest.approx(np.array(by_differences), abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(points, st.floats(-360, 360))
def test_turning_it_turns_everything(x, degrees):
    turned, straight = Saddle(degrees), Saddle(0)
    assert turned.value(x) == pytest.approx(straight.value(turned.axes @ x), abs=1e-9)
    assert turned.axes @ turned.axes.T == pytest.approx(np.eye(2), abs=1e-12)


def test_its_shape():
    saddle = Saddle(45)
    assert (saddle.grad(np.zeros((4, 3, 2))) == 0).all()
    assert saddle.value(np.zeros((4, 3, 2))).shape == (4, 3)
    assert saddle.value(saddle.axes[1]) == pytest.approx(-1 / 4)
    assert saddle.grad(saddle.axes[1]) == pytest.approx(np.zeros(2), abs=1e-12)


@pytest.mark.parametrize("bad", [{"degrees": np.nan}, {"degrees": "45"}, {"steep": 0}])
def test_bad_input(bad):
    with pytest.raises(ValueError, match="must be a number in"):
        Saddle(**bad)
