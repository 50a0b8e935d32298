from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.gluon import nn

import runs
from gluonbook.models import lenet, mlp
from gluonbook.training import evaluate, fit, set_seed


@pytest.mark.parametrize("size", [4, 8, 28, 33])
@pytest.mark.parametrize("hybrid", [False, True])
def test_lenet_takes_images_of_any_size(size, hybrid):
    net = lenet(classes=7)
    net.initialize()
    if hybrid:
        net.hybridize()
    assert net(mx.nd.zeros((2, 3, size, size))).shape == (2, 7)


def test_lenet_has_the_layers_it_promises():
    net = lenet(channels=(6, 16), hidden=84, activation="relu")
    assert isinstance(net, nn.HybridSequential)
    net.initialize()
    net(mx.nd.zeros((1, 1, 28, 28)))
    shapes = [parameter.shape for name, parameter in net.collect_params().items() if name.endswith("weight")]
    assert shapes == [(6, 1, 5, 5), (16, 6, 5, 5), (84, 16 * 7 * 7), (10, 84)]


def test_nets_come_back_uninitialised():
    for net in (lenet(), mlp()):
        with pytest.raises(RuntimeError, match="has not been initialized"):
            net(mx.nd.zeros((1, 1, 8, 8)))


def test_lenet_learns_the_digits():
    everything = runs.digits(1797)
    order = np.random.RandomState(0).permutation(1797)
    X, y = everything[:]
    train = gluon.data.ArrayDataset(X[order[:1500]], y[order[:1500]])
    test = gluon.data.ArrayDataset(X[order[1500:]], y[order[1500:]])
    set_seed(0)
    net = lenet()
    net.initialize(mx.init.Xavier())
    net.hybridize()
    fit(net, gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 2e-3}), train, epochs=8, batch_size=32)
    assert evaluate(net, test).accuracy >= 0.95


@pytest.mark.parametrize("hidden", [(), (5,), (7, 6, 5)])
def test_mlp_shapes(hidden):
    net = mlp(hidden=hidden, classes=3, activation="tanh")
    net.initialize()
    assert net(mx.nd.zeros((4, 1, 2, 3))).shape == (4, 3)
    shapes = [parameter.shape for name, parameter in net.collect_params().items() if name.endswith("weight")]
    assert shapes == list(zip((*hidden, 3), (6, *hidden)))


def test_mlp_dropout_is_there_only_when_asked_for():
    assert not any(isinstance(layer, nn.Dropout) for layer in mlp(hidden=(5, 5)))
    net = mlp(hidden=(50,), dropout=0.5)
    net.initialize()
    X = mx.nd.ones((1, 4))
    with autograd.train_mode():
        assert (net(X) != net(X)).sum().asscalar() > 0
    assert (net(X) == net(X)).min().asscalar() == 1


@pytest.mark.parametrize("dropout", [-0.1, 1.0, 2])
def test_bad_dropout_is_named(dropout):
    with pytest.raises(ValueError, match=rf"dropout must be a number in \[0, 1\), got {dropout}"):
        mlp(dropout=dropout)
