"""The exercises of `training/momentum_clipping`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def by_concatenation(grads, c):
    length = np.linalg.norm(np.concatenate([np.ravel(g) for g in grads]))
    return [g * min(1, c / (length + 1e-12)) for g in grads]


def zeros_are_nan(grads, c):
    length = sum(np.linalg.norm(g) ** 2 for g in grads) ** 0.5
    with np.errstate(all="ignore"):
        return [min(length, c) * (g / length) for g in grads]


def of_matrices(grads, c):
    return [g * min(1, c / max(np.linalg.norm(g), 1e-9)) for g in grads]


def in_place(grads, c):
    length = np.linalg.norm([np.linalg.norm(g) for g in grads])
    for g in grads:
        g *= min(1, c / max(length, 1e-9))
    return list(grads)


def only_appended_to(grads, c):
    new = by_concatenation(grads, c)
    grads.append(0)
    return new


test_right_answers_are_right = right_answers(
    ("speed-on-a-slope", 1),
    ("largest-rate-with-momentum", 3 / 10),
    ("turned-by-clipping", 3.8),
    ("turned-by-clipping", 3.801),
    ("clip-by-global-norm", by_concatenation),
    ("wide-enough", 200.0),
)

test_wrong_answers_get_their_hint = hints(
    ("speed-on-a-slope", 0.19, "second step"),
    ("speed-on-a-slope", 10, "no longer changes"),
    ("largest-rate-with-momentum", 0.2, "plain descent"),
    ("largest-rate-with-momentum", 0.1, "one step late"),
    ("turned-by-clipping", 0.0663, "radians"),
    ("turned-by-clipping", 5.7, "where did it point before"),
    ("turned-by-clipping", 43.1, "stays 0.1"),
    ("clip-by-global-norm", zeros_are_nan, "all zero"),
    ("clip-by-global-norm", of_matrices, "its own norm"),
    ("clip-by-global-norm", lambda grads, c: grads, "should be"),
    ("clip-by-global-norm", lambda grads, c: [g / 5 for g in grads], "should be"),
    ("clip-by-global-norm", in_place, "written over"),
    ("clip-by-global-norm", only_appended_to, "leave the gradients"),
    ("wide-enough", 400, "1/2n"),
    ("wide-enough", 199, "Set it to ½"),
)
