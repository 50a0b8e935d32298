"""The exercises of `training/initialization`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from mxnet.gluon import nn


def by_powers(side, window):
    """The largest eigenvalue as the growth of a vector."""
    v = np.ones(side)
    for _ in range(400):
        summed = np.convolve(v, np.ones(window))[window // 2 : window // 2 + side] / window
        v, growth = summed / np.linalg.norm(summed), np.linalg.norm(summed) / np.linalg.norm(v)
    return growth**2


def one_by_one(net, X):
    """Each layer by all of the net before it."""
    for place, layer in enumerate(net):
        if isinstance(layer, nn.Dense):
            out = X
            for other in list(net)[: place + 1]:
                out = other(out)
            layer.weight.data()[:] /= out.asnumpy().std()


def all_at_once(net, X):
    seen = []
    for layer in net:
        X = layer(X)
        seen.append(X.asnumpy().std())
    for layer, deviation in zip(net, seen):
        if isinstance(layer, nn.Dense):
            layer.weight.set_data(layer.weight.data() / deviation)


def drawn_anew(net, X):
    random = np.random.RandomState(1)
    for layer in net:
        if isinstance(layer, nn.Dense):
            layer.weight.set_data(random.normal(0, layer.weight.shape[1] ** -0.5, layer.weight.shape))


def moves_biases(net, X):
    for layer in net:
        if isinstance(layer, nn.Dense):
            layer.weight.set_data(layer.weight.data() / layer(X).asnumpy().std())
            layer.bias.set_data(layer.bias.data() + 1)
        X = layer(X)


test_right_answers_are_right = right_answers(
    ("nine-linear-layers", 1.4e-6),
    ("he-evenly", 6.0),
    ("leaky-gain", lambda slope: np.sqrt(2.0) / np.hypot(1, slope)),
    ("wider-windows", by_powers),
    ("level-layers", one_by_one),
)

test_wrong_answers_get_their_hint = hints(
    ("nine-linear-layers", 0.05**9, "That is the variance"),
    ("nine-linear-layers", 5**9, "Variances add up"),
    ("nine-linear-layers", 0.05**5, "behind ten layers"),
    ("he-evenly", 3, "variance 1/n"),
    ("leaky-gain", lambda slope: 1.0, "For a slope of 0.0"),
    ("wider-windows", lambda side, window: 1.0, "For side 4 and window 3"),
    ("level-layers", lambda net, X: None, "are what they were"),
    ("level-layers", all_at_once, "what the mended layers before it give"),
    ("level-layers", drawn_anew, "proportions"),
    ("level-layers", moves_biases, "Leave the biases at 0"),
    ("level-layers", lambda net, X: net[0].weight.set_data(net[0].weight.data() * 2), "dense layer 1 of 4"),
)
