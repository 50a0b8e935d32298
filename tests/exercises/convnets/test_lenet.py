"""The exercises of `convnets/lenet`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from mxnet import nd

from gluonbook import models


def flipped(X, W):
    return correlate(X, W[::-1, ::-1])


def correlate(X, W):
    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(X, W.shape), W)


def three_only(X, W):
    return correlate(X, W) if len(W) == 3 else correlate(X, np.zeros((3, 3)))


def shuffled_anew(X):
    return np.random.permutation(X.reshape(len(X), -1).T).T.reshape(X.shape)


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("count-weights", 500, "weights"),
        ("count-weights", 26, "one filter"),
        ("slide-it", flipped, "flipped"),
        ("slide-it", lambda X, W: X, "shape"),
        ("slide-it", three_only, "shape"),
        ("slide-it", lambda X, W: nd.array(X), "NumPy array"),
        ("how-far", 8, "larger image"),
        ("how-far", 14, "second pooling"),
        ("half-the-weights", models.lenet, "parameters"),
        ("half-the-weights", models.mlp, "no Conv2D"),
        ("half-the-weights", lambda: models.lenet(channels=(1,), hidden=2), "elsewhere"),
        ("scrambled", lambda X: X, "where they were"),
        ("scrambled", lambda X: X[:2], "shape"),
        ("scrambled", np.zeros_like, "keep all"),
        ("scrambled", shuffled_anew, "one and the same"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
