"""The exercises of `gluon/hybridize`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
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


def highest(F, x, state=True):
    def step(row, so_far):
        so_far = F.maximum(row, so_far)
        return so_far, so_far if state else row

    begin = F.reshape(F.slice_axis(x, axis=0, begin=0, end=1), (-3,))
    return F.contrib.foreach(step, x, begin)[0]


def root(F, x):
    safe = F.where(x > 0, x, F.ones_like(x))
    return F.where(x > 0, F.sqrt(safe), F.zeros_like(x))


def noisy(F, x, scale):
    return x + scale * F.random.normal_like(data=x)


def even(F, x, scale):
    return x + scale * F.random.uniform_like(data=x, low=-(3**0.5), high=3**0.5)


test_right_answers_are_right = right_answers(
    ("soft-threshold", block(lambda F, x, width: F.sign(x) * F.relu(F.abs(x) - width))),
    ("fresh-noise", block(noisy)),
    ("safe-root", block(root)),
    ("running-maximum", block(highest)),
    ("neighbours", block(lambda F, x: F.slice(x, begin=(1,), end=(None,)) - F.slice(x, begin=(0,), end=(-1,)))),
)


test_hints_fit_the_mistake = hints(
    ("soft-threshold", block(threshold_by_python), "Hybridized it raises"),
    ("soft-threshold", block(lambda F, x, width: F.relu(F.abs(x) - width)), "-3 becomes -2"),
    ("soft-threshold", block(lambda F, x, width: F.sign(x) * F.relu(F.abs(x) - 1)), "With width 0.25"),
    ("soft-threshold", block(lambda F, x, width: F.sum(x)), "shape of the input"),
    ("soft-threshold", lambda width: width, "a HybridBlock"),
    ("fresh-noise", block(lambda F, x, scale: x + scale * np.random.normal()), "number of its own"),
    ("fresh-noise", block(lambda F, x, scale: x + scale * F.random.normal(shape=x.shape)), "no attribute 'shape'"),
    ("fresh-noise", block(lambda F, x, scale: noisy(F, x, 1)), "standard deviation 0.5"),
    ("fresh-noise", block(lambda F, x, scale: x * noisy(F, F.ones_like(x), scale)), "standard deviation 0.5"),
    ("fresh-noise", block(even), "not normal"),
    ("safe-root", block(lambda F, x: F.sqrt(x)), "yours gives"),
    ("safe-root", block(lambda F, x: F.BlockGrad(root(F, x))), "Finite, but"),
    ("neighbours", block(lambda F, x: x[1:] - x[:-1]), "Hybridized it raises TypeError"),
    ("neighbours", block(lambda F, x: F.stack(*[b - a for a, b in zip(x, list(x)[1:])])), "Hybridized"),
    ("neighbours", block(lambda F, x: F.slice_axis(x, axis=0, begin=1, end=None)), "the first row is"),
    ("neighbours", block(lambda F, x: F.tanh(x)), "3 rows give the shape"),
    ("running-maximum", block(lambda F, x: highest(F, x, state=False)), "return the state"),
    ("running-maximum", block(lambda F, x: F.max(x, axis=0)), "shape of the input"),
    ("running-maximum", block(lambda F, x: F.sum(x).asscalar()), "return an array"),
)
