"""The exercises of `signum/majority_vote`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from scipy.stats import binom

from gluonbook.exercises.signum.majority_vote import majority


def voters(p, risk, first=1, step=2, wrong=lambda M: (M - 1) // 2):
    M = first
    while binom.cdf(wrong(M), M, p) > risk:
        M += step
    return M


test_right_answers_are_right = right_answers(
    ("voters-needed", voters),
    ("vote-of-three", lambda a, b, c: ((a ^ b) & c) | (a & b)),
    ("vote-of-votes", ((-1, 1, -1), (1, 1, 1), (-1, -1, 1))),
)


test_hints_fit_the_mistake = hints(
    ("vote-by-hand", ((1, -1, 1, -1), (1, -1, -1, -1)), "In which step does a tie"),
    ("vote-by-hand", ((1, -1, 1, -1), (-1, -1, 1, -1)), "whose value for weight 2 is 0"),
    ("vote-by-hand", ((1, 1, 1, -1), (-1, -1, -1, -1)), "heads, not sizes"),
    ("vote-by-hand", ((-3, 0, 0, -3), (-3, 0, 0, -3)), "each 1 or -1"),
    ("vote-by-hand", (1, -1, 1, -1), "two tuples of four"),
    ("vote-by-hand", 1, "each 1 or -1"),
    ("voters-needed", lambda p, risk: voters(p, risk) - (risk < 0.02) * 2, "too few"),
    ("voters-needed", lambda p, risk: voters(p, risk, wrong=lambda M: (M + 1) // 2), "too many"),
    ("voters-needed", lambda p, risk: 2, "even"),
    ("vote-of-three", lambda a, b, c: a & b & c, "verdict 0"),
    ("vote-of-three", lambda a, b, c: a | b | c, "verdict 1"),
    ("vote-of-three", lambda a, b, c: a ^ b ^ c, "verdict"),
    ("vote-of-three", lambda a, b, c: majority(a, b, c) & np.uint64(0xFF), "verdict 0"),
    ("vote-of-three", lambda a, b, c: bool(majority(a, b, c).any()), "array of uint64"),
    ("vote-of-votes", [[1, 1, 1], [1, 1, -1], [-1, -1, -1]], "How few votes win a group"),
    ("vote-of-votes", [[1, 1, 1]], "three lists"),
    ("vote-of-votes", [[1, 0, 1], [1, 1, -1], [-1, -1, -1]], "three lists"),
)
