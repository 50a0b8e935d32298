"""Data that can be learned perfectly, on which methods that treat all coordinates alike learn the wrong thing."""

from __future__ import annotations

import numpy as np

from gluonbook.checks import real, whole_number


def wilson_data(n: int, random: np.random.RandomState, positive: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """X of shape (n, 3 + 5n), and y of n labels, each +1 with probability `positive` and else −1.

        x_i = (y_i, 1, 1, 0, …, 0, block i, 0, …, 0)    block i = (1, 0, 0, 0, 0) if y_i = 1, else (1, 1, 1, 1, 1)

    The first coordinate is the label itself, the next two are always 1, and block i belongs to sample i alone. Samples
    that are left out of the training play the part of new ones.

    Raises:
        ValueError: n is not a whole number from 1, or `positive` not in [0, 1].

    Source: Wilson, Roelofs, Stern, Srebro and Recht, The marginal value of adaptive gradient methods in machine
    learning (2017), arXiv:1705.08292, section 3.3.
    """
    n, positive = whole_number("n", n, 1), real("positive", positive, "[0, 1]")
    y = np.where(random.uniform(size=n) < positive, 1.0, -1.0)
    X = np.zeros((n, 3 + 5 * n))
    X[:, 0], X[:, 1:3] = y, 1
    for i, label in enumerate(y):
        X[i, 3 + 5 * i : 3 + 5 * i + (1 if label > 0 else 5)] = 1
    return X, y
