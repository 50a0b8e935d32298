"""The exercises of `signum/benchmarks`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def luck(n, trials=20_000):
    return np.random.RandomState(0).normal(size=(trials, n)).max(axis=1).mean()


def decided(a, b, ddof=1, root=True, paired=True, both_sides=True, singles=False):
    gap = np.asarray(a) - np.asarray(b)
    if len(gap) < 2:
        return singles
    s = gap.std(ddof=ddof) if paired else np.std(a, ddof=1) + np.std(b, ddof=1)
    mean = abs(gap.mean()) if both_sides else gap.mean()
    return mean > 2 * s / (len(gap) ** 0.5 if root else 1)


test_right_answers_are_right = right_answers(
    ("winners-luck", luck),
    ("decided", decided),
    ("decided", lambda a, b: bool(decided(a, b))),
)


test_hints_fit_the_mistake = hints(
    ("winners-luck", lambda n: luck(n) + 0.2, "no choice"),
    ("winners-luck", lambda n: 0.0 if n == 1 else luck(n) / n, "luck(2)"),
    ("winners-luck", lambda n: luck(n) if n < 100 else luck(20_000, trials=1), "average the maxima"),
    ("decided", lambda a, b: decided(a, b, singles=True), "single pair"),
    ("decided", lambda a, b: decided(a, b, paired=False), "Pair them"),
    ("decided", lambda a, b: decided(a, b, both_sides=False), "which of the two"),
    ("decided", lambda a, b: decided(a, b, ddof=0), "n − 1"),
    ("decided", lambda a, b: decided(a, b, root=False), "square root of n"),
)
