"""The exercises of `signum/convergence`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest


def warm_up(beta, conditions=(0, 1), more=0):
    def holds(C):
        both = C / 2 * beta**C <= 1 / (1 - beta**2) / (C + 1), beta ** (C + 1) <= 1 / (C + 1)
        return all(both[i] for i in conditions)

    return more + next(C for C in range(1, 10_000) if holds(C))


def worst(random, n, share=1 / 3, width=3.0, low=-1.0):
    return np.where(random.uniform(size=n) < share, width * random.uniform(low, 1, size=n), 0)


def two_points(random, n):
    return np.where(random.uniform(size=n) < 0.25, 2.0, 0) * np.sign(random.uniform(-1, 1, size=n))


@pytest.mark.parametrize(
    ("name", "answer"),
    [("price-of-a-half", 16), ("where-it-rests", 1.0), ("warm-up-steps", warm_up), ("worst-noise", worst)],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("price-of-a-half", 4, "norm itself"),
        ("price-of-a-half", 2, "bounds a square"),
        ("price-of-a-half", 3, "power"),
        ("price-of-a-half", "16", "a number"),
        ("where-it-rests", 0, "what share"),
        ("where-it-rests", -1, "added"),
        ("where-it-rests", 4, "without the interval"),
        ("warm-up-steps", lambda beta: warm_up(beta, (0,)), "leave the second"),
        ("warm-up-steps", lambda beta: warm_up(beta, (1,)), "leave the first"),
        ("warm-up-steps", lambda beta: warm_up(beta, more=1), "off by one"),
        ("warm-up-steps", lambda beta: 540, "not the smallest"),
        ("warm-up-steps", 54, "TypeError"),
        ("worst-noise", lambda random, n: random.normal(size=5), "shape (5,)"),
        ("worst-noise", lambda random, n: random.normal(1, 1, size=n), "mean"),
        ("worst-noise", lambda random, n: worst(random, n, width=2.0), "variance"),
        ("worst-noise", lambda random, n: random.exponential(size=n) - 1, "not symmetric"),
        ("worst-noise", two_points, "more than one mode"),
        ("worst-noise", lambda random, n: random.normal(size=n), "below −2"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
