from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd

from gluonbook.forecast import MatrixForecaster, SideBySide, TensorTrainForecaster
from gluonbook.series import logistic_map, windows
from gluonbook.training import set_seed

CASES = [
    (MatrixForecaster, {"gates": 1}),
    (MatrixForecaster, {"gates": 4}),
    (TensorTrainForecaster, {"gates": 1, "lags": 1, "order": 2, "rank": 3}),
    (TensorTrainForecaster, {"gates": 4, "lags": 2, "order": 2, "rank": 2}),
    (TensorTrainForecaster, {"gates": 4, "lags": 3, "order": 4, "rank": 2}),
]


def made(kind, units=5, read=3, ahead=4, seed=0, **options):
    set_seed(seed)
    net = kind(units, read, ahead, **options)
    net.initialize(mx.init.Normal(0.5))
    return net


def batch(rows=6, length=7):
    return np.random.RandomState(1).uniform(-1, 1, size=(rows, length)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(net, X):
    """What the class says, in float64 and with all products of states written out."""
    value = {name: parameter.data().asnumpy().astype("float64") for name, parameter in net._reg_params.items()}
    lags = net.state_length()
    states = [np.zeros((len(X), net.units))] * lags
    cell, forecast, out = np.zeros((len(X), net.units)), None, []
    for t in range(net.read + net.ahead - 1):
        x = X[:, t : t + 1] if t < net.read else forecast
        if isinstance(net, MatrixForecaster):
            a = np.concatenate([x, states[0]], axis=1) @ value["weight"].T + value["bias"]
        else:
            s = np.concatenate([np.ones((len(X), 1)), *states], axis=1)
            cores = [core.astype("float64") for core in net.cores()]
            full, product = cores[0][0], s
            for core in cores[1:]:
                full = np.tensordot(full, core, axes=1)
                product = np.einsum("z...,zi->z...i", product, s)
            places = list(range(net.order))
            a = np.stack([np.tensordot(one, full, axes=(places, places)) for one in product])
            a = a + x @ value["weight"].T + value["bias"]
        if net.gates == 1:
            newest = np.tanh(a)
        else:
            enter, forget, candidate, leave = np.split(a, 4, axis=1)
            cell = sigmoid(forget + 1) * cell + sigmoid(enter) * np.tanh(candidate)
            newest = sigmoid(leave) * np.tanh(cell)
        states = [newest, *states[:-1]]
        forecast = newest @ value["out_weight"].T + value["out_bias"]
        if t >= net.read - 1:
            out.append(forecast)
    return np.concatenate(out, axis=1)


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_it_forecasts_what_its_formulas_say(kind, options, hybrid):
    net, X = made(kind, **options), batch()
    if hybrid:
        net.hybridize(static_alloc=True, static_shape=True)
    out = net(nd.array(X)).asnumpy()
    assert out.shape == (6, 4)
    np.testing.assert_allclose(out, by_hand(net, X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_what_comes_after_the_values_read_is_not_looked_at(kind, options):
    net, X = made(kind, **options), batch()
    changed = X.copy()
    changed[:, 3:] = 9
    seen = net(nd.array(X))
    assert np.array_equal(seen.asnumpy(), net(nd.array(changed)).asnumpy())
    assert np.array_equal(seen.asnumpy(), net(nd.array(X[:, :3])).asnumpy())
    changed[:, 2] = 9
    assert not np.allclose(seen.asnumpy(), net(nd.array(changed)).asnumpy())


def test_the_contraction_is_that_of_the_whole_tensor_which_it_never_forms():
    net = made(TensorTrainForecaster, units=5, lags=2, order=3, rank=2)
    s = np.random.RandomState(2).normal(size=(4, 11)).astype("float32")
    got = net.contract(nd.array(s)).asnumpy()
    first, middle, last = net.cores()
    full = np.einsum("aib,bjc,ckg->ijkg", first, middle, last)
    right = np.einsum("ijkg,zi,zj,zk->zg", full, s, s, s)
    assert np.linalg.norm(got - right) <= 1e-5 * np.linalg.norm(right)
    assert (sum(core.size for core in net.cores()), full.size) == (506, 26_620)


@pytest.mark.parametrize(
    ("net", "size"),
    [
        (MatrixForecaster(14, 4, 5), 4 * 14 * 16 + 15),
        (MatrixForecaster(29, 4, 5, 1), 29 * 31 + 30),
        (TensorTrainForecaster(7, 4, 5), 15 * 2 + 15 * 2 * 28 + 2 * 28 + 8),
        (TensorTrainForecaster(5, 4, 5, 1, lags=3, order=4, rank=3), 16 * 3 + 2 * 16 * 9 + 16 * 3 * 5 + 2 * 5 + 6),
    ],
)
def test_it_has_as_many_numbers_as_it_says(net, size):
    assert net.size == size


def test_a_train_of_degree_two_can_learn_a_quadratic_map():
    set_seed(0)
    X = 2 * windows(logistic_map(600, np.random.RandomState(0)), 4) - 1
    net = TensorTrainForecaster(7, 3, 1)
    net.initialize(mx.init.Xavier())
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.03})
    data, random = nd.array(X), np.random.RandomState(0)
    for _ in range(300):
        rows = data.take(nd.array(random.randint(0, len(X), 64)))
        with autograd.record():
            loss = ((net(rows) - rows[:, 3:]) ** 2).mean()
        loss.backward()
        trainer.step(1)
    error = np.sqrt(((net(data).asnumpy() - X[:, 3:]) ** 2).mean())
    assert error <= 0.35  # the series itself has a standard deviation of 0.7


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: MatrixForecaster(0, 4, 5), "units must be a whole number from 1, got 0"),
        (lambda: MatrixForecaster(5, 0, 5), "read must be a whole number from 1, got 0"),
        (lambda: MatrixForecaster(5, 4, 2.5), "ahead must be a whole number from 1, got 2.5"),
        (lambda: MatrixForecaster(5, 4, 5, 3), r"gates must be 1 \(tanh\) or 4 \(LSTM\), got 3"),
        (lambda: TensorTrainForecaster(5, 4, 5, lags=0), "lags must be a whole number from 1, got 0"),
        (lambda: TensorTrainForecaster(5, 4, 5, order=1), "order must be a whole number from 2, got 1"),
        (lambda: TensorTrainForecaster(5, 4, 5, rank=0), "rank must be a whole number from 1, got 0"),
    ],
)
def test_what_is_wrong_is_told(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def learnt(net, batches, length):
    """The net after a few steps of Adam, with the mean loss of each member."""
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.05, "clip_gradient": 0.1}, kvstore=None)
    for batch in batches:
        rows = nd.array(batch)
        with autograd.record():
            loss = ((net(rows) - rows.slice_axis(-1, length, None)) ** 2).mean(axis=(-2, -1))
        loss.backward()
        trainer.step(1)
    return net


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_members_side_by_side_learn_what_each_would_learn_alone(kind, options):
    batches = np.random.RandomState(3).uniform(-1, 1, size=(6, 3, 5, 7)).astype("float32")
    alone = [learnt(made(kind, seed=seed, **options), batches[:, seed], 3) for seed in range(3)]
    nets = [made(kind, seed=seed, **options) for seed in range(3)]
    before = [net(nd.array(batch(4))).asnumpy() for net in nets]
    together = SideBySide(nets)
    together.hybridize(static_alloc=True, static_shape=True)
    apart = learnt(together, batches, 3).apart()
    assert all(a is b for a, b in zip(apart, nets)) and len(apart) == 3
    X = nd.array(batch(4))
    all_at_once = together(nd.stack(X, X, X)).asnumpy()
    for one, net, old, row in zip(alone, apart, before, all_at_once):
        got = net(X).asnumpy()
        np.testing.assert_allclose(got, one(X).asnumpy(), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(row, got, rtol=1e-4, atol=1e-5)
        assert np.abs(got - old).max() > 0.005


def test_what_stands_side_by_side_shares_nothing():
    nets = [made(MatrixForecaster, seed=seed) for seed in range(2)]
    together, X = SideBySide(nets), np.stack([batch(), batch()])
    seen = together(nd.array(X)).asnumpy()
    X[1] += 0.5
    changed = together(nd.array(X)).asnumpy()
    assert np.array_equal(seen[0], changed[0])
    assert not np.allclose(seen[1], changed[1])
    assert len(together.collect_params().keys()) == 4  # the members' own are not among them


def test_what_stands_side_by_side_has_the_members_dtype_and_learns_as_they_would():
    nets = [made(MatrixForecaster, seed=seed) for seed in range(2)]
    for net in nets:
        net.cast("float64")
        net.bias.grad_req, net.weight.lr_mult, net.weight.wd_mult = "null", 0.5, 0.0
    together, X = SideBySide(nets), nd.array(batch(), dtype="float64")
    assert np.array_equal(together.weight.data()[1].asnumpy(), nets[1].weight.data().asnumpy())
    np.testing.assert_allclose(together(nd.stack(X, X))[1].asnumpy(), nets[1](X).asnumpy(), rtol=1e-12)
    assert (together.bias.grad_req, together.weight.lr_mult, together.weight.wd_mult) == ("null", 0.5, 0.0)
    nets[1].weight.lr_mult = 1.0
    with pytest.raises(ValueError, match="must be alike, got"):
        SideBySide(nets)


def test_only_what_is_alike_stands_side_by_side():
    with pytest.raises(ValueError, match="no members"):
        SideBySide([])
    one = made(MatrixForecaster)
    others = (made(MatrixForecaster, units=6), made(MatrixForecaster, ahead=5), made(MatrixForecaster, gates=1))
    for other in (*others, made(TensorTrainForecaster)):
        with pytest.raises(ValueError, match="must be alike, got"):
            SideBySide([one, other])
