"""The bound on a net's slopes beside slopes, and the step that keeps it."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.gluon import contrib, nn

import runs
from gluonbook import lipschitz, models
from gluonbook.training import PlainStep, fit, set_seed

X = np.random.RandomState(0).normal(size=(40, 3)).astype("float32")
DATA = list(zip(X, np.tanh(3 * X[:, :1] * X[:, 1:2])))
RUN = {"epochs": 3, "batch_size": 10, "seed": 1, "loss": gluon.loss.L2Loss()}


def net(scale=1.0, hidden=(8, 6), activation="relu", ctx=None):
    set_seed(3)
    made = models.mlp(hidden, classes=1, activation=activation, dropout=0.1)
    made.initialize(mx.init.Normal(scale), ctx=ctx)
    for device in ctx or [mx.cpu()]:
        made(mx.nd.zeros((1, 3), ctx=device))
    return made


def weights(made):
    return [layer.weight.data().asnumpy() for layer in lipschitz.dense_layers(made)]


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softrelu", "softsign"])
def test_no_gradient_is_longer_than_the_bound(activation):
    made, x = net(activation=activation), mx.nd.array(10 * X)
    x.attach_grad()
    with autograd.record(train_mode=False):
        out = made(x).sum()
    out.backward()
    assert 0 < x.grad.norm(axis=1).max().asscalar() <= lipschitz.bound(made) * (1 + 1e-5)


def test_the_bound_of_one_layer_is_reached():
    made = nn.Dense(4, in_units=3)
    made.initialize(mx.init.Normal(1))
    (W,) = weights(made)
    direction = np.linalg.svd(W)[2][0]
    assert np.linalg.norm(W @ direction) == pytest.approx(lipschitz.bound(made), rel=1e-5)


def test_the_bound_is_a_product():
    made = net()
    assert lipschitz.bound(made) == pytest.approx(np.prod([np.linalg.svd(W)[1][0] for W in weights(made)]), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.25, 1, 16])
def test_limit_keeps_the_bound_and_directions(gamma):
    made = net()
    before = weights(made)
    lipschitz.limit(made, gamma)
    assert lipschitz.bound(made) <= gamma * (1 + 1e-6)
    for old, new in zip(before, weights(made)):
        norm = np.linalg.norm(old, 2)
        assert new == pytest.approx(old * min(1, gamma ** (1 / 3) / norm), rel=1e-5)


def test_what_is_within_keeps_its_bits():
    made = net(scale=0.01)
    before = weights(made)
    lipschitz.limit(made, 1)
    assert all((old == new).all() for old, new in zip(before, weights(made)))


def test_one_layer_may_be_within_and_another_not():
    made = net(scale=0.01)
    made[0].weight.set_data(100 * mx.nd.ones((8, 3)))
    second = weights(made)[1]
    lipschitz.limit(made, 1)
    assert np.linalg.norm(weights(made)[0], 2) == pytest.approx(1, rel=1e-5)
    assert (weights(made)[1] == second).all()


def test_all_devices_get_the_same():
    ctx = [mx.cpu(0), mx.cpu(1)]
    made = net(ctx=ctx)
    lipschitz.limit(made, 1)
    for layer in lipschitz.dense_layers(made):
        one, other = (copy.asnumpy() for copy in layer.weight.list_data())
        assert (one == other).all()


def test_nested_nets_and_other_gentle_layers_are_known():
    inner = nn.HybridSequential()
    inner.add(nn.Dense(4, in_units=3), nn.Activation("tanh"))
    made = nn.Sequential()
    made.add(nn.Flatten(), inner, nn.Dropout(0.5), nn.Dense(2, in_units=4))
    made.initialize()
    assert [layer._units for layer in lipschitz.dense_layers(made)] == [4, 2]


@pytest.mark.parametrize("layer", [nn.Conv2D(3, 3), nn.BatchNorm(), nn.GELU(), nn.LeakyReLU(0.1), nn.LayerNorm()])
def test_a_layer_of_which_it_says_nothing_is_refused(layer):
    made = nn.HybridSequential()
    made.add(nn.Dense(3, in_units=3), layer)
    made.initialize()
    with pytest.raises(ValueError, match="no bound here"):
        lipschitz.bound(made)


class Tenfold(nn.HybridSequential):
    def hybrid_forward(self, F, x):
        return 10 * super().hybrid_forward(F, x)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Called(nn.HybridSequential):
    def __call__(self, *args):
        return 10 * super().__call__(*args)


class SteepDense(nn.Dense):
    def hybrid_forward(self, F, x, **parameters):
        return 10 * super().hybrid_forward(F, x, **parameters)


class SteepActivation(nn.Activation):
    def hybrid_forward(self, F, x):
        return 10 * super().hybrid_forward(F, x)


class SteepDropout(nn.Dropout):
    def forward(self, x):
        return 10 * super().forward(x)


@pytest.mark.parametrize(
    "layer",
    [
        *(Tenfold(), Residual(), Called(), contrib.nn.HybridConcurrent()),
        *(SteepDense(3, in_units=3), SteepActivation("relu"), SteepDropout(0.5)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_subclass_that_computes_something_else_is_refused(layer):
    made = nn.Sequential()
    made.add(nn.Dense(3, in_units=3), layer)
    made.initialize()
    with pytest.raises(ValueError, match=rf"net has the layer {type(layer).__name__}\([^;]* no bound here"):
        lipschitz.bound(made)


def test_so_is_a_block_whose_forward_has_been_replaced():
    made = nn.Dense(3, in_units=3)
    made.initialize()
    made.forward = lambda x: 10 * x
    with pytest.raises(ValueError, match="no bound here"):
        lipschitz.bound(made)


def test_a_subclass_that_only_builds_is_a_chain():
    class Net(nn.HybridSequential):
        def __init__(self):
            super().__init__()
            self.add(nn.Dense(3, in_units=3), nn.Dense(2, in_units=3))

    made = Net()
    made.initialize()
    made.hybridize()
    assert lipschitz.bound(made) == pytest.approx(np.prod([np.linalg.norm(W, 2) for W in weights(made)]))


def test_a_net_without_dense_layers_or_values_is_refused():
    with pytest.raises(ValueError, match="a dense layer"):
        lipschitz.bound(nn.HybridSequential())
    waiting = nn.Dense(3)
    waiting.initialize()
    with pytest.raises(ValueError, match="no values yet"):
        lipschitz.limit(waiting, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_bound_and_keeps_its_bits(bad):
    made = net()
    lost, *others = (layer.weight for layer in lipschitz.dense_layers(made))
    lost.set_data(bad * mx.nd.ones(lost.shape))
    assert np.isnan(lipschitz.bound(made))
    lipschitz.limit(made, 1)
    np.testing.assert_array_equal(lost.data().asnumpy(), np.full(lost.shape, bad, np.float32))
    assert all(np.linalg.norm(other.data().asnumpy(), 2) <= 1 + 1e-6 for other in others)


@pytest.mark.parametrize("gamma", [0, -1, float("nan"), float("inf"), "1"])
def test_gamma_is_refused_before_anything_moves(gamma):
    made = net()
    before = weights(made)
    with pytest.raises(ValueError, match="gamma"):
        lipschitz.limit(made, gamma)
    with pytest.raises(ValueError, match="gamma"):
        lipschitz.Limited(gamma)
    assert all((old == new).all() for old, new in zip(before, weights(made)))


class TestLimited:
    def trainer(self, made, **options):
        return gluon.Trainer(made.collect_params(), "adam", {"learning_rate": 0.05}, **options)

    def test_is_training_and_then_the_limit_at_each_step(self):
        """Beside a loop of one's own, which limits after each step: equal bit for bit."""
        from gluonbook.training import ShuffledBatches

        one, other = net(), net()
        for made in (one, other):
            for child in list(made):
                if isinstance(child, nn.Dropout):
                    child._rate = 0
        fit(one, self.trainer(one), DATA, step=lipschitz.Limited(1.0), **RUN)
        trainer, batches = self.trainer(other), ShuffledBatches(len(DATA), 10, 1)
        for epoch in range(RUN["epochs"]):
            batches.epoch = epoch
            for rows in batches:
                x, y = (mx.nd.array(np.stack(part)) for part in zip(*(DATA[i] for i in rows)))
                with autograd.record():
                    loss = RUN["loss"](other(x), y)
                loss.backward()
                trainer.step(len(rows))
                lipschitz.limit(other, 1.0)
        assert all((a == b).all() for a, b in zip(weights(one), weights(other)))

    def test_the_trained_net_keeps_the_bound_and_without_it_would_not(self):
        limited, free = net(), net()
        fit(limited, self.trainer(limited), DATA, step=lipschitz.Limited(1.0), **RUN)
        fit(free, self.trainer(free), DATA, **RUN)
        assert lipschitz.bound(limited) <= 1 + 1e-6
        assert lipschitz.bound(free) > 2

    def test_a_run_that_diverges_ends_as_with_any_step(self):
        def run(**options):
            made = net()
            trainer = gluon.Trainer(made.collect_params(), "sgd", {"learning_rate": 1e38})
            return fit(made, trainer, DATA, step=lipschitz.Limited(1.0), **RUN, **options)

        assert run(may_diverge=True)["train_loss"].tolist() == [np.inf]
        with pytest.raises(FloatingPointError):
            run()

    def test_a_run_goes_on_exactly(self, tmp_path):
        whole, parts = net(), net()
        fit(whole, self.trainer(whole), DATA, step=lipschitz.Limited(1.0), **RUN)
        for epochs in (1, 3):
            run = {**RUN, "epochs": epochs}
            parts = net()
            trainer = self.trainer(parts)
            runs.break_after(trainer, (1 if epochs == 1 else 2) * -(-len(DATA) // RUN["batch_size"]))
            fit(parts, trainer, DATA, step=lipschitz.Limited(1.0), checkpoints=tmp_path, **run)
        assert all((a == b).all() for a, b in zip(weights(whole), weights(parts)))

    def test_another_gamma_is_another_run(self, tmp_path):
        def run(gamma):
            made = net()
            fit(made, self.trainer(made), DATA, step=lipschitz.Limited(gamma), checkpoints=tmp_path, **RUN)

        run(1.0)
        with pytest.raises(ValueError, match=r"gamma=2.0, there 1.0"):
            run(2.0)

    def test_several_devices(self):
        ctx = [mx.cpu(0), mx.cpu(1)]
        made = net(ctx=ctx)
        trainer = self.trainer(made, update_on_kvstore=False)
        fit(made, trainer, DATA, ctx=ctx, step=lipschitz.Limited(1.0), **RUN)
        assert lipschitz.bound(made) <= 1 + 1e-6

    def test_a_store_that_runs_the_optimizer_is_refused(self):
        ctx = [mx.cpu(0), mx.cpu(1)]
        made = net(ctx=ctx)
        with pytest.raises(ValueError, match="update_on_kvstore=False"):
            fit(made, self.trainer(made, update_on_kvstore=True), DATA, ctx=ctx, step=lipschitz.Limited(1.0), **RUN)

    def test_a_net_that_cannot_be_limited_does_not_move(self):
        made = nn.HybridSequential()
        made.add(nn.Dense(4, in_units=3), nn.GELU(), nn.Dense(1, in_units=4))
        made.initialize()
        before = made[0].weight.data().asnumpy()
        with pytest.raises(ValueError, match="no bound here"):
            fit(made, self.trainer(made), DATA, step=lipschitz.Limited(1.0), **RUN)
        assert (made[0].weight.data().asnumpy() == before).all()

    def test_inner_must_be_a_step(self):
        assert isinstance(lipschitz.Limited(1).inner, PlainStep)
        with pytest.raises(ValueError, match="inner must be a Step"):
            lipschitz.Limited(1.0, fit)
