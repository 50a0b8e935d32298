"""The exercises of `practice/noisy_labels`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from answers import hints, right_answers
from scipy.optimize import brentq

from gluonbook import crowd
from gluonbook.exercises.practice import noisy_labels


def by_logarithms(who, said, confusion, prior):
    logs = np.log(prior) + sum(np.log(confusion[a][:, s]) for a, s in zip(who, said))
    return np.exp(logs) / np.exp(logs).sum()


test_right_answers_are_right = right_answers(
    ("threshold-of-two", 0.8218),
    ("threshold-of-two", 0.822),
    ("threshold-of-two", brentq(lambda p: np.sqrt(2) * (p**2 + (1 - p) ** 2) - 1, 0.6, 0.99)),
    ("tied-majority", lambda p: p),
    ("opposite-of-a-liar", 81 / 82),
    ("opposite-of-a-liar", 0.988),
    ("spammer-given-away", 3),
    ("believe-one", by_logarithms),
)

test_wrong_answers_get_their_hint = hints(
    ("threshold-of-two", 0.8233, "three labels"),
    ("threshold-of-two", 0.178, "two roots"),
    ("threshold-of-two", 0.6436, "What is p"),
    ("threshold-of-two", 0.8409, "both wrong agree"),
    ("threshold-of-two", 0.7071, "What is left"),
    ("threshold-of-two", 82.18, "per cent"),
    ("threshold-of-two", 0.9, "Compare"),
    ("tied-majority", lambda p: p**2, "disagree"),
    ("tied-majority", lambda p: 1 - (1 - p) ** 2, "at least one"),
    ("tied-majority", lambda p: p**2 + p * (1 - p) / 2, "two ways"),
    ("tied-majority", lambda p: p**2 / (p**2 + (1 - p) ** 2), "need not agree"),
    ("tied-majority", lambda p: 0.5, "should be"),
    ("opposite-of-a-liar", 0.5, "worth nothing"),
    ("opposite-of-a-liar", 0.9, "alone"),
    ("opposite-of-a-liar", 0.81, "Divide"),
    ("opposite-of-a-liar", 0.0122, "how probable A is"),
    ("opposite-of-a-liar", 98.8, "per cent"),
    ("opposite-of-a-liar", 0.3, "And if it is A"),
    ("spammer-given-away", 2, "1%"),
    ("spammer-given-away", 1, "1/10"),
    ("spammer-given-away", 44, "each time"),
    ("spammer-given-away", 7, "two classes"),
    ("spammer-given-away", 12, "10⁻ⁿ"),
    ("believe-one", lambda who, said, confusion, prior: np.array(prior), "should be"),
    ("believe-one", lambda who, said, confusion, prior: by_logarithms(who, said, confusion, np.ones(4)), "prior is"),
)


@pytest.mark.parametrize("seed", range(3))
def test_the_belief_is_the_package_s(seed):
    random = np.random.RandomState(seed)
    confusion, prior = random.dirichlet(np.ones(5), size=(4, 5)), random.dirichlet(np.ones(5))
    labels = crowd.annotate(confusion, random.randint(5, size=6), 3, random)
    whole = crowd.posterior(labels, confusion, prior)
    for i in range(6):
        one = noisy_labels.belief(labels.who[i], labels.said[i], confusion, prior)
        assert one == pytest.approx(whole[i])


def test_the_threshold_is_that_of_the_bound():
    found = brentq(lambda p: crowd.redundancy_factor(p, 2) - crowd.redundancy_factor(p, 1), 0.6, 0.99)
    right = next(one.right for one in noisy_labels.exercises if one.name == "threshold-of-two")
    assert found == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("p", [0.55, 0.8, 0.95])
def test_the_majority_of_two_is_that_of_the_package(p):
    random = np.random.RandomState(0)
    confusion = np.stack([[[p, 1 - p], [1 - p, p]]] * 2)
    labels = crowd.annotate(confusion, np.zeros(100_000, int), 2, random)
    found = crowd.majority(labels, random)[:, 0].mean()
    assert noisy_labels.majority_of_two(p) == pytest.approx(found, abs=5e-3)
