"""The exercises of `gluon/arrays`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from mxnet import nd


def by_matrices(A, B):
    squares = (A**2).sum(axis=1, keepdims=True) + (B**2).sum(axis=1)
    return squares - 2 * nd.dot(A, B, transpose_b=True)


def by_rows(images):
    return nd.array([image.asnumpy().mean() for image in images])


def counted(x, limit):
    return nd.array([value for value in x.asnumpy() if value > limit])


def in_two_steps(X):
    X -= X.mean(axis=0)
    X /= (X**2).mean(axis=0).sqrt()


test_right_answers_are_right = right_answers(
    ("reshape-codes", (6, 4, 5)),
    ("brightness", by_rows),
    ("all-above", counted),
    ("all-distances", by_matrices),
    ("standardise", in_two_steps),
)


test_hints_fit_the_mistake = hints(
    ("reshape-codes", (2, 4, 5), "takes two axes"),
    ("reshape-codes", (6, 3, 5), "used up two"),
    ("reshape-codes", (6, 20), "3 numbers"),
    ("brightness", lambda images: images.mean(axis=(1, 2)), "In which type"),
    ("brightness", lambda images: images.astype("float64").mean(axis=(1, 2)), "is float64"),
    ("brightness", lambda images: images.asnumpy().mean(axis=(1, 2)), "must be an NDArray"),
    ("all-above", lambda x, limit: nd.contrib.boolean_mask(x, x > limit), "Count first"),
    ("all-above", lambda x, limit: x[x > limit], "list of the indices"),
    ("all-above", lambda x, limit: x[(x > limit).astype("bool")], "boolean indexing"),
    ("all-above", lambda x, limit: counted(x, limit).sort(), "yours gives"),
    ("all-distances", lambda A, B: A - B, "broadcast"),
    ("all-distances", lambda A, B: nd.dot(A, B.T), "two first rows"),
    ("all-distances", lambda A, B: np.zeros((3, 2)), "NDArray"),
    ("standardise", lambda X: X - X.mean(axis=0), "what it was before"),
)
