"""The exercises of `gluon/hybridize`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from mxnet import gluon


def block(forward):
    """A class of blocks made with no argument, or with one, which `forward(F, x, ...)` is then given too."""

    class Made(gluon.HybridBlock):
        def __init__(self, *given):
            super().__init__()
            self.given = given

        def hybrid_forward(self, F, x):
            return forward(F, x, *self.given)

    return Made


def threshold_by_python(F, x, width):
    return F.sign(x) * F.relu(F.abs(x) - width) if x.sum() < 9 else x


def highest(F, x, first=None, state=True, axis=0):
    def step(row, so_far):
        so_far = F.maximum(row, so_far)
        return so_far, so_far if state else row

    begin = F.reshape(F.slice_axis(x, axis=0, begin=0, end=1), (-3,))
    return F.contrib.foreach(step, x, begin if first is None else first(F, begin))[0]


def root(F, x):
    safe = F.where(x > 0, x, F.ones_like(x))
    return F.where(x > 0, F.sqrt(safe), F.zeros_like(x))


def zeros(F, x):
    return F.zeros_like(x)


def noisy(F, x, scale):
    return x + scale * F.random.normal_like(data=x)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("trace-count", 2),
        ("soft-threshold", block(lambda F, x, width: F.sign(x) * F.relu(F.abs(x) - width))),
        ("fresh-noise", block(noisy)),
        ("safe-root", block(root)),
        ("running-maximum", block(highest)),
    ],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer)[0] is True


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("trace-count", 1, "hybridize is called again"),
        ("trace-count", 3, "another size"),
        ("trace-count", 6, "imperative count"),
        ("trace-count", 4, "Count the traces"),
        ("soft-threshold", block(threshold_by_python), "Hybridized it raises"),
        ("soft-threshold", block(lambda F, x, width: F.relu(F.abs(x) - width)), "-3 becomes -2"),
        ("soft-threshold", block(lambda F, x, width: F.sign(x) * F.relu(F.abs(x) - 1)), "With width 0.25"),
        ("soft-threshold", block(lambda F, x, width: F.sum(x)), "shape of the input"),
        ("soft-threshold", lambda width: width, "a HybridBlock"),
        ("fresh-noise", block(lambda F, x, scale: x + scale * np.random.normal()), "number of its own"),
        ("fresh-noise", block(lambda F, x, scale: x + scale * F.random.normal(shape=x.shape)), "no attribute 'shape'"),
        ("fresh-noise", block(lambda F, x, scale: noisy(F, x, 1)), "standard deviation 0.5"),
        ("fresh-noise", block(lambda F, x, scale: x * noisy(F, F.ones_like(x), scale)), "standard deviation 0.5"),
        ("safe-root", block(lambda F, x: F.where(x > 0, F.sqrt(x), F.zeros_like(x))), "both branches"),
        ("safe-root", block(lambda F, x: F.sqrt(x)), "yours gives"),
        ("safe-root", block(lambda F, x: F.BlockGrad(root(F, x))), "Finite, but"),
        ("running-maximum", block(lambda F, x: highest(F, x, first=zeros)), "stays at 0"),
        ("running-maximum", block(lambda F, x: highest(F, x, state=False)), "return the state"),
        ("running-maximum", block(lambda F, x: F.transpose(highest(F, F.transpose(x)))), "along the features"),
        ("running-maximum", block(lambda F, x: F.max(x, axis=0)), "shape of the input"),
        ("running-maximum", block(lambda F, x: F.sum(x).asscalar()), "return an array"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
