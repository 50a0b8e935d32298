"""The factor of the bound: against all outcomes of r labels, and where it crosses that of one label."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest
from scipy.optimize import brentq

from gluonbook.crowd import redundancy_factor


def by_outcomes(p: float, r: int, by_majority: bool) -> float:
    """√r over the mean of τ − (1 − τ), going through all 2ʳ outcomes; the class is 1."""
    kept = 0.0
    for said in product([1, 0], repeat=r):
        one = np.prod([p if s else 1 - p for s in said])
        zero = np.prod([1 - p if s else p for s in said])
        tau = (1 + np.sign(2 * sum(said) - r)) / 2 if by_majority else one / (one + zero)
        kept += one * (2 * tau - 1)
    return sqrt(r) / kept


@pytest.mark.parametrize("by_majority", [False, True])
@pytest.mark.parametrize("r", range(1, 8))
def test_it_is_the_mean_over_all_outcomes(r, by_majority):
    p = np.array([0.55, 0.7, 0.83, 0.99])
    assert redundancy_factor(p, r, by_majority) == pytest.approx([by_outcomes(q, r, by_majority) for q in p])


@pytest.mark.parametrize("by_majority", [False, True])
def test_of_thousands_of_labels_the_crowd_is_sure(by_majority):
    """And nothing is too large for a float on the way, as the binomial coefficients are."""
    p = np.array([0.6, 0.9, 1.0])
    assert redundancy_factor(p, 3000, by_majority) == pytest.approx(np.full(3, sqrt(3000)), rel=1e-9)


def test_one_label():
    p = np.array([[0.6, 0.75], [0.9, 1.0]])
    assert redundancy_factor(p, 1) == pytest.approx(1 / (2 * p - 1) ** 2)
    assert redundancy_factor(p, 1, by_majority=True) == pytest.approx(1 / (2 * p - 1))


@pytest.mark.parametrize("by_majority", [False, True])
def test_who_is_always_right_need_not_be_asked_again(by_majority):
    for r in range(1, 9):
        assert redundancy_factor(1, r, by_majority) == pytest.approx(sqrt(r))


def test_the_weighted_risk_is_what_the_docstring_says():
    """Of a prediction with the risk R, drawn: the mean of τ·ℓ + (1 − τ)·(1 − ℓ) is β + (1 − 2β)·R."""
    random, p, r, risk = np.random.RandomState(0), 0.7, 3, 0.2
    wrong = (random.rand(400_000, r) > p).sum(axis=1)
    tau = p ** (r - wrong) * (1 - p) ** wrong
    tau = tau / (tau + p**wrong * (1 - p) ** (r - wrong))
    loss = random.rand(400_000) < risk
    kept = sqrt(r) / redundancy_factor(p, r)
    weighted = np.where(loss, tau, 1 - tau).mean()
    assert weighted == pytest.approx((1 - kept) / 2 + kept * risk, abs=2e-3)


@pytest.mark.parametrize(("r", "crossing"), [(2, (1 + sqrt(sqrt(2) - 1)) / 2), (3, 0.8233), (4, 0.8099), (9, 0.7726)])
def test_once_is_best_above_a_threshold(r, crossing):
    found = brentq(lambda p: redundancy_factor(p, r) - redundancy_factor(p, 1), 0.6, 0.95)
    assert found == pytest.approx(crossing, abs=1e-4)


def test_by_majority_once_is_always_best():
    p = np.linspace(0.5001, 1, 400)
    once = redundancy_factor(p, 1, by_majority=True)
    ratios = [redundancy_factor(p, r, by_majority=True) / once for r in range(2, 20)]
    assert np.min(ratios) == pytest.approx(2 / sqrt(3), abs=1e-4)  # r = 3, p → ½


@pytest.mark.parametrize("p", [0.5, 0.3, 1.01, float("nan"), [0.9, 0.4]])
def test_bad_probabilities(p):
    with pytest.raises(ValueError, match=r"p must be in \(0.5, 1\], got"):
        redundancy_factor(p, 3)


def test_bad_numbers():
    with pytest.raises(ValueError, match="redundancy must be"):
        redundancy_factor(0.9, 0)
    with pytest.raises(ValueError, match="by_majority must be True or False"):
        redundancy_factor(0.9, 2, "yes")
