"""The exercises of `training/normalization`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers

from gluonbook.exercises.training.normalization import fold, weight_norm_grads


def by_projection(gw, g, v):
    unit = v / np.sqrt((v**2).sum())
    across = gw - (gw @ unit) * unit
    return [float(gw @ unit), g * across / np.sqrt((v**2).sum())]


def by_outputs(weight, bias, gamma, beta, mean, var, eps):
    def layer(x):
        return gamma * (weight @ x + bias - mean) / (var + eps) ** 0.5 + beta

    at_zero = layer(np.zeros(weight.shape[1]))
    return np.stack([layer(x) - at_zero for x in np.eye(weight.shape[1])], axis=1), at_zero


def test_the_gradients_are_those_of_differences_and_v_s_is_across_v():
    random, h = np.random.RandomState(1), 1e-6
    gw, v, g = random.normal(size=4), random.normal(size=4), 0.8

    def loss(g, v):
        return gw @ (g * v / np.linalg.norm(v))

    gg, gv = weight_norm_grads(gw, g, v)
    assert np.isclose(gg, (loss(g + h, v) - loss(g - h, v)) / (2 * h))
    assert np.allclose(gv, [(loss(g, v + h * e) - loss(g, v - h * e)) / (2 * h) for e in np.eye(4)])
    assert abs(gv @ v) < 1e-12


def test_a_folded_layer_gives_what_gluon_gives():
    from mxnet import nd
    from mxnet.gluon import nn

    dense, norm = nn.Dense(3, in_units=5), nn.BatchNorm(in_channels=3)
    for block in (dense, norm):
        block.initialize()
    for parameter in norm.collect_params().values():
        parameter.set_data(nd.random.uniform(0.5, 2, shape=(3,)))
    x = nd.random.normal(shape=(7, 5))
    arrays = [p.data().asnumpy() for p in (dense.weight, dense.bias, norm.gamma, norm.beta)]
    arrays += [p.data().asnumpy() for p in (norm.running_mean, norm.running_var)]
    weight, bias = fold(*arrays, eps=1e-5)
    assert np.allclose(x.asnumpy() @ weight.T + bias, norm(dense(x)).asnumpy(), atol=1e-5)


test_right_answers_are_right = right_answers(
    ("which-one-notices", ["batch", "layer", "batch", "both"]),
    ("which-one-notices", np.array(["batch", "layer", "batch", "both"])),
    ("relative-step", 0.01),
    ("propagate-abs", [0.7979, 0.6028]),
    ("weight-norm-backward", by_projection),
    ("fold-batch-norm", by_outputs),
)

test_wrong_answers_get_their_hint = hints(
    ("which-one-notices", "batch", "4 words"),
    ("which-one-notices", ("batch", "layer", "batch", "all"), "not 'all'"),
    ("which-one-notices", ("both", "layer", "batch", "both"), "(a)"),
    ("which-one-notices", ("batch", "neither", "batch", "both"), "(b)"),
    ("which-one-notices", ("batch", "layer", "neither", "both"), "(c)"),
    ("which-one-notices", ("batch", "layer", "batch", "neither"), "(d)"),
    ("propagate-abs", (0.3989, 0.5838), "two sides"),
    ("propagate-abs", (0.7979, 0.5838), "the spread of max(0, x)"),
    ("propagate-abs", (0.7979, 0.3634), "variance of |x|"),
    ("weight-norm-backward", lambda gw, g, v: gw, "two things"),
    ("weight-norm-backward", lambda gw, g, v: (gw @ v / np.linalg.norm(v), gw), "should be"),
    ("fold-batch-norm", lambda *a: a[0], "two things"),
    ("fold-batch-norm", lambda *a: (a[0][:1], a[1]), "shape"),
    ("fold-batch-norm", lambda *a: (a[0], a[1]), "What multiplies x?"),
)
