"""The exercises of `signum/benchmarks`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest


def luck(n, trials=20_000):
    return np.random.RandomState(0).normal(size=(trials, n)).max(axis=1).mean()


def decided(a, b, ddof=1, root=True, paired=True, both_sides=True, singles=False):
    gap = np.asarray(a) - np.asarray(b)
    if len(gap) < 2:
        return singles
    s = gap.std(ddof=ddof) if paired else np.std(a, ddof=1) + np.std(b, ddof=1)
    mean = abs(gap.mean()) if both_sides else gap.mean()
    return mean > 2 * s / (len(gap) ** 0.5 if root else 1)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("equal-budget", (20, 92)),
        ("same-step", (0.01, 0.001)),
        ("winners-luck", luck),
        ("decided", decided),
        ("decided", lambda a, b: bool(decided(a, b))),
    ],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("equal-budget", 20, "2 numbers, as a tuple"),
        ("equal-budget", (5, 77), "a quarter"),
        ("equal-budget", (9, 92), "grid of 5 step sizes and 4 betas"),
        ("equal-budget", (20, 80), "That is the tuning"),
        ("equal-budget", (20, 252), "each *method*"),
        ("equal-budget", (20, 100), "Count the settings"),
        ("same-step", (0.01,), "2 numbers, as a tuple"),
        ("same-step", (1.0, 0.001), "other way round"),
        ("same-step", (0.1, 0.001), "must stay what it was"),
        ("same-step", (0.01, 0.0001), "a mean"),
        ("same-step", (0.01, 0.01), "Whatever β is"),
        ("winners-luck", lambda n: luck(n) + 0.2, "no choice"),
        ("winners-luck", lambda n: 0.0 if n == 1 else luck(n) / n, "luck(2)"),
        ("winners-luck", lambda n: luck(n) if n < 100 else luck(20_000, trials=1), "average the maxima"),
        ("decided", lambda a, b: decided(a, b, singles=True), "single pair"),
        ("decided", lambda a, b: decided(a, b, paired=False), "Pair them"),
        ("decided", lambda a, b: decided(a, b, both_sides=False), "which of the two"),
        ("decided", lambda a, b: decided(a, b, ddof=0), "n − 1"),
        ("decided", lambda a, b: decided(a, b, root=False), "square root of n"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
