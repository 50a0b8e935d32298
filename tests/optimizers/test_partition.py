"""One optimizer for each part of the parameters equals a trainer for each part, bit for bit."""

from __future__ import annotations

import pickle
from typing import final

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd

import runs
from gluonbook import checkpoint
from gluonbook.checks import real, whole_number
from gluonbook.gossip import RoundsStore
from gluonbook.kvstore import MeanStore, PowerStore, VoteStore
from gluonbook.optimizers import GGT, FusedSignum, Partition, PlainAdam, PlainSGD, SignSGD
from gluonbook.optimizers.rule import Rule, register, zeros_like
from gluonbook.training import fit
from gluonbook.training.seeds import may_draw

TWO = [mx.cpu(0), mx.cpu(1)]


@final
@register
class Muon(Rule):
    """The momentum of a matrix, made nearly orthogonal (Jordan and others 2024, https://kellerjordan.github.io/posts/muon).

    m ← momentum·m + grad,  G ← grad + momentum·m,  delta ← lr·√max(1, rows/columns)·NewtonSchulz(G)
    """

    def __init__(self, learning_rate=None, momentum=0.95, rounds=5, **options):
        super().__init__(learning_rate, **options)
        self.momentum, self.rounds = real("momentum", momentum, "[0, 1)"), whole_number("rounds", rounds, 1)

    def create_state(self, index, weight):
        return zeros_like(weight)

    def delta(self, grad, m, lr, t):
        m[:] = self.momentum * m + grad
        G = grad + self.momentum * m
        rows, columns = G.shape
        return lr * max(1, rows / columns) ** 0.5 * orthogonal(G, self.rounds)


def orthogonal(G, rounds):
    """U·Vᵀ of G = U·S·Vᵀ, nearly: singular values from 0.7 to 1.2, by a quintic iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / (G.norm() + 1e-7)
    X = X.T if G.shape[0] > G.shape[1] else X
    for _ in range(rounds):
        A = nd.dot(X, X.T)
        X = a * X + nd.dot(b * A + c * nd.dot(A, A), X)
    return X.T if G.shape[0] > G.shape[1] else X


def test_newton_schulz_makes_singular_values_alike():
    for shape in ((6, 6), (4, 9), (9, 4)):
        G = np.random.RandomState(0).randn(*shape)
        U, S, Vt = np.linalg.svd(G, full_matrices=False)
        found = orthogonal(nd.array(G, dtype="float64"), 10).asnumpy()
        own = np.diag(U.T @ found @ Vt.T)
        np.testing.assert_allclose(U @ np.diag(own) @ Vt, found, atol=1e-9)
        assert 0.6 < own.min() <= own.max() < 1.3 < S.max() / S.min()


def label_of(name):
    return "matrices" if name.endswith("weight") else "rest"


def halving():
    return mx.lr_scheduler.FactorScheduler(step=2, factor=0.5, base_lr=0.05)


# What serves the matrices, and what the rest.
PARTS = {
    "muon and adam": lambda: (Muon(0.05), PlainAdam(0.02, wd=0.01, wd_lh=0.1)),
    "built-in": lambda: (
        mx.optimizer.create("sgd", learning_rate=0.1, momentum=0.9, wd=0.01),
        mx.optimizer.create("adam", learning_rate=0.01),
    ),
    "in lists": lambda: (FusedSignum(0.01), mx.optimizer.create("sgd", learning_rate=0.1, momentum=0.9)),
    "scheduled": lambda: (PlainSGD(lr_scheduler=halving(), momentum=0.9), PlainAdam(0.02, clip_gradient=0.1)),
    "counted": lambda: (GGT(0.1, window=3), PlainAdam(0.02, begin_num_update=5)),
}
every = pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)


def fresh_net(ctx=None, dtype="float32"):
    net = gluon.nn.HybridSequential()
    net.add(Wide(12, in_units=64, activation="relu"), Wide(10, in_units=12))
    net, _ = runs.start(net=net, ctx=ctx, dtype=dtype)
    net[0].weight.lr_mult, net[1].bias.wd_mult = 0.5, 2.0
    return net


class Wide(gluon.nn.Dense):
    """A dense layer that computes in float32 from weights of any type: on a CPU, MXNet has no other for float16."""

    def hybrid_forward(self, F, x, weight, bias):
        return super().hybrid_forward(F, x, weight.astype("float32"), bias.astype("float32"))


def steps(net, trainers, count, first=0):
    loss, ctx = gluon.loss.SoftmaxCrossEntropyLoss(), trainers[0]._contexts
    for step in range(first, first + count):
        X, y = runs.digits(100)[step * 8 : step * 8 + 8]
        parts = zip(*(gluon.utils.split_and_load(nd.array(a, dtype=a.dtype), ctx) for a in (X, y)))
        with autograd.record():
            losses = [loss(net(x_part), y_part) for x_part, y_part in parts]
        autograd.backward(losses)
        for trainer in trainers:
            trainer.step(8)


def apart(net, parts, **options):
    """A trainer for each part."""
    parameters = net.collect_params()
    return [
        gluon.Trainer([p for p in parameters.values() if label_of(p.name) == label], optimizer, **options)
        for label, optimizer in zip(("matrices", "rest"), parts)
    ]


def together(net, parts, **options):
    matrices, rest = parts
    return gluon.Trainer(net.collect_params(), Partition({"matrices": matrices, "rest": rest}, label_of), **options)


@every
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    ("ctx", "on_store"), [(TWO[:1], None), (TWO, True), (TWO, False)], ids=["1 device", "2 on the store", "2"]
)
def test_equal_to_a_trainer_for_each_part(parts, dtype, ctx, on_store):
    found = []
    for both in (False, True):
        net, own = fresh_net(ctx, dtype), parts()
        for optimizer in own:
            optimizer.multi_precision = dtype == "float16"
        options = {"kvstore": "local", "update_on_kvstore": on_store}
        trainers = [together(net, own, **options)] if both else apart(net, own, **options)
        steps(net, trainers, 6)
        found.append(runs.fingerprint(net))
    assert found[0] == found[1]
    assert found[0] != runs.fingerprint(fresh_net(ctx, dtype))


def test_by_name_as_by_object():
    found = []
    for by_name in (False, True):
        net, (matrices, rest) = fresh_net(), PARTS["muon and adam"]()
        options = {"optimizers": {"matrices": matrices, "rest": rest}, "label_of": label_of}
        trainer = gluon.Trainer(net.collect_params(), *(("partition", options) if by_name else (Partition(**options),)))
        steps(net, [trainer], 3)
        found.append(runs.fingerprint(net))
    assert found[0] == found[1]
    assert sorted(trainer.optimizer.labels.items()) == [(0, "rest"), (1, "matrices"), (2, "rest"), (3, "matrices")]


def test_muon_with_adam_trains_a_net():
    net = fresh_net()
    trainer = together(net, (Muon(0.05), PlainAdam(0.01)))
    history = fit(net, trainer, runs.digits(300), epochs=10, batch_size=30, test=runs.digits(300))
    assert history["test_accuracy"][-1] > 0.9


def test_one_parameter_at_a_time():
    """As an updater without aggregation, and `update` itself, call it."""
    net = fresh_net()
    trainer = together(net, (PlainSGD(0.5), SignSGD(0.25)))
    optimizer = trainer.optimizer
    for place, parameter in enumerate(trainer._params):
        before, grad = parameter.data().asnumpy(), nd.full(parameter.shape, 2.0)
        state = optimizer.create_state(place, parameter.data())
        optimizer.update(place, parameter.data(), grad, state)
        state = optimizer.create_state_multi_precision(place, parameter.data())
        optimizer.update_multi_precision(place, parameter.data(), grad, state)
        step = 0.5 * parameter.lr_mult * 2 if label_of(parameter.name) == "matrices" else 0.25
        np.testing.assert_allclose(parameter.data().asnumpy(), before - 2 * step, rtol=0, atol=1e-6)
    assert optimizer.num_update == 2


def test_a_learning_rate_set_later_keeps_the_ratios():
    trainer = together(fresh_net(), (PlainSGD(0.5), SignSGD(0.01)))
    assert trainer.learning_rate == 0.5
    trainer.set_learning_rate(0.25)
    rates = {label: one.learning_rate for label, one in trainer.optimizer.optimizers.items()}
    assert (trainer.learning_rate, rates) == (0.25, {"matrices": 0.25, "rest": 0.005})
    trainer.optimizer.optimizers["rest"].set_learning_rate(0.1)
    assert trainer.learning_rate == 0.25
    with pytest.raises(ValueError, match=r"learning_rate must be a number in \[0, inf\), got -1"):
        trainer.set_learning_rate(-1)
    trainer.set_learning_rate(0)
    with pytest.raises(ValueError, match="no factor makes another learning rate of 0"):
        trainer.set_learning_rate(0.1)
    trainer = together(fresh_net(), (PlainSGD(0.5), SignSGD(lr_scheduler=halving())))
    with pytest.raises(UserWarning, match="the learning rate of 'rest' is its schedule's"):
        trainer.set_learning_rate(0.1)
    assert trainer.learning_rate == 0.5


def test_a_learning_rate_that_one_part_refuses_is_set_in_none():
    trainer = together(fresh_net(dtype="float16"), (PlainSGD(0.5), SignSGD(1e-3)))
    with pytest.raises(ValueError, match=r"lr=2e-08 is 0 in float16"):
        trainer.set_learning_rate(1e-5)
    assert [one.learning_rate for one in trainer.optimizer.optimizers.values()] == [0.5, 1e-3]


def test_the_batch_size_is_for_all():
    net = fresh_net()
    trainer = together(net, (PlainSGD(0.5, rescale_grad=2.0), SignSGD(0.01, rescale_grad=2.0)))
    steps(net, [trainer], 1)
    assert {one.rescale_grad for one in trainer.optimizer.optimizers.values()} == {0.25}


@every
@pytest.mark.parametrize(("ctx", "on_store"), [(TWO[:1], None), (TWO, True)], ids=["1 device", "2 on the store"])
def test_a_run_goes_on_exactly(tmp_path, parts, ctx, on_store):
    def begin():
        net = fresh_net(ctx)
        return net, together(net, parts(), kvstore="local", update_on_kvstore=on_store)

    net, trainer = begin()
    steps(net, [trainer], 3)
    trainer.save_states(str(tmp_path / "states"))
    net.save_parameters(str(tmp_path / "weights"))
    path = checkpoint.save(tmp_path / "run", net, trainer, step=3, epoch=0)
    steps(net, [trainer], 3, first=3)
    expected = runs.whole_state(tmp_path / "whole", net, trainer)

    net, trainer = begin()
    checkpoint.load(path, net, trainer)
    steps(net, [trainer], 3, first=3)
    assert runs.whole_state(tmp_path / "resumed", net, trainer) == expected

    net, trainer = begin()
    net.load_parameters(str(tmp_path / "weights"))
    trainer.load_states(str(tmp_path / "states"))
    steps(net, [trainer], 3, first=3)
    assert runs.whole_state(tmp_path / "states-file", net, trainer) == expected


def test_another_division_is_another_run(tmp_path):
    net = fresh_net()
    trainer = together(net, (PlainSGD(0.1), PlainAdam(0.01)))
    steps(net, [trainer], 1)
    path = checkpoint.save(tmp_path, net, trainer, step=1, epoch=0)
    assert checkpoint.peek(path).settings["optimizer.optimizers.rest.lr"] == 0.01
    for optimizers, label, message in (
        (
            {"matrices": PlainSGD(0.1), "rest": SignSGD(0.1)},
            label_of,
            r"rest\.class is .*SignSGD here, .*Adam",
        ),
        (
            {"matrices": PlainSGD(0.1), "rest": PlainAdam(0.1)},
            lambda name: "matrices" if "dense0" in name or name.endswith("weight") else "rest",
            r"optimizer\.labels\.\d\.bias is matrices here, rest in the checkpoint",
        ),
    ):
        again = fresh_net()
        prefix = again[0].prefix
        divided = Partition(optimizers, lambda name, label=label, prefix=prefix: label(name.replace(prefix, "dense0_")))
        before = runs.fingerprint(again)
        with pytest.raises(ValueError, match=message):
            checkpoint.load(path, again, gluon.Trainer(again.collect_params(), divided))
        assert runs.fingerprint(again) == before


def test_fit_resumes_and_refuses_another_rate(tmp_path):
    def begin(lr=0.01):
        net = fresh_net()
        return net, together(net, (Muon(0.05), PlainAdam(lr)))

    run = {"train": runs.digits(100), "batch_size": 20, "checkpoints": tmp_path}
    net, trainer = begin()
    fit(net, trainer, runs.digits(100), epochs=2, batch_size=20)
    expected = runs.fingerprint(net)
    for epochs in (1, 2):
        net, trainer = begin()
        runs.break_after(trainer, 5)  # each time an epoch of five batches, and no more
        fit(net, trainer, epochs=epochs, **run)
    assert runs.fingerprint(net) == expected
    net, trainer = begin(0.02)
    with pytest.raises(ValueError, match=r"optimizer\.optimizers\.rest\.lr=0\.02, there 0\.01"):
        fit(net, trainer, epochs=3, **run)


@pytest.mark.parametrize("store", [VoteStore, MeanStore, PowerStore, RoundsStore])
def test_a_store_takes_it(store):
    """Each device of a net has the same weights, and each part its own optimizer's."""
    net, other = fresh_net(TWO), fresh_net(TWO)
    trainer = together(net, (PlainSGD(0.5), SignSGD(0.25)), kvstore=store())
    plain = gluon.Trainer(other.collect_params(), PlainSGD(0.5), kvstore=store())
    steps(net, [trainer], 2)
    steps(other, [plain], 2)
    for parameter, its in zip(net.collect_params().values(), other.collect_params().values()):
        one, copy = (array.asnumpy() for array in parameter.list_data())
        np.testing.assert_array_equal(one, copy)
        assert label_of(parameter.name) == "matrices" or not np.array_equal(one, its.data(TWO[0]).asnumpy())
    assert trainer.optimizer.num_update == 2


def test_pickled_with_its_labels_and_without_their_function():
    net = fresh_net()
    trainer = together(net, PARTS["muon and adam"]())
    steps(net, [trainer], 2)
    again = pickle.loads(pickle.dumps(trainer.optimizer, 0))
    assert (again.labels, again.param_dict) == (trainer.optimizer.labels, {})
    assert again.optimizers["rest"].wd_lh == 0.1
    assert again.num_update == 2
    weight, grad = nd.ones((2, 2)), nd.ones((2, 2))
    again.update(1, weight, grad, again.create_state(1, weight))
    assert (again.optimizers["matrices"].num_update, again.optimizers["rest"].num_update) == (3, 2)
    again.param_dict = trainer.optimizer.param_dict
    assert [*again.optimizers["rest"].param_dict] == [0, 2]
    with pytest.raises(ValueError, match="was pickled with 4 parameters, and gets 1"):
        again.param_dict = {0: net[0].weight}


def test_a_part_that_draws_is_seen():
    net, quiet = fresh_net(), (PlainSGD(0.1), PlainAdam(0.1))
    assert not may_draw(gluon.nn.Dense(1), together(net, quiet))
    assert may_draw(gluon.nn.Dense(1), together(net, (PlainSGD(0.1), mx.optimizer.create("sgld"))))


def parameters():
    return fresh_net().collect_params()


@pytest.mark.parametrize(
    ("optimizers", "label", "message"),
    [
        ({}, label_of, "with one at least"),
        (
            {"matrices": "sgd", "rest": PlainSGD()},
            label_of,
            "optimizers without parts by strings, got 'matrices': 'sgd'",
        ),
        ({1: PlainSGD()}, label_of, "optimizers without parts by strings, got 1: "),
        (dict.fromkeys(("matrices", "rest"), PlainSGD()), label_of, "each label needs an optimizer of its own"),
        (
            {"matrices": PlainSGD(), "rest": PlainSGD(rescale_grad=2)},
            label_of,
            "the same rescale_grad, got {'m",
        ),
        ({"matrices": PlainSGD()}, label_of, r"bias has the label 'rest'; there are optimizers for 'matrices'"),
        ({"matrices": PlainSGD()}, lambda name: None, r"has the label None; there are optimizers for 'matrices'"),
        (
            {"matrices": PlainSGD(), "rest": PlainSGD(), "embeddings": PlainSGD()},
            label_of,
            r"no parameter has the label 'embeddings'; there are \w+bias, \w+weight",
        ),
    ],
)
def test_what_cannot_be_divided_is_refused(optimizers, label, message):
    with pytest.raises(ValueError, match=message):
        gluon.Trainer(parameters(), Partition(optimizers, label))


def test_unknown_options_and_parameters():
    with pytest.raises(TypeError, match="Partition has no option momentum; it takes optimizers, label_of"):
        Partition({"all": PlainSGD()}, label_of, momentum=0.9)
    with pytest.raises(ValueError, match=r"parameter 7 has no label: give this optimizer to a gluon\.Trainer"):
        Partition({"all": PlainSGD()}, label_of).create_state(7, nd.ones((2,)))
    inner = Partition({"all": PlainSGD()}, label_of)
    with pytest.raises(ValueError, match="without parts"):
        Partition({"all": inner}, label_of)


def test_sparse_is_refused_by_the_part_that_would_get_it():
    net = gluon.nn.Embedding(5, 3, sparse_grad=True)
    net.initialize()
    with pytest.raises(ValueError, match=r"PlainSGD takes dense arrays .* the gradient of .*weight is 'row_sparse'"):
        gluon.Trainer(net.collect_params(), Partition({"all": PlainSGD()}, lambda name: "all"))
