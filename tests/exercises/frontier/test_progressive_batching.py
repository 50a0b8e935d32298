"""The exercises of `frontier/progressive_batching`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist, variance

import numpy as np
from answers import hints, right_answers


def by_statistics(slopes, theta):
    mean = sum(slopes) / len(slopes)
    return max(len(slopes), math.ceil(variance(slopes) / (theta * mean) ** 2))


def multiplied_out(H, s, y):
    c, v = s @ y, H @ y
    return H - (np.outer(v, s) + np.outer(s, v)) / c + (1 + y @ v / c) * np.outer(s, s) / c


test_right_answers_are_right = right_answers(
    ("first-length", 1 / (1 + 0.9**2)),
    ("wrong-curvature", NormalDist(0.1, (2 / 32) ** 0.5).cdf(0)),
    ("wrong-curvature", 0.345),
    ("sample-size", by_statistics),
    ("sample-size", lambda slopes, theta: np.int64(by_statistics(slopes, theta))),
    ("dense-update", multiplied_out),
    ("norm-asks-for-less", ([[10, 40], [10, 0], [10, -37]], [1, 100])),
    ("norm-asks-for-less", (np.array([[0.5, 20], [-0.3, 20], [-0.1, 20]]), np.array([5000.0, Fraction(1, 2)]))),
)

test_wrong_answers_get_their_hint = hints(
    ("first-length", 1 / 1.9, "θ² times the square"),
    ("first-length", 0.7, "just met"),
    ("wrong-curvature", 0.2858, "difference of two"),
    ("wrong-curvature", 0.6554, "above 0"),
    ("wrong-curvature", 0.1, "twice the variance"),
    ("sample-size", lambda slopes, theta: float(by_statistics(slopes, theta)) + 0.5, "it should be"),
    ("sample-size", lambda slopes, theta: round(variance(slopes) / (theta * np.mean(slopes)) ** 2), "it should be"),
    ("dense-update", lambda H, s, y: H, "the matrix should be"),
    ("dense-update", lambda H, s, y: multiplied_out(H, y, s), "maps s to y"),
    ("norm-asks-for-less", ([[10, 2], [10, 0], [10, 1]], [1, 1]), "Cauchy and Schwarz"),
    ("norm-asks-for-less", ([[10, 2], [10, 0], [10, 1]], [100, 1]), "where the gradient is small"),
    ("norm-asks-for-less", ([[1, 2], [-1, 0], [0, -2]], [1, 2]), "have the mean 0"),
    ("norm-asks-for-less", ([[1e200, 1], [0, 1], [0, 0]], [1, 2]), "the norm asks for a batch of nan"),
    ("norm-asks-for-less", ([[1000, 1], [1000, 0.1], [1000, -1]], [1, 1000]), "a batch of 1, the inner product for 1."),
    ("norm-asks-for-less", ([[10, 40], [10, 0], [10, -37]], [1, 3]), "a batch of 15, the inner product for 11."),
    ("norm-asks-for-less", ([[1, 2]] * 3, [1, 2]), "all the same"),
    ("norm-asks-for-less", ([[1, 2]] * 3, [1, -2]), "H is positive"),
    ("norm-asks-for-less", ([[1, 2]] * 2, [1, 2]), "three gradients"),
)
