"""Gradients of single samples: equal to as many backward passes."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.gluon import nn

from gluonbook.theory import per_sample_gradients
from gluonbook.training import FlatNet


def build(*layers):
    mx.random.seed(0)
    net = nn.HybridSequential()
    net.add(*layers)
    net.initialize(mx.init.Xavier())
    return net


X = mx.nd.array(np.random.RandomState(0).normal(size=(6, 1, 2, 3)))
y = mx.nd.array([0, 1, 2, 3, 0, 1])


@pytest.mark.parametrize(
    "loss", [None, lambda out, y: ((out - y.expand_dims(1)) ** 2).sum(axis=1)], ids=["cross-entropy", "squares"]
)
@pytest.mark.parametrize("hybrid", [False, True])
def test_as_many_backward_passes_give_the_same(loss, hybrid):
    net = build(nn.Dense(5, use_bias=False), nn.Activation("tanh"), nn.Dense(3), nn.Activation("relu"), nn.Dense(4))
    net(X)
    if hybrid:
        net.hybridize()
    G = per_sample_gradients(net, X, y, loss)
    for i in range(6):
        with autograd.record():
            value = (loss or gluon.loss.SoftmaxCrossEntropyLoss())(net(X[i : i + 1]), y[i : i + 1])
        value.backward()
        one = np.concatenate([p.grad().asnumpy().ravel() for p in net._collect_params_with_prefix().values()])
        assert G[i] == pytest.approx(one, rel=1e-5, abs=1e-6)  # numbers of 32 bits, summed in another order
    assert G.shape == (6, 5 * 6 + 5 * 3 + 3 + 3 * 4 + 4)


def test_a_shared_parameter_counts_once_and_a_fixed_one_not_at_all():
    twice = nn.Dense(6)
    net = build(twice, nn.Activation("tanh"), twice, nn.Dense(6, params=twice.params), nn.Dense(4))
    net(X)
    net[4].bias.grad_req = "null"
    G = per_sample_gradients(net, X, y)
    assert G.shape == (6, 6 * 6 + 6 + 4 * 6)
    flat = FlatNet(net, X, y)
    assert G.mean(axis=0) == pytest.approx(flat.grad(flat.weights), rel=1e-5, abs=1e-6)
    assert per_sample_gradients(net, X.astype("float64"), y).dtype == np.float64


@pytest.mark.parametrize("req", ["write", "add"])
@pytest.mark.parametrize("hybrid", [False, True])
def test_gradients_that_the_parameters_hold_stay(req, hybrid):
    net = build(nn.Dense(5), nn.Activation("tanh"), nn.Dense(4))
    net(X)
    if hybrid:
        net.hybridize()
    for parameter in net.collect_params().values():
        parameter.grad_req = req
        parameter.grad()[:] = 7
    per_sample_gradients(net, X, y)
    assert all((parameter.grad() == 7).asnumpy().all() for parameter in net.collect_params().values())


class Residual(nn.HybridSequential):
    def hybrid_forward(self, F, x):
        return x + super().hybrid_forward(F, x)


class Doubled(nn.Dense):
    def hybrid_forward(self, F, x, weight, bias=None):
        return 2 * super().hybrid_forward(F, x, weight, bias)


def test_a_subclass_that_computes_something_else_is_refused():
    with pytest.raises(ValueError, match=r"that computes nothing else, got Residual\("):
        per_sample_gradients(Residual(), X, y)
    with pytest.raises(ValueError, match=r"without activation, got Doubled\("):
        per_sample_gradients(build(Doubled(4)), X, y)


def test_what_it_cannot_do_is_refused():
    net = build(nn.Dense(4, activation="relu"))
    with pytest.raises(ValueError, match=r"nn.Dense without activation, got Dense\("):
        per_sample_gradients(net, X, y)
    with pytest.raises(ValueError, match="got BatchNorm"):
        per_sample_gradients(build(nn.BatchNorm()), X, y)
    with pytest.raises(ValueError, match=r"one vector a sample, got \(6, 1, 2, 4\)"):
        per_sample_gradients(build(nn.Dense(4, flatten=False)), X, y)
    with pytest.raises(ValueError, match="no parameters"):
        per_sample_gradients(build(nn.Flatten()), X, y)
    with pytest.raises(ValueError, match=r"shape \(6,\), got \(1,\)"):
        per_sample_gradients(build(nn.Dense(4)), X, y, lambda out, y: out.mean())
