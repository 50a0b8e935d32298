"""Delayed gradients: against the formula, against `fit`, and the processes against the emulation, bit for bit."""

from __future__ import annotations

import json
from types import SimpleNamespace

import delayed_ranks as ranks
import mxnet as mx
import numpy as np
import pytest
from mpi4py import MPI
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluonbook import launch
from gluonbook.decoupled import Module, cut, emulate, pipeline
from gluonbook.decoupled.emulation import drawn
from gluonbook.training import fit

SCRIPT = ranks.__file__


def emulated(count, epochs=2):
    """The hashes of `count` modules in one process, and the losses."""
    parts = [ranks.module(part) for part in cut(ranks.net(), count)]
    losses = []
    for epoch in range(epochs):
        first = epoch * ranks.PER_EPOCH
        losses += emulate(parts, ranks.batches(epoch), seed=ranks.SEED, first=first).tolist()
    assert [one.waiting for one in parts] == [0] * count
    return ranks.hashes(parts), losses


# One process


def test_one_module_is_the_plain_step_of_fit():
    net = ranks.net()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9}, kvstore=None)
    X, y = ranks.runs.digits(100)[:]
    data = gluon.data.ArrayDataset(X.reshape(100, -1), y.astype("float32"))
    history = fit(net, trainer, data, epochs=2, batch_size=ranks.BATCH, seed=ranks.SEED)
    found, losses = emulated(1)
    assert found == ranks.hashes([SimpleNamespace(trainer=trainer)])
    sizes = [30, 30, 30, 10]
    means = [np.average(losses[i : i + 4], weights=sizes) for i in (0, 4)]
    assert means == pytest.approx([row.train_loss for row in history.rows], rel=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("hybrid", [False, True])
def test_delayed_gradients_are_those_of_the_formula(count, hybrid):
    """w_k ← w_k − lr·∇_k f(x_s; w^s), s = t − (K − 1 − k): gradients of the whole net, at the weights of step s."""
    luck, lr, steps = np.random.RandomState(0), 0.25, 7
    net = nn.HybridSequential()
    net.add(*(nn.Dense(5, "tanh", in_units=5) for _ in range(4)))
    net.initialize(mx.init.Xavier())
    net.cast("float64")
    if hybrid:
        net.hybridize()
    batches = [(nd.array(luck.randn(4, 5), dtype="float64"), nd.array(luck.randn(4, 5), dtype="float64"))] * steps
    batches = [(x * t, y) for t, (x, y) in enumerate(batches, 1)]
    loss = gluon.loss.L2Loss()
    start = [p.data().asnumpy() for p in net.collect_params().values()]
    owner = [int(np.flatnonzero([layer.prefix in p for layer in net])[0]) for p in net.collect_params()]
    sizes = [len(part) for part in np.array_split(np.arange(4), count)]
    delays = [count - 1 - int(np.searchsorted(np.cumsum(sizes), layer, side="right")) for layer in owner]

    def gradient(weights, x, y):
        for p, w in zip(net.collect_params().values(), weights):
            p.set_data(nd.array(w, dtype="float64"))
        with autograd.record():
            error = loss(net(x), y).mean()
        error.backward()
        return error.asscalar(), [p.grad().asnumpy() for p in net.collect_params().values()]

    weights, grads, losses = [w.copy() for w in start], [], []
    for t in range(steps + count - 1):
        if t < steps:
            error, found = gradient(weights, *batches[t])
            grads.append(found)
            losses.append(error)
        weights = [
            w - lr * grads[t - d][i] if 0 <= t - d < steps else w for i, (w, d) in enumerate(zip(weights, delays))
        ]

    for p, w in zip(net.collect_params().values(), start):
        p.set_data(nd.array(w, dtype="float64"))
    parts = [
        Module(part, gluon.Trainer(part.collect_params(), "sgd", {"learning_rate": lr}, kvstore=None))
        for part in cut(net, count)
    ]
    np.testing.assert_allclose(emulate(parts, batches, loss), losses, rtol=1e-12)
    for p, w, w0 in zip(net.collect_params().values(), weights, start):
        np.testing.assert_allclose(p.data().asnumpy(), w, atol=1e-12)
        assert np.abs(w - w0).max() > 1e-3


def test_a_gradient_is_that_of_the_weights_which_the_pass_was_made_with():
    layer = nn.Dense(1, use_bias=False, in_units=1)
    layer.initialize(mx.init.One())
    one = Module(layer, gluon.Trainer(layer.collect_params(), "sgd", {"learning_rate": 1.0}, kvstore=None))
    points = [nd.array([[x]]) for x in (2.0, 3.0, 5.0)]
    for x in points:
        x.attach_grad()
        assert one.forward(x).asscalar() == x.asscalar()
    assert one.waiting == 3
    assert [one.backward(nd.array([[g]])).asscalar() for g in (10, 100, 1000)] == [10, 100, 1000]  # times weight 1
    assert layer.weight.data().asscalar() == 1 - 2 * 10 - 3 * 100 - 5 * 1000


def test_a_pass_that_is_broken_off_leaves_the_weights_and_may_be_made_again(monkeypatch):
    layer = nn.Dense(1, use_bias=False, in_units=1)
    layer.initialize(mx.init.One())
    one = Module(layer, gluon.Trainer(layer.collect_params(), "sgd", {"learning_rate": 1.0}, kvstore=None))
    for x in (2.0, 3.0):
        one.forward(nd.array([[x]]))
    for waiting, weight in ((2, 1), (1, 1 - 2)):
        with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
            broken.setattr(nd.NDArray, "backward", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            one.backward()
        assert (one.waiting, layer.weight.data().asscalar()) == (waiting, weight)
        one.backward()
    assert layer.weight.data().asscalar() == 1 - 2 - 3


def test_parts_are_the_layers_in_their_order():
    net = ranks.net()
    assert [[type(layer) for layer in part] for part in cut(net, 2)] == [
        [nn.Dense, nn.Dropout, nn.Dense],
        [nn.Dense, nn.Dense],
    ]
    assert [layer for part in cut(net, 5) for layer in part] == list(net)
    with pytest.raises(ValueError, match=r"^count must be a whole number from 1 to 5, got 6$"):
        cut(net, 6)
    with pytest.raises(ValueError, match=r"^net must be a Sequential or HybridSequential, got .*Dense"):
        cut(nn.Dense(3), 1)


def trainer(parameters, **options):
    return gluon.Trainer(parameters, "sgd", {"learning_rate": 0.1}, **{"kvstore": None, **options})


def shared():
    first = nn.Dense(10, in_units=10)
    first.initialize()
    second = nn.Dense(10, in_units=10, params=first.params)
    return [Module(layer, trainer(layer.collect_params())) for layer in (first, second)]


def busy():
    (one,) = (ranks.module(part) for part in cut(ranks.net(), 1))
    one.forward(nd.zeros((1, 64)))
    return [one]


def waiting(layer, ctx=None):
    layer.initialize(ctx=ctx)
    return Module(layer, trainer(layer.collect_params()))


@pytest.mark.parametrize(
    ("call", "message"),
    {
        lambda net: Module(net, "sgd"): "^trainer must be a gluon.Trainer, got ",
        lambda net: Module(net[1], trainer(net.collect_params())): "^net has no parameter to train",
        lambda net: Module(net[0], trainer(net.collect_params())): "^trainer has dense.*, which net does not: each",
        lambda net: Module(net, trainer(net[0].collect_params())): "^trainer does not have dense",
        lambda net: Module(net, trainer(net.collect_params(), kvstore="dist_sync")): "^a module trains alone",
        lambda net: waiting(nn.Dense(3)): "^no values yet for dense.*weight: initialize net, and pass one batch",
        lambda net: waiting(nn.Dense(3, in_units=2), [mx.cpu(0), mx.cpu(1)]): "^a module lives on one device, and",
        lambda net: emulate([], []): r"^modules must be one Module or more, got \[\]$",
        lambda net: emulate(shared(), []): "^modules 0 and 1 share dense.*: keep both in one$",
        lambda net: emulate(busy(), []): "^forward passes wait in module 0: begin with new ones$",
        lambda net: emulate([ranks.module(net)], [], seed=-1): "^seed must be a whole number from 0 to .*, got -1$",
        lambda net: emulate([ranks.module(net)], [], first=0.5): "^first must be a whole number from 0, got 0.5$",
        lambda net: ranks.module(net).backward(): "^no forward pass waits for a gradient$",
        lambda net: busy()[0].backward(nd.ones((1, 9))): r"^grad must be as .* \(1, 10\) .*, got .* \(1, 9\) ",
        lambda net: busy()[0].backward(
            nd.ones((1, 10), dtype="float64")
        ): r"^grad must be as .*, got .* float64 on cpu",
        lambda net: busy()[0].backward(nd.ones((1, 10), mx.cpu(1))): r"^grad must be as .* cpu\(0\), got .* cpu\(1\)$",
        lambda net: busy()[0].backward(np.ones((1, 10), "float32")): r"^grad must be as .* cpu\(0\), got an array of",
        lambda net: emulate(
            [ranks.module(net)], ranks.batches(0), lambda out, y: out.sum()
        ): r"^loss must give one value a sample, shape \(30,\), got \(1,\)$",
    }.items(),
)
def test_what_cannot_be_is_refused(call, message, monkeypatch):
    net = ranks.net()
    before = [p.data().asnumpy() for p in net.collect_params().values()]
    with pytest.raises(ValueError, match=message):
        call(net)
    for p, w in zip(net.collect_params().values(), before):
        np.testing.assert_array_equal(p.data().asnumpy(), w)


def test_each_module_draws_in_each_step_what_no_other_draws():
    (one,) = (ranks.module(part) for part in cut(ranks.net(), 1))

    def numbers(step, k):
        with drawn(one, ranks.SEED, step, k):
            return tuple(nd.random.uniform(shape=4).asnumpy().tolist())

    assert numbers(2, 1) == numbers(2, 1)
    assert len({numbers(step, k) for step in range(3) for k in range(3)}) == 9


def test_a_parameter_that_adds_up_is_refused():
    net = ranks.net()
    net[0].weight.grad_req = "add"
    with pytest.raises(ValueError, match=r"^grad_req of dense.*weight must be 'write', got 'add'$"):
        ranks.module(net)


@pytest.mark.parametrize(
    "train", [emulate, lambda modules, *rest: pipeline(*modules, *rest)], ids=["emulate", "pipeline"]
)
def test_a_mean_loss_of_float16_may_have_a_sum_beyond_it(train):
    batch = nd.ones((4, 64)), nd.zeros(4)
    losses = train(
        [ranks.module(ranks.net())], [batch], lambda out, y: (0 * out.mean(axis=1) + 30_000).astype("float16")
    )
    assert losses.tolist() == [30_000]


# Processes


@pytest.mark.parametrize("comm", [None, MPI.COMM_SELF], ids=["world", "self"])
def test_one_process_is_one_module(comm):
    own = ranks.module(cut(ranks.net(), 1)[0])
    losses = [pipeline(own, ranks.batches(e), comm=comm, seed=ranks.SEED, first=4 * e) for e in (0, 1)]
    assert (ranks.hashes([own]), np.concatenate(losses).tolist()) == emulated(1)


def run(folder, mode, *arguments, workers=2):
    return launch.run(
        [SCRIPT, mode, folder, *arguments], workers=workers, quiet=True, log_dir=folder / "logs", deadline=60
    )


def told(folder, workers):
    return [json.loads((folder / f"rank-{rank}.json").read_text(encoding="utf-8")) for rank in range(workers)]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_processes_equal_the_emulation_bit_for_bit_also_when_they_go_on(tmp_path, workers):
    run(tmp_path, "train", 1, workers=workers)
    first = told(tmp_path, workers)
    run(tmp_path, "train", 2, workers=workers)
    second = told(tmp_path, workers)
    for epochs, found in ((1, first), (2, second)):
        hashes, losses = emulated(workers, epochs)
        assert [one["hashes"] for one in found] == [[one] for one in hashes]
        assert [one["losses"] for one in found] == [losses[-ranks.PER_EPOCH :]] * workers
        assert [one["waiting"] for one in found] == [0] * workers
    assert first[0]["hashes"] != second[0]["hashes"]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_module_ends_the_run_and_is_named(tmp_path, rank):
    with pytest.raises(launch.LaunchFailed, match=rf"^rank {rank} was killed by SIGKILL \(signal 9\)"):
        run(tmp_path, "kill", rank, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("more", "which"), [(1, "3 batches, and rank 1 has more"), (-1, "more batches than rank 1")])
def test_batches_that_do_not_match_end_the_run(tmp_path, more, which):
    with pytest.raises(launch.LaunchFailed, match=f"^rank 1 raised ValueError: rank 0 has {which}"):
        run(tmp_path, "uneven", more)


@pytest.mark.slow
def test_who_waits_sleeps(tmp_path):
    """By processor time, of which a blocking call of MPICH would take all that there is."""
    run(tmp_path, "asleep", 2)
    first, _ = told(tmp_path, 2)
    assert first["seconds"] > 2
    assert first["busy"] < 0.5 * first["seconds"]
