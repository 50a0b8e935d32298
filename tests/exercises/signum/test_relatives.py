"""The exercises of `signum/relatives`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from answers import hints, right_answers

from gluonbook.exercises.signum.relatives import damping


def unrolled(beta1, beta2, n):
    """By running Lion's memory on one gradient at a time."""
    found = []
    for age in range(n):
        m = 0.0
        for step in reversed(range(1, n)):
            m = beta2 * m + (1 - beta2) * (step == age)
        found.append(beta1 * m + (1 - beta1) * (age == 0))
    return found


def by_search(r):
    gammas = np.linspace(0, 1, 100_001)
    return gammas[((gammas - 1) ** 2 + gammas**2 * r**2).argmin()]


test_right_answers_are_right = right_answers(
    ("translate-decay", 0.1 * 5),
    ("half-a-weight", (np.log(0.5) / np.log(1 - 1e-4), 25)),
    ("what-lion-remembers", unrolled),
)


test_hints_fit_the_mistake = hints(
    ("translate-decay", 0.3, "the product"),
    ("half-a-weight", (6931, 500), "How long"),
    ("half-a-weight", (100, 25), "A logarithm tells"),
    ("what-lion-remembers", lambda beta1, beta2, n: [1 - beta1], "has the shape (1,)"),
    ("what-lion-remembers", lambda beta1, beta2, n: np.full(n, 1 / n), "by itself"),
    ("what-lion-remembers", lambda beta1, beta2, n: np.full(n, 1 - beta1), "Unroll m"),
    ("best-damping", lambda r: 1.0, "a square of g"),
)


@pytest.mark.parametrize("r", [0.3, 1.0, 2.5])
def test_the_best_factor_is_the_best_of_many(r):
    assert damping(r) == pytest.approx(by_search(r), abs=1e-4)
