"""MXNet's optimizers on functions of NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from gluonbook.theory import LogBowl, descend

bowl = LogBowl(2)
START = np.array([1.0, -2.0])


def sgd(**options):
    return mx.optimizer.create("sgd", learning_rate=0.25, **options)


def test_it_is_the_optimizer_step_by_step():
    x = START
    path = descend(bowl.grad, sgd(), START, 5)
    for k in range(6):
        assert path[k] == pytest.approx(x, rel=1e-6)
        x = x - 0.25 * bowl.grad(x)
    assert path.dtype == np.float64


def test_state_is_kept_between_steps():
    assert descend(bowl.grad, sgd(momentum=0.9), START, 3)[3] != pytest.approx(descend(bowl.grad, sgd(), START, 3)[3])


def test_any_shape_will_do():
    assert descend(bowl.grad, sgd(), np.ones((4, 2)), 3).shape == (4, 4, 2)
    assert descend(lambda x: 2 * x, sgd(), 1.0, 3).tolist() == [1, 0.5, 0.25, 0.125]


@pytest.mark.parametrize("limits", [(-1, 0.5), (-0.1, 0.3)])  # the second are no numbers of 32 bits
def test_limits_cut_after_each_step(limits):
    path = descend(lambda x: np.array([-8.0, 8.0]), sgd(), np.zeros(2), 3, limits=limits)
    assert path[1:].tolist() == [[limits[1], limits[0]]] * 3


def test_bad_input():
    with pytest.raises(ValueError, match="steps must be a whole number from 1, got 0"):
        descend(bowl.grad, sgd(), START, 0)
    with pytest.raises(ValueError, match=r"grad gave shape \(\) at a point of shape \(2,\)"):
        descend(lambda x: 1.0, sgd(), START, 1)
