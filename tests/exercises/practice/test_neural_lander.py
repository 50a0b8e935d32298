"""The exercises of `practice/neural_lander`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def by_singular_values(matrices, gamma):
    share = gamma ** (1 / len(matrices))
    norms = [np.linalg.svd(W, compute_uv=False).max() for W in matrices]
    return [W if norm <= share else share * W / norm for W, norm in zip(matrices, norms)]


def in_place(matrices, gamma):
    for W in matrices:
        W *= min(1, gamma ** (1 / len(matrices)) / np.linalg.norm(W, 2))
    return matrices


test_right_answers_are_right = right_answers(
    ("rounds-to-settle", 10.0),
    ("where-it-hovers", 0.194),
    ("where-it-hovers", 0.1942),
    ("another-scale", 2.0),
    ("a-limit-of-your-own", by_singular_values),
    ("a-limit-of-your-own", in_place),
    ("a-stiffer-controller", [2 / 3, 0.6666666666667]),
)

test_wrong_answers_get_their_hint = hints(
    ("rounds-to-settle", 9, "1/512"),
    ("where-it-hovers", 0.337, "left out h"),
    ("where-it-hovers", 0.276, "ΛK = 2m"),
    ("where-it-hovers", 0.25, "factor of the cushion"),
    ("where-it-hovers", 0.195, "factor of the cushion"),  # asked to a millimetre
    ("another-scale", 0.5, "larger now, or smaller"),
    ("a-limit-of-your-own", lambda matrices, gamma: [W / np.linalg.norm(W, 2) for W in matrices], "With γ = "),
    ("a-limit-of-your-own", lambda matrices, gamma: [W / np.linalg.norm(W) for W in matrices], "With γ = "),
    ("a-stiffer-controller", (2 / 3, 4 / 9), "not to its square"),
    ("a-stiffer-controller", (3 / 2, 2 / 3), "makes it smaller"),
)
