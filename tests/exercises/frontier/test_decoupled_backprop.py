"""The exercises of `frontier/decoupled_backprop`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

from collections import deque

import numpy as np
from answers import hints, right_answers


def by_table(k, K):
    return [K - k - 1, len(range(k, K))]


def by_queue(grad, x, eta, tau, steps):
    coming, points = deque([0.0] * tau), [x]
    for _ in range(steps):
        coming.append(grad(x))
        x = x - eta * coming.popleft()
        points.append(x)
    return np.array(points)


def by_counting(P, A, B):
    ring, cuts = 2 * len(A) * P, sum(2 * B * a for a in A)
    return "data" if ring < cuts else "modules"


def no_start(grad, x, eta, tau, steps):
    return by_queue(grad, x, eta, tau, steps)[1:]


test_right_answers_are_right = right_answers(
    ("what-a-module-holds", by_table),
    ("how-much-faster", [2.25, 3.0]),
    ("a-rate-that-settles", 0.4 * np.sin(np.pi / 10) / 8),
    ("late-descent-path", by_queue),
    ("cut-or-copy", by_counting),
)

test_wrong_answers_get_their_hint = hints(
    ("what-a-module-holds", lambda k, K: (k, K - k), "should give"),
    ("what-a-module-holds", lambda k, K: K - 1 - k, "should give"),
    ("how-much-faster", (2.25, 6), "no time any more"),
    ("how-much-faster", (4, 3), "Let a forward pass take 1"),
    ("a-rate-that-settles", 0.618, "step times curvature"),
    ("late-descent-path", no_start, "make 7 points"),
    ("late-descent-path", lambda grad, x, eta, tau, steps: x, "list of the points"),
    ("late-descent-path", lambda grad, x, eta, tau, steps: [x] * (steps + 1), "the points should be"),
    ("cut-or-copy", lambda P, A, B: "data", "Count both"),
)
