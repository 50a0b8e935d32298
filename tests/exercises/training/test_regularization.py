"""The exercises of `training/regularization`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def turned_back(X, eps=0):
    """Whitened, and rotated back into the coordinates of X."""
    centred = X - X.mean(axis=0)
    variances, U = np.linalg.eigh(centred.T @ centred / len(X))
    return centred @ (U / np.sqrt(variances + eps)) @ U.T


def by_singular_values(X, eps=0):
    left, s, _ = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    return left * s / np.sqrt(s**2 / len(X) + eps)


def uncorrelated(X, eps=0):
    centred = X - X.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2].T


def as_scikit_learn(X, eps=0):
    left, s, _ = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    return left * s / np.sqrt(s**2 / (len(X) - 1) + eps)


def standardized(X, eps=0):
    return (X - X.mean(0)) / np.sqrt(X.var(0) + eps)


def deaf_to_eps(X, eps=0):
    return turned_back(X)


test_right_answers_are_right = right_answers(
    ("variance-of-dropout", 9 * 0.25),
    ("ridge-for-noise", 5.0),
    ("steps-for-ridge", 1000),
    ("steps-for-ridge", 1 / (0.05 * 0.02)),
    ("whiten-inputs", turned_back),
    ("whiten-inputs", by_singular_values),
)

test_wrong_answers_get_their_hint = hints(
    ("variance-of-dropout", 0.25, "variance of the factor"),
    ("variance-of-dropout", 1.44, "without the division"),
    ("variance-of-dropout", 11.25, "square of the mean"),
    ("variance-of-dropout", 36, "share that stays"),
    ("variance-of-dropout", 3, "Its mean is 3"),
    ("ridge-for-noise", 0.01, "There are 500"),
    ("ridge-for-noise", 50, "square of 0.1"),
    ("ridge-for-noise", 7, "all of them"),
    ("steps-for-ridge", 500, "penalty α‖w‖²"),
    ("steps-for-ridge", 50, "which is η t"),
    ("steps-for-ridge", 2.5, "divided by α"),
    ("steps-for-ridge", 999, "Set 1/"),
    ("whiten-inputs", uncorrelated, "still those of X"),
    ("whiten-inputs", as_scikit_learn, "n − 1"),
    ("whiten-inputs", standardized, "rotate first"),
    ("whiten-inputs", deaf_to_eps, "added to each variance"),
    ("whiten-inputs", lambda X, eps=0: X, "length of the mean"),
    ("whiten-inputs", lambda X, eps=0: None, "shape of X"),
)
