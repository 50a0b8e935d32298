"""The exercises of `training/critical_points`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def scipys(H, g):
    from scipy.linalg import sqrtm

    return -np.linalg.inv(np.real(sqrtm(H @ H))) @ g


def exchanged(x, y):
    return (x - abs(y) ** 1.5) * (x - 2 * abs(y) ** 1.5)


TURNED = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])


test_right_answers_are_right = right_answers(
    ("three-critical-points", ["minimum", "saddle", "undecided"]),
    ("hidden-condition", [[1, 0], [-40, 1]]),
    ("hidden-condition", [[101, 100], [-100, -99]]),
    ("hidden-condition", TURNED @ [[1, 5000], [0, 1]] @ TURNED.T),  # right up to rounding
    ("saddle-free-step", scipys),
    ("down-a-curve", exchanged),
    ("down-a-curve", lambda x, y: (y - x**4) * (y - 2 * x**4)),
)

test_wrong_answers_get_their_hint = hints(
    ("three-critical-points", "minimum", "3 words"),
    ("three-critical-points", ("minimum", "saddle", "no idea"), "not 'no idea'"),
    ("three-critical-points", ("minimum", 2, "undecided"), "not 2"),
    ("three-critical-points", ("saddle", "saddle", "undecided"), "1 beside it"),
    ("three-critical-points", ("minimum", "minimum", "undecided"), "along y = −x"),
    ("three-critical-points", ("minimum", "saddle", "saddle"), "whatever you know besides"),
    ("hidden-condition", np.eye(3), "shape"),
    ("hidden-condition", np.eye(2), "condition number is 1"),
    ("hidden-condition", [[1, 10], [0, 1]], "condition number is 102"),
    ("hidden-condition", [[1, 0], [0, 2000]], "trace is 2"),
    ("hidden-condition", [[1, 2000], [4e-9, 1]], "yours are 2 and 0.999992."),
    ("hidden-condition", [[1, 2000], [-4e-9, 1]], "yours are 2 and 1.000008."),
    ("hidden-condition", [[1.00001, 100], [0, 1.00001]], "yours are 2.00002 and"),
    ("hidden-condition", [[np.nan, 100], [0, 1]], "yours are nan and nan."),
    ("down-a-curve", lambda x, y: (y - x**2) * (y - 3 * x**2), "Peano"),
    ("down-a-curve", lambda x, y: x**2 + y**2, "falls along none of the curves"),
    ("down-a-curve", lambda x, y: (y - 20 * x**2) * (y - 40 * x**2), "c from 0.1 to 10"),
    ("down-a-curve", lambda x, y: x**2 - y**2, "does not rise"),
    ("down-a-curve", lambda x, y: (y - abs(x)) * (y - 3 * abs(x)), "does not rise"),
    ("down-a-curve", lambda x, y: 1 + x**2, "0 at the origin"),
    ("down-a-curve", lambda x, y: 0.0, "one number for each point"),
)
