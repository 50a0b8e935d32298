"""The exercises of `signum/landscape`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest


def batch_for(g, sigma, share, more=0):
    needed = np.sort(4 / 3 * sigma**2 / g**2)
    return int(needed[int(np.ceil(share * len(needed))) - 1]) + 1 + more


def noise(X, y, w, factor=1.0, reduce=np.mean, scatter=np.std):
    G = factor * (X @ w - y)[:, None] * X
    return reduce(G, axis=0), scatter(G, axis=0)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("density-by-hand", 0.49),
        ("dead-coordinates", lambda s: 2 * s / np.pi),
        ("large-enough", batch_for),
        ("least-squares-noise", noise),
    ],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("density-by-hand", 0.98, "zeros count"),
        ("density-by-hand", 0.01, "sum of the sizes"),
        ("density-by-hand", 0.35, "squared"),
        ("density-by-hand", 0.5, "d = 4"),
        ("density-by-hand", "0.49", "a number"),
        ("dead-coordinates", lambda s: s, "With s = 1"),
        ("dead-coordinates", lambda s: 2 / np.pi, "neither norm"),
        ("dead-coordinates", lambda s: 2 * s**2 / np.pi, "the first with its square"),
        ("dead-coordinates", lambda s: 2 * s**0.5 / np.pi, "s·d coordinates"),
        ("large-enough", lambda g, sigma, share: 1, "is asked"),
        ("large-enough", lambda *a: batch_for(*a, more=1), "enough already"),
        ("large-enough", lambda g, sigma, share: 2.5, "whole number"),
        ("least-squares-noise", lambda *a: noise(*a, factor=2), "one half"),
        ("least-squares-noise", lambda *a: noise(*a, reduce=np.sum), "gradient of the sum"),
        ("least-squares-noise", lambda *a: noise(*a, factor=-1), "wrong sign"),
        ("least-squares-noise", lambda *a: noise(*a, scatter=np.var), "its root"),
        ("least-squares-noise", lambda *a: noise(*a, scatter=np.max), "scatter"),
        ("least-squares-noise", lambda *a: noise(*a, reduce=np.median), "sample i alone"),
        ("least-squares-noise", lambda X, y, w: (1.0, 2.0), "shape (4,)"),
        ("least-squares-noise", lambda X, y, w: X, "pair"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
