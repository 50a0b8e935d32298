"""One table of all optimizers: what each does on three problems, in three precisions, with every option."""

from __future__ import annotations

import pickle
import subprocess
import sys
from functools import cache

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

import runs
from gluonbook import checkpoint, optimizers, training
from gluonbook.optimizers.rule import OneByOne, Rule
from gluonbook.optimizers.whole_step import Decay, WholeStep

# name: its options, and a learning rate for the parabola, Rosenbrock's function and the net
TABLE = {
    "signsgd": ({}, 0.03, 0.01, 0.03),
    "plainsignum": ({}, 0.03, 0.03, 0.05),
    "fusedsignum": ({}, 0.03, 0.03, 0.05),
    "efsignsgd": ({}, 0.03, 0.01, 1.0),
    "onebitsgd": ({}, 0.03, 0.01, 1.0),
    "lion": ({}, 0.1, 0.03, 0.05),
    "msvag": ({}, 0.03, 0.02, 1.0),
    "shampoo": ({}, 1.0, 0.1, 0.5),
    "ggt": ({"window": 10}, 0.3, 0.1, 1.0),
    "plainsgd": ({"momentum": 0.9}, 0.01, 0.003, 0.3),
    "plainnag": ({"momentum": 0.9}, 0.01, 0.003, 0.3),
    "plainadagrad": ({}, 0.3, 0.1, 0.1),
    "plainrmsprop": ({"centered": True}, 0.03, 0.003, 0.01),
    "plainadam": ({}, 0.1, 0.1, 0.05),
    "rprop": ({}, 0.01, 0.1, 0.03),
}
DTYPES = ("float16", "float32", "float64")
TOLERANCE = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-9}
TWO = [mx.cpu(0), mx.cpu(1)]
every = pytest.mark.parametrize("name", TABLE)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def test_the_table_is_complete():
    assert sorted(TABLE) == sorted(kind.lower() for kind in optimizers.__all__ if kind != "Partition")


# Problems: they converge.


def parabola(w):
    scale = np.array([[1.0, 10.0], [3.0, 30.0]])
    return 0.5 * (scale * (w - 1) ** 2).sum(), scale * (w - 1)


def rosenbrock(w):
    ((x, y),) = w
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2, np.array([[2 * (x - 1) - 400 * x * (y - x**2), 200 * (y - x**2)]])


def to_zero(steps, lr):
    return mx.lr_scheduler.PolyScheduler(max_update=steps, base_lr=lr, pwr=1)


def minimum(name, problem, start, lr, steps, dtype):
    schedule = to_zero(steps, lr)
    optimizer = mx.optimizer.create(name, lr_scheduler=schedule, multi_precision=True, **TABLE[name][0])
    updater, weight = mx.optimizer.get_updater(optimizer), mx.nd.array(start, dtype=dtype)
    for _ in range(steps):
        _, grad = problem(weight.asnumpy().astype(float))
        updater(0, mx.nd.array(grad, dtype=dtype), weight)
    return problem(weight.asnumpy().astype(float))[0]


@every
@every_dtype
def test_parabola(name, dtype):
    assert parabola(np.zeros((2, 2)))[0] == 22
    assert minimum(name, parabola, np.zeros((2, 2)), TABLE[name][1], 100, dtype) < 0.1


@every
@every_dtype
def test_rosenbrock(name, dtype):
    assert rosenbrock(np.zeros((1, 2)))[0] == 1
    assert minimum(name, rosenbrock, np.zeros((1, 2)), TABLE[name][2], 150, dtype) < 0.3


@every
@every_dtype
def test_net(name, dtype):
    steps = 30
    net, trainer = two_layers(name, dtype, lr_scheduler=to_zero(steps, TABLE[name][3]))
    error = fit(net, trainer, steps)
    assert error.mean().asscalar() < 1.3  # chance is log 10 = 2.3


class Float32Dense(gluon.nn.Dense):
    """A dense layer that computes in float32 from weights of any type: on a CPU, MXNet has no other for float16."""

    def hybrid_forward(self, F, x, weight, bias):
        return super().hybrid_forward(F, x, weight.astype("float32"), bias.astype("float32"))


def two_layers(name, dtype, **options):
    net = gluon.nn.HybridSequential()
    net.add(Float32Dense(16, in_units=64, activation="relu"), Float32Dense(10, in_units=16))
    return runs.start(name, net=net, dtype=dtype, multi_precision=True, **options, **TABLE[name][0])


@cache
def batch():
    X, y = runs.digits(100)[:]
    return mx.nd.array(X), mx.nd.array(y)


@every
def test_a_run_that_diverges_ends_with_an_infinite_loss(name):
    X, y = runs.digits(20)[:]
    net, trainer = runs.start(name, net=gluon.nn.Dense(10), learning_rate=1e30, **TABLE[name][0])
    data = gluon.data.ArrayDataset(X.reshape(20, -1) * np.float32(1e20), y)
    history = training.fit(net, trainer, data, epochs=3, batch_size=4, may_diverge=True)
    assert history["train_loss"][-1] == np.inf


def fit(net, trainer, steps):
    (X, y), loss = batch(), gluon.loss.SoftmaxCrossEntropyLoss()
    for _ in range(steps):
        with autograd.record():
            error = loss(net(X), y)
        error.backward()
        trainer.step(len(X))
    return error


# Options: each does what it says, shown by a run without it that must come to the same.


def weights_of(name, dtype, steps=5, grad=lambda k, w: None, lr_mult=None, wd_mult=None, lr_of=None, **options):
    """The weights after some steps from W with the gradients `grad(k, w)`, or G[k] where that is None."""
    optimizer = mx.optimizer.create(
        name, **{"learning_rate": 0.01, "multi_precision": True, **TABLE[name][0], **options}
    )
    optimizer.set_lr_mult({} if lr_mult is None else {0: lr_mult})
    optimizer.set_wd_mult({} if wd_mult is None else {0: wd_mult})
    updater, weight = mx.optimizer.get_updater(optimizer), mx.nd.array(W, dtype=dtype)
    for k in range(steps):
        if lr_of is not None:
            optimizer.set_learning_rate(lr_of(k + 1))
        g = grad(k, weight.asnumpy())
        updater(0, mx.nd.array(G[k] if g is None else g, dtype=dtype), weight)
    return weight.asnumpy()


W = np.random.RandomState(0).randn(4, 5)
G = np.random.RandomState(1).randn(5, 4, 5)


def same(one, other, dtype):
    np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[dtype])
    assert not np.array_equal(one, W.astype(dtype))


@every
@every_dtype
def test_wd_is_added_to_the_gradient(name, dtype):
    decayed = weights_of(name, dtype, wd=0.5)
    kind = mx.optimizer.Optimizer.opt_registry[name]
    if kind.decay is Decay.BESIDE:
        other = weights_of(name, dtype, wd_lh=0.5)
    else:
        other = weights_of(name, dtype, grad=lambda k, w: G[k] + 0.5 * w)
    same(decayed, other, dtype)
    same(weights_of(name, dtype, wd=2.0, wd_mult=0.25), decayed, dtype)
    assert np.abs(decayed - weights_of(name, dtype)).max() > 3 * TOLERANCE[dtype]


@every
@every_dtype
def test_wd_lh_takes_its_share_of_the_weight(name, dtype):
    start = W.astype(dtype)
    with_decay, without = weights_of(name, dtype, steps=1, wd_lh=2.0), weights_of(name, dtype, steps=1)
    np.testing.assert_allclose(with_decay - without, -0.01 * 2.0 * start, rtol=0, atol=TOLERANCE[dtype])


@every
@every_dtype
def test_clip_comes_after_rescale(name, dtype):
    clipped = weights_of(name, dtype, rescale_grad=0.5, clip_gradient=0.25)
    same(clipped, weights_of(name, dtype, grad=lambda k, w: np.clip(0.5 * G[k], -0.25, 0.25)), dtype)


@every
@every_dtype
def test_rescale(name, dtype):
    same(weights_of(name, dtype, rescale_grad=0.25), weights_of(name, dtype, grad=lambda k, w: 0.25 * G[k]), dtype)


@every
@every_dtype
def test_lr_mult(name, dtype):
    same(weights_of(name, dtype, lr_mult=0.5), weights_of(name, dtype, learning_rate=0.005), dtype)
    frozen = weights_of(name, dtype, lr_mult=0.0, wd=0.1, wd_lh=0.1)
    np.testing.assert_array_equal(frozen, W.astype(dtype))


class Harmonic(mx.lr_scheduler.LRScheduler):
    def __call__(self, num_update):
        return self.base_lr / num_update


@every
@every_dtype
def test_schedule(name, dtype):
    scheduled = weights_of(name, dtype, learning_rate=None, lr_scheduler=Harmonic(base_lr=0.02))
    same(scheduled, weights_of(name, dtype, lr_of=lambda n: 0.02 / n), dtype)


BAD = {"momentum": 1.0, "beta": 1.5, "beta1": -0.1, "beta2": 1.0, "gamma1": 1, "gamma2": -1, "eps": 0, "epsilon": -1e-8}
BAD |= {"eta_minus": 1.0, "eta_plus": 0.9, "step_min": 0, "step_max": 0.5, "window": 0, "every": 1.5, "max_size": -1}
BAD |= {"centered": 2, "merge_axes": -1}


@every
def test_options_of_their_own_are_checked(name):
    kind = mx.optimizer.Optimizer.opt_registry[name]
    own = [option for option in kind.options() if option not in Rule.options()]
    for option in own:
        with pytest.raises(ValueError, match=rf"^{option} must be .*, got {BAD[option]!r}$"):
            kind(**{option: BAD[option]})
    with pytest.raises(TypeError, match=", ".join(["has no option momentm; it takes learning_rate", *own])):
        kind(momentm=0.9)


# States: saved, loaded, pickled, on several devices.


def linear(name, ctx=None, **kvstore):
    """A linear model whose data, weights and gradients are small multiples of 1/8, so that sums are exact."""
    params = {"learning_rate": 1 / 64, **TABLE[name][0]}
    if "signum" in name:
        params["momentum"] = 0.5
    net, trainer = runs.start(name, net=gluon.nn.Dense(3, in_units=4), ctx=ctx, kvstore=kvstore, **params)
    net.weight.set_data(mx.nd.array(np.random.RandomState(2).randint(-8, 9, (3, 4)) / 8))
    return net, trainer


X, Y = (np.random.RandomState(seed).randint(-4, 5, (8, n)) for seed, n in ((3, 4), (4, 3)))


def train(net, trainer, steps):
    devices = trainer._contexts
    parts = [gluon.utils.split_and_load(mx.nd.array(data), devices) for data in (X, Y)]
    for _ in range(steps):
        with autograd.record():
            errors = [gluon.loss.L2Loss()(net(x), y) for x, y in zip(*parts)]
        autograd.backward(errors)
        trainer.step(len(X))


@every
@pytest.mark.parametrize("on_store", [True, False])
def test_two_devices_equal_one(name, on_store):
    results = []
    for ctx in (TWO[:1], TWO):
        net, trainer = linear(name, ctx, update_on_kvstore=on_store and len(ctx) == 2)
        start = net.weight.data(ctx[0]).asnumpy()
        train(net, trainer, 6)
        results += [[p.data(c).asnumpy() for p in net.collect_params().values()] for c in ctx]
    assert (results[0][0] != start).any()
    for weight, bias in results[1:]:
        np.testing.assert_allclose(weight, results[0][0], rtol=0, atol=0 if "signum" in name else 1e-5)
        np.testing.assert_allclose(bias, results[0][1], rtol=0, atol=0 if "signum" in name else 1e-5)


@every
@pytest.mark.parametrize(("ctx", "on_store"), [(TWO[:1], None), (TWO, True), (TWO, False)], ids=["1", "2 store", "2"])
def test_a_run_goes_on_exactly(tmp_path, name, ctx, on_store):
    net, trainer = linear(name, ctx, update_on_kvstore=on_store)
    train(net, trainer, 4)
    trainer.save_states(str(tmp_path / "states"))
    net.save_parameters(str(tmp_path / "weights"))
    path = checkpoint.save(tmp_path / "run", net, trainer, step=4, epoch=0)
    train(net, trainer, 4)
    expected = runs.whole_state(tmp_path / "whole", net, trainer)

    net, trainer = linear(name, ctx, update_on_kvstore=on_store)
    checkpoint.load(path, net, trainer)
    train(net, trainer, 4)
    assert runs.whole_state(tmp_path / "checkpoint", net, trainer) == expected

    net, trainer = linear(name, ctx, update_on_kvstore=on_store)
    net.load_parameters(str(tmp_path / "weights"))
    trainer.load_states(str(tmp_path / "states"))
    train(net, trainer, 4)
    assert runs.whole_state(tmp_path / "states-file", net, trainer) == expected


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_shampoo_of_kernels_goes_on_exactly(tmp_path, dtype):
    """Between two renewals of the roots, with momentum and merged axes."""
    options = {"momentum": 0.9, "merge_axes": 9, "every": 3, "multi_precision": True}

    def begun():
        net, trainer = runs.start("shampoo", net=gluon.nn.Conv2D(3, 3, in_channels=2), dtype=dtype, **options)
        return net, trainer, np.random.RandomState(5)

    def goes_on(net, trainer, luck, steps):
        for _ in range(steps):
            with autograd.record():  # a sum, since a CPU has no convolution of float16
                error = sum((p.data() * mx.nd.array(luck.randn(*p.shape), dtype=dtype)).sum() for p in trainer._params)
            error.backward()
            trainer.step(1)

    net, trainer, luck = begun()
    goes_on(net, trainer, luck, 5)
    path, drawn = checkpoint.save(tmp_path / "run", net, trainer, step=5, epoch=0), luck.get_state()
    goes_on(net, trainer, luck, 5)
    expected = runs.whole_state(tmp_path / "whole", net, trainer)
    net, trainer, luck = begun()
    checkpoint.load(path, net, trainer)
    luck.set_state(drawn)
    goes_on(net, trainer, luck, 5)
    assert runs.whole_state(tmp_path / "resumed", net, trainer) == expected


@every
def test_multi_precision_goes_on_exactly(tmp_path, name):
    net, trainer = two_layers(name, "float16")
    fit(net, trainer, 2)
    path = checkpoint.save(tmp_path / "run", net, trainer, step=2, epoch=0)
    fit(net, trainer, 2)
    expected = runs.whole_state(tmp_path / "whole", net, trainer)
    net, trainer = two_layers(name, "float16")
    checkpoint.load(path, net, trainer)
    fit(net, trainer, 2)
    assert runs.whole_state(tmp_path / "resumed", net, trainer) == expected


@every
def test_pickled_by_name(name):
    optimizer = mx.optimizer.create(name, **TABLE[name][0])
    data = pickle.dumps(optimizer)
    assert type(optimizer).__module__.encode() in data
    again = pickle.loads(data)
    assert type(again) is type(optimizer)
    assert {**vars(again), "param_dict": 0} == {**vars(optimizer), "param_dict": 0}


@every
def test_a_single_number(name):
    kind = mx.optimizer.Optimizer.opt_registry[name]
    optimizer = kind(**TABLE[name][0])
    weight = mx.nd.ones((1,))
    optimizer.update(0, weight, mx.nd.full((1,), 2.0), optimizer.create_state(0, weight))
    assert weight.asscalar() < 1


@every
def test_a_gradient_of_zeros_moves_nothing_and_makes_no_nan(name):
    zeros = [np.zeros_like(W)] * 5
    np.testing.assert_array_equal(weights_of(name, "float64", grad=lambda k, w: zeros[k]), W)


def test_classes_are_abstract_or_final():
    for name in TABLE:
        kind = mx.optimizer.Optimizer.opt_registry[name]
        assert kind.__bases__ in ((Rule,), (OneByOne,), (WholeStep,))
        assert kind.__subclasses__() == []
        assert kind.__name__ in optimizers.__all__
        assert "Registered as `" + name + "`" in kind.__doc__
        assert "Source: " in kind.__doc__


def test_importing_twice_takes_no_name_and_warns_of_nothing():
    script = """
import importlib, sys, warnings, mxnet as mx
registry = mx.optimizer.Optimizer.opt_registry
before = dict(registry)
warnings.simplefilter("error", UserWarning)
import gluonbook.optimizers
assert all(registry[name] is kind for name, kind in before.items())
new = set(registry) - set(before)
for name in sorted(m for m in sys.modules if m.startswith("gluonbook.optimizers.")):
    importlib.reload(sys.modules[name])
importlib.reload(gluonbook.optimizers)
assert all(registry[name] is kind for name, kind in before.items())
assert set(registry) == new | set(before)
print(*sorted(new))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, sorted([*TABLE, "partition"]), "")
