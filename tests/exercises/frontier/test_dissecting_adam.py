"""The exercises of `frontier/dissecting_adam`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def by_formula(beta, t):
    return (1 - beta) * (1 + beta**t) / ((1 + beta) * (1 - beta**t))


def by_simulation(beta, t):
    weights = [(1 - beta) * beta**age / (1 - beta**t) for age in range(t)]
    return sum(weight**2 for weight in weights)


def in_differences(x, g, mean, square, memory, curvature):
    mean += (g - mean) / memory
    square += (g * g - square) / memory
    return [x - g * mean**2 / (curvature * square), mean, square, memory + 1 - memory * mean**2 / square]


test_right_answers_are_right = right_answers(
    ("adam-shortens", ["E", "C", "B", "D", "A"]),
    ("batch-to-believe", 441.0),
    ("rho-of-a-mean", by_formula),
    ("rho-of-a-mean", by_simulation),
    ("vsgd-step", in_differences),
    ("longer-than-a-sign", np.r_[np.full(1900, 1e-6), -np.ones(2)]),
    ("longer-than-a-sign", [0] * 1500 + [1, 1]),
)

test_wrong_answers_get_their_hint = hints(
    ("adam-shortens", ("A", "D", "B", "C", "E"), "smallest"),
    ("adam-shortens", ("E", "B", "C", "D", "A"), "no help to a weight"),
    ("adam-shortens", ("E", "C", "B", "A", "D"), "quarrel"),
    ("batch-to-believe", 63, "which power"),
    ("batch-to-believe", 21, "√n"),
    ("rho-of-a-mean", lambda beta, t: (1 - beta) / (1 + beta), "after many steps"),
    ("rho-of-a-mean", lambda beta, t: beta, "it should be 1"),
    ("longer-than-a-sign", [1] * 10, "1 learning rates"),
    ("longer-than-a-sign", [0] * 50 + [1], "0.709 learning rates"),
    ("longer-than-a-sign", [0] * 2001, "1 to 2,000"),
    ("longer-than-a-sign", [0] * 20, "not all of them 0"),
    ("longer-than-a-sign", [[0, 1]], "shape (1, 2)"),
)
