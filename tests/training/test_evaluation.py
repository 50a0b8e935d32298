from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

import runs
from gluonbook.models import mlp
from gluonbook.training.evaluation import Score, evaluate, predict

DATA = runs.digits(103)


@pytest.fixture(scope="module")
def net():
    net, _ = runs.start(ctx=[mx.cpu(0), mx.cpu(1)])
    net(mx.nd.zeros((1, 64)))
    return net


def logits_by_hand(net) -> np.ndarray:
    X, _y = DATA[:]
    return net(mx.nd.array(X)).asnumpy().astype(np.float64)


@pytest.mark.parametrize("batch_size", [1, 10, 102, 103, 1000])
@pytest.mark.parametrize("ctx", [None, mx.cpu(1), [mx.cpu(0), mx.cpu(1)]])
def test_means_are_exact_with_a_ragged_last_batch(net, batch_size, ctx):
    out, y = logits_by_hand(net), DATA[:][1]
    shifted = out - out.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]
    score = evaluate(net, DATA, batch_size=batch_size, ctx=ctx)
    assert score == Score(pytest.approx(losses.mean(), rel=1e-6), (out.argmax(axis=1) == y).mean(), 103)


@pytest.mark.parametrize("batch_size", [1, 10, 1000])
def test_predictions_keep_their_order(net, batch_size):
    np.testing.assert_allclose(predict(net, DATA, batch_size=batch_size), logits_by_hand(net), rtol=1e-5, atol=1e-6)


def test_predict_takes_samples_without_labels(net):
    X, _ = DATA[:]
    np.testing.assert_array_equal(predict(net, gluon.data.ArrayDataset(X)), predict(net, DATA))
    np.testing.assert_array_equal(predict(net, X), predict(net, DATA))


def test_dropout_is_off(net):
    assert evaluate(net, DATA) == evaluate(net, DATA)


def test_regression_has_a_loss_and_no_accuracy():
    net = mlp(hidden=(), classes=1)
    net.initialize(mx.init.One())
    X = np.array([[1.0], [2.0], [4.0]], "float32")
    data = gluon.data.ArrayDataset(X, np.zeros(3, "float32"))
    assert evaluate(net, data, loss=gluon.loss.L2Loss()) == Score(pytest.approx((1 + 4 + 16) / 6), None, 3)
    two = mlp(hidden=(), classes=2)
    two.initialize(mx.init.One())
    data = gluon.data.ArrayDataset(X, np.zeros((3, 2), "float32"))
    assert evaluate(two, data, loss=gluon.loss.L2Loss()).accuracy is None


@pytest.mark.parametrize(("dtype", "least"), [("float16", 2e-3), ("float32", 2e-7), ("float64", 1e-9)])
def test_scores_are_compared_in_their_own_precision(dtype, least):
    net = gluon.nn.Activation("relu")
    one_by_one = mlp(hidden=(), classes=2)
    one_by_one.initialize()
    X = np.array([[1, 1 + least], [1 + least, 1]], dtype)
    net.register_child(one_by_one)  # a net has parameters
    assert evaluate(net, gluon.data.ArrayDataset(X, np.array([1, 0]))).accuracy == 1


def test_bad_arguments(net):
    with pytest.raises(ValueError, match="the dataset is empty"):
        evaluate(net, gluon.data.ArrayDataset(np.zeros((0, 64), "float32"), np.zeros(0)))
    with pytest.raises(ValueError, match="the dataset is empty"):
        predict(net, np.zeros((0, 64), "float32"))
    with pytest.raises(ValueError, match=r"one value a sample, shape \(103,\), got \(1,\)"):
        evaluate(net, DATA, loss=lambda out, y: gluon.loss.SoftmaxCrossEntropyLoss()(out, y).mean(), ctx=mx.cpu(0))
    with pytest.raises(ValueError, match=r"ctx is \[cpu\(2\)\], and net lives on \[cpu\(0\), cpu\(1\)\]"):
        evaluate(net, DATA, ctx=mx.cpu(2))
    with pytest.raises(ValueError, match="net has no parameters"):
        evaluate(gluon.nn.Flatten(), DATA)
