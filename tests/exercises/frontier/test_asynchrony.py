"""The exercises of `frontier/asynchrony`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def by_places(M):
    return [[1 / 3 if (i - j) % M in (0, 1, M - 1) else 0 for j in range(M)] for i in range(M)]


def by_steps(own, point, slope, gamma):
    moved = point - own
    return [moved - gamma * slope(point), own + moved - gamma * slope(point)]


def at_rest(own, point, slope, gamma):
    return by_steps(own, point, slope, gamma)[0], point


def by_search(asks):
    def reached(worker, been):
        return worker in been or any(reached(other, been | {worker}) for other in asks.get(worker, ()))

    return any(reached(worker, frozenset()) for worker in asks)


test_right_answers_are_right = right_answers(
    ("second-of-gradients", [50.0, 162.5]),
    ("ring-of-thirds", by_places),
    ("what-a-point-sends", by_steps),
    ("waiting-in-a-circle", by_search),
    ("longest-harmonic-step", np.array([np.log(3**0.5), np.pi / 20 / np.log(3)])),
)

test_wrong_answers_get_their_hint = hints(
    ("second-of-gradients", (12.5, 162.5), "So many rounds"),
    ("second-of-gradients", (162.5, 50), "Which number comes first"),
    ("second-of-gradients", (50, 150), "too"),
    ("ring-of-thirds", lambda M: np.eye(M), "it should be"),
    ("ring-of-thirds", lambda M: np.full(M, 1 / 3), "has the shape (3, 3)"),
    ("ring-of-thirds", lambda M: np.eye(M) / 3 + np.eye(M, k=1) / 3 + np.eye(M, k=-1) / 3, "neighbours, too"),
    ("what-a-point-sends", lambda own, point, slope, gamma: point, "Return two things"),
    ("what-a-point-sends", lambda own, point, slope, gamma: (slope(point), point), "it sends"),
    ("what-a-point-sends", at_rest, "new point"),
    ("waiting-in-a-circle", lambda asks: True, "Draw an arrow"),
    ("waiting-in-a-circle", lambda asks: len(asks) > 2, "Draw an arrow"),
    ("longest-harmonic-step", (0.5, 0.1), "integral"),
    ("longest-harmonic-step", (0.5 * np.log(3), np.pi / 20), "Which c"),
)
