"""A net as a function of one vector: its value, its gradient, and what it refuses."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon, nd
from mxnet.gluon import nn

from gluonbook import models
from gluonbook.theory import hessian, per_sample_gradients
from gluonbook.training import FlatNet, set_seed

X = nd.array(np.random.RandomState(0).normal(size=(6, 4)))
y = nd.array([0, 1, 2, 0, 1, 2])


def build(*layers, ctx=None):
    set_seed(0)
    net = nn.HybridSequential()
    net.add(*layers)
    net.initialize(mx.init.Xavier(), ctx=ctx)
    return net


def test_the_gradient_is_that_of_differences_and_the_mean_over_samples():
    net = build(nn.Dense(5), nn.Activation("tanh"), nn.Dense(3))
    flat = FlatNet(net, X, y)
    w = flat.weights
    assert w.shape == (5 * 4 + 5 + 3 * 5 + 3,)
    v = np.random.RandomState(1).normal(size=w.size)
    slope = (flat.loss(w + 1e-6 * v) - flat.loss(w - 1e-6 * v)) / 2e-6
    assert flat.grad(w) @ v == pytest.approx(slope, rel=1e-7)
    flat.grad(w)
    each = per_sample_gradients(net, X.astype("float64"), y)
    assert flat.grad(w) == pytest.approx(each.mean(axis=0), rel=1e-10)


def test_what_was_asked_about_is_in_the_net():
    net = build(nn.Dense(3))
    flat = FlatNet(net, X, y)
    w = np.arange(15.0)
    flat.loss(w)
    assert np.array_equal(flat.weights, w)
    assert np.array_equal(net[0].weight.data().asnumpy(), w[:12].reshape(3, 4))


def test_ten_layers_stay_in_their_order():
    """`collect_params` sorts dense10 before dense9."""
    net = build(*(nn.Dense(3, use_bias=False) for _ in range(12)))
    flat = FlatNet(net, X, y)
    parts = np.split(flat.weights, [12 + 9 * i for i in range(11)])
    for layer, part in zip(net, parts):
        assert np.array_equal(layer.weight.data().asnumpy().ravel(), part)


def test_second_derivatives_of_a_softmax_are_those_on_paper():
    """One layer without bias: H = (1/n) Σ (diag p − p pᵀ) ⊗ x xᵀ, where MXNet's own second derivative is 0."""
    flat = FlatNet(build(nn.Dense(3, use_bias=False)), X, y)
    w, x = flat.weights, X.asnumpy().astype(float)
    p = np.exp(x @ w.reshape(3, 4).T)
    p /= p.sum(axis=1, keepdims=True)
    inner = np.einsum("ni,ij->nij", p, np.eye(3)) - np.einsum("ni,nj->nij", p, p)
    wanted = np.einsum("nij,na,nb->iajb", inner, x, x).reshape(12, 12) / 6
    assert hessian(flat.grad, w) == pytest.approx(wanted, abs=1e-8)


def test_shared_and_fixed_parameters_count_once_or_not():
    first = nn.Dense(4, in_units=4, flatten=False)
    net = build(first, nn.Dense(4, in_units=4, params=first.params), nn.BatchNorm(), nn.Dense(3))
    net[3].bias.grad_req = "null"
    flat = FlatNet(net, X, y)
    assert flat.weights.size == 4 * 4 + 4 + 2 * 4 + 3 * 4


def test_a_loss_of_ones_own():
    flat = FlatNet(build(nn.Dense(1)), X, y, gluon.loss.L2Loss())
    assert flat.loss(np.zeros(5)) == pytest.approx(np.mean(y.asnumpy() ** 2) / 2)


def test_what_it_cannot_flatten_is_refused():
    with pytest.raises(ValueError, match="no parameters"):
        FlatNet(build(nn.Flatten()), X, y)
    net = models.mlp((3,), 3)
    net.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    with pytest.raises(ValueError, match="on one device"):
        FlatNet(net, X, y)
    net = build(nn.Dense(3))
    net.collect_params().setattr("grad_req", "add")
    with pytest.raises(ValueError, match="grad_req='add'"):
        FlatNet(net, X, y)
    with pytest.raises(ValueError, match=r"shape \(15,\), got \(3,\)"):
        FlatNet(build(nn.Dense(3)), X, y).grad(np.zeros(3))
