"""The exercises of `signum/adversaries`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom


def newest(saved):
    return max(set(saved[0]).intersection(*saved[1:]), default=None)


def right(M, bad, p):
    honest = binom.pmf(np.arange(M - bad + 1), M - bad, p)
    liars = binom.pmf(np.arange(bad + 1), bad, 1 - p)
    return np.convolve(honest, liars)[M // 2 + 1 :].sum()


def suspects(ballots, own=False, threshold=0.0):
    others = ballots.sum(axis=1, keepdims=True) - (0 if own else ballots)
    agreement = (ballots * np.sign(others)).mean(axis=(0, 2))
    return set(np.flatnonzero(agreement < threshold).tolist())


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("workers-to-match", 343),
        ("newest-of-all", newest),
        ("vote-is-right", right),
        ("find-inverters", suspects),
    ],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("workers-to-match", 49, "How many are there at the start"),
        ("workers-to-match", 13, "not merely absent"),
        ("workers-to-match", 100, "By which factor"),
        ("workers-to-match", 343.0, "one whole number"),
        ("newest-of-all", lambda saved: min(max(own, default=0) for own in saved) or None, "each has two"),
        ("newest-of-all", lambda saved: max(max(own, default=0) for own in saved), "Some are ahead"),
        ("newest-of-all", lambda saved: newest(saved) or None, "Step 0"),
        ("newest-of-all", lambda saved: saved[0][-1], "Some are ahead"),
        ("vote-is-right", lambda M, bad, p: right(M, 0, p), "as if nobody lied"),
        ("vote-is-right", lambda M, bad, p: 1 - right(M, bad, p), "is wrong"),
        ("vote-is-right", lambda M, bad, p: right(M - 2 * bad, 0, p) if 2 * bad < M else 0, "binomial"),
        ("find-inverters", lambda ballots: suspects(ballots, own=True), "own vote"),
        ("find-inverters", lambda ballots: suspects(ballots, threshold=0.5), "accuse the honest"),
        ("find-inverters", lambda ballots: set(), "you miss"),
        ("find-inverters", lambda ballots: [1], "must return a set"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
