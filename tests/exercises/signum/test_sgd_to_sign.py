"""The exercises of `signum/sgd_to_sign`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints


def not_in_place(grad, n, lr, gamma, eps):
    n = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n + eps).sqrt()


def without_root(grad, n, lr, gamma, eps):
    n[:] = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n + eps)


def dividing(gradients):
    m = gradients.mean(axis=0)
    return np.sign(m) / np.sqrt(1 + gradients.var(axis=0) / m**2)


def silenced(gradients):
    with np.errstate(all="ignore"):
        return dividing(gradients)


def by_deviation(gradients):
    m = gradients.mean(axis=0)
    return np.sign(m) / np.sqrt(1 + gradients.std(axis=0) / np.where(m == 0, 1, m) ** 2)


test_hints_fit_the_mistake = hints(
    ("write-rmsprop", not_in_place, "in place"),
    ("write-rmsprop", without_root, "divided by the root"),
    ("write-rmsprop", lambda *arguments: None, "must return an NDArray"),
    ("careful-sign", dividing, "NumPy warned"),
    ("careful-sign", silenced, "NaN"),
    ("careful-sign", lambda gradients: np.sign(gradients), "shape"),
    ("careful-sign", by_deviation, "mean of the squares"),
)
