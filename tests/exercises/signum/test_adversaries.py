"""The exercises of `signum/adversaries`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from scipy.stats import binom

from gluonbook.exercises.signum.adversaries import newest


def right(M, bad, p):
    honest = binom.pmf(np.arange(M - bad + 1), M - bad, p)
    liars = binom.pmf(np.arange(bad + 1), bad, 1 - p)
    return np.convolve(honest, liars)[M // 2 + 1 :].sum()


def suspects(ballots, own=False, threshold=0.0):
    others = ballots.sum(axis=1, keepdims=True) - (0 if own else ballots)
    agreement = (ballots * np.sign(others)).mean(axis=(0, 2))
    return set(np.flatnonzero(agreement < threshold).tolist())


test_right_answers_are_right = right_answers(
    ("vote-is-right", right),
    ("find-inverters", suspects),
)


test_hints_fit_the_mistake = hints(
    ("workers-to-match", 343.0, "one whole number"),
    ("newest-of-all", lambda saved: min(max(own, default=0) for own in saved) or None, "each has two"),
    ("newest-of-all", lambda saved: max(max(own, default=0) for own in saved), "Some are ahead"),
    ("newest-of-all", lambda saved: newest(saved) or None, "Step 0"),
    ("newest-of-all", lambda saved: saved[0][-1], "Some are ahead"),
    ("vote-is-right", lambda M, bad, p: right(M - 2 * bad, 0, p) if 2 * bad < M else 0, "binomial"),
    ("find-inverters", lambda ballots: suspects(ballots, own=True), "own vote"),
    ("find-inverters", lambda ballots: suspects(ballots, threshold=0.5), "accuse the honest"),
    ("find-inverters", lambda ballots: set(), "you miss"),
    ("find-inverters", lambda ballots: [1], "must return a set"),
)
