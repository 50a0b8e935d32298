"""The exercises of `practice/tensor_topics`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def by_places(x):
    words = np.repeat(np.arange(len(x)), np.asarray(x, dtype=int))
    table = np.zeros((len(x), len(x)))
    for i, one in enumerate(words):
        for j, other in enumerate(words):
            table[one, other] += i != j
    return table / table.sum()


def rotated(M2, k):
    values, vectors = np.linalg.eigh(M2)
    turn = np.linalg.qr(np.random.RandomState(k).normal(size=(k, k)))[0]
    return vectors[:, -k:] / np.sqrt(values[-k:]) @ turn


def by_loops(T, theta):
    n = range(len(theta))
    step = [sum(T[a, b, c] * theta[b] * theta[c] for b in n for c in n) for a in n]
    return np.array(step) / sum(value**2 for value in step) ** 0.5


test_right_answers_are_right = right_answers(
    ("three-places", [720, 3]),
    ("not-with-itself", by_places),
    ("whiten-it", rotated),
    ("tensor-power-step", by_loops),
    ("weight-of-a-topic", 0.2222222222222222),
)

test_wrong_answers_get_their_hint = hints(
    ("three-places", (1000, 3), "comes twice"),
    ("three-places", (720, 2), "division"),
    ("three-places", (720, 4), "How many different places"),
    ("not-with-itself", lambda x: np.outer(x, x) / sum(x) ** 2, "paired with itself"),
    ("not-with-itself", lambda x: x, "(3, 3); yours has the shape (3,)"),
    ("not-with-itself", lambda x: np.eye(len(x)), "it should be"),
    ("whiten-it", lambda M2, k: np.linalg.eigh(M2)[1][:, -k:], "divided by"),
    ("whiten-it", lambda M2, k: np.eye(len(M2)), "must have the shape (4, 2)"),
    ("whiten-it", lambda M2, k: np.linalg.inv(np.linalg.cholesky(M2)).T[:, :k], "largest eigenvalues"),
    ("tensor-power-step", lambda T, theta: T @ theta, "Two of the three axes"),
    ("tensor-power-step", lambda T, theta: theta, "it should be"),
    ("weight-of-a-topic", 0.5, "1/λ"),
    ("weight-of-a-topic", 3, "Put α0 = 1"),
)
