"""The exercises of `signum/convergence`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def warm_up(beta):
    def holds(C):
        return C / 2 * beta**C <= 1 / (1 - beta**2) / (C + 1) and beta ** (C + 1) <= 1 / (C + 1)

    return next(C for C in range(1, 10_000) if holds(C))


def worst(random, n, share=1 / 3, width=3.0, low=-1.0):
    return np.where(random.uniform(size=n) < share, width * random.uniform(low, 1, size=n), 0)


def two_points(random, n):
    return np.where(random.uniform(size=n) < 0.25, 2.0, 0) * np.sign(random.uniform(-1, 1, size=n))


test_right_answers_are_right = right_answers(("warm-up-steps", warm_up), ("worst-noise", worst))


test_hints_fit_the_mistake = hints(
    ("warm-up-steps", lambda beta: 540, "not the smallest"),
    ("warm-up-steps", 54, "TypeError"),
    ("worst-noise", lambda random, n: random.normal(size=5), "shape (5,)"),
    ("worst-noise", lambda random, n: random.normal(1, 1, size=n), "mean"),
    ("worst-noise", lambda random, n: worst(random, n, width=2.0), "variance"),
    ("worst-noise", lambda random, n: random.exponential(size=n) - 1, "not symmetric"),
    ("worst-noise", two_points, "more than one mode"),
    ("worst-noise", lambda random, n: random.normal(size=n), "below −2"),
)
