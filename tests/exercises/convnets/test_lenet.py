"""The exercises of `convnets/lenet`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from mxnet import nd

from gluonbook import models


def correlate(X, W):
    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(X, W.shape), W)


def three_only(X, W):
    return correlate(X, W) if len(W) == 3 else correlate(X, np.zeros((3, 3)))


def shuffled_anew(X):
    return np.random.permutation(X.reshape(len(X), -1).T).T.reshape(X.shape)


def shuffled_by(seed):
    return lambda X: X.reshape(len(X), -1)[:, np.random.RandomState(seed(X)).permutation(X[0].size)].reshape(X.shape)


def smoothed(out, y):
    K = out.shape[1]
    target = 0.9 * nd.one_hot(y, K) + 0.1 / K
    return -(target * nd.log(nd.softmax(out))).sum(axis=1)


test_right_answers_are_right = right_answers(
    ("places", lambda n, k, p, s: len(range(0, n + 2 * p - k + 1, s))),
    ("smoothed", smoothed),
    ("scrambled", lambda X: X[:, :, ::-1]),
    ("scrambled", shuffled_by(lambda X: X.shape[-1])),
    ("worth-of-neighbours", np.float64(-0.003)),
)


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
    ("scrambled", shuffled_by(len), "one and the same"),
    ("scrambled", shuffled_by(lambda X: int(X.max())), "one and the same"),
    ("scrambled", shuffled_by(lambda X: int(X[0].sum())), "one and the same"),
    ("worth-of-neighbours", 0.3, "not what one measures"),
    ("worth-of-neighbours", 1.3, "one per cent is 0.01"),
    ("places", lambda n, k, p, s: 7, "places; you have 7"),
    ("smoothed", lambda out, y: smoothed(out, y).asnumpy(), "NDArray"),
    ("smoothed", lambda out, y: smoothed(out, y).mean(), "5 losses"),
    ("smoothed", lambda out, y: 0 * y, "Try out = 0"),
)
