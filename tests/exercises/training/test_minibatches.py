"""The exercises of `training/minibatches`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def by_loop(losses, ceiling):
    cut = [min(max(float(loss), 0.0), ceiling) for loss in losses]
    total = sum(cut)
    return [loss / total if total else 1 / len(cut) for loss in cut]


def one_for_all(losses, ceiling):
    return 1 / len(losses)


test_right_answers_are_right = right_answers(
    ("half-of-ten", 1 / 9),
    ("carry-a-rate", [0.8, 64]),
    ("middle-of-a-pass", (50, 2500 / 99)),
    ("not-too-hard", by_loop),
)

test_wrong_answers_get_their_hint = hints(
    ("half-of-ten", 0.2, "with repetition"),
    ("half-of-ten", 0.1, "N − 1"),
    ("half-of-ten", 3, "none comes twice"),
    ("carry-a-rate", (0.2828427124746190, 64), "root"),
    ("carry-a-rate", (0.8, 128), "How much is 2/λmax"),
    ("carry-a-rate", (0.4, 64), "eight times as large"),
    ("middle-of-a-pass", (100, 0), "whatever the order"),
    ("middle-of-a-pass", (50, 25), "Nearly"),
    ("middle-of-a-pass", (50, 0.01), "variance of the mean"),
    ("not-too-hard", one_for_all, "4 losses need 4 probabilities"),
    ("not-too-hard", lambda losses, ceiling: np.full(len(losses), 1 / len(losses)), "it should be"),
    ("not-too-hard", lambda losses, ceiling: np.clip(losses, 0, ceiling), "it should be"),
)
