"""The exercises of `signum/landscape`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers

from gluonbook.exercises.signum.landscape import batch_for


def noise(X, y, w, reduce=np.mean, scatter=np.std):
    G = (X @ w - y)[:, None] * X
    return reduce(G, axis=0), scatter(G, axis=0)


test_right_answers_are_right = right_answers(
    ("least-squares-noise", noise),
)


test_hints_fit_the_mistake = hints(
    ("dead-coordinates", lambda s: s, "With s = 1"),
    ("dead-coordinates", lambda s: 2 * s**0.5 / np.pi, "s·d coordinates"),
    ("large-enough", lambda g, sigma, share: 1, "is asked"),
    ("large-enough", lambda *a: batch_for(*a) + 1, "enough already"),
    ("large-enough", lambda g, sigma, share: 2.5, "whole number"),
    ("least-squares-noise", lambda *a: noise(*a, scatter=np.max), "scatter"),
    ("least-squares-noise", lambda *a: noise(*a, reduce=np.median), "sample i alone"),
    ("least-squares-noise", lambda X, y, w: (1.0, 2.0), "shape (4,)"),
    ("least-squares-noise", lambda X, y, w: X, "pair"),
)
