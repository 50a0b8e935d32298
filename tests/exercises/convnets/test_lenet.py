"""The exercises of `convnets/lenet`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints
from mxnet import nd

from gluonbook import models


def correlate(X, W):
    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(X, W.shape), W)


def three_only(X, W):
    return correlate(X, W) if len(W) == 3 else correlate(X, np.zeros((3, 3)))


def shuffled_anew(X):
    return np.random.permutation(X.reshape(len(X), -1).T).T.reshape(X.shape)


test_hints_fit_the_mistake = hints(
    ("slide-it", lambda X, W: X, "shape"),
    ("slide-it", three_only, "shape"),
    ("slide-it", lambda X, W: nd.array(X), "NumPy array"),
    ("half-the-weights", models.lenet, "parameters"),
    ("half-the-weights", models.mlp, "no Conv2D"),
    ("half-the-weights", lambda: models.lenet(channels=(1,), hidden=2), "elsewhere"),
    ("scrambled", lambda X: X, "where they were"),
    ("scrambled", lambda X: X[:2], "shape"),
    ("scrambled", np.zeros_like, "keep all"),
    ("scrambled", shuffled_anew, "one and the same"),
)
