"""What `gluon.Trainer`, `Module` and users may ask of a store: each thing of every store, whoever runs the optimizer.

A training that does something unusual is compared with one that reaches the same in a plain way; or it is refused in a
sentence, before anything has changed. Gradients are made up, and do not depend on the weights.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from unittest import mock

import mxnet as mx
import numpy as np
import pytest
from made_up import remembered
from mxnet import gluon, nd
from own_stores import GossipStore, HalfStore, TopStore
from threads import ranks

import gluonbook.optimizers
from gluonbook.gossip import RingStore, RoundsStore
from gluonbook.kvstore import CompressedStore, ErrorFeedbackStore, Feedback, Half, MeanStore, PowerStore, VoteStore


def compressed(link="local", **options) -> CompressedStore:
    """Of float16, with what that leaves out."""
    return CompressedStore(link, codec=Half(), memory=Feedback(), **options)


OF_GRADIENTS = (VoteStore, MeanStore, ErrorFeedbackStore, HalfStore, TopStore, compressed, PowerStore)
GOSSIP = (GossipStore, RingStore, RoundsStore)
STORES = OF_GRADIENTS + GOSSIP
BOTH = [(store, inside) for store in STORES for inside in (True, False) if inside or store not in GOSSIP]
REMEMBER = [
    (store, inside)
    for store, inside in BOTH
    if store in (VoteStore, ErrorFeedbackStore, TopStore, compressed, PowerStore)
]
every = pytest.mark.parametrize(("store", "inside"), BOTH, ids=lambda one: getattr(one, "__name__", one))
remembering = pytest.mark.parametrize(("store", "inside"), REMEMBER, ids=lambda one: getattr(one, "__name__", one))

SHAPES = {"a": (5, 7), "b": (66,), "c": ()}


class Ones(mx.init.Initializer):
    """MXNet's own cannot fill an array without axes."""

    def _init_weight(self, _, array):
        array[() if array.shape == () else slice(None)] = 1


class Training:
    """Parameters and their trainer; `inside`: the store runs the optimizer."""

    def __init__(self, store, inside=True, devices=1, names="ab", dtype="float32", grad_req="write", **settings):
        self.store = store
        self.contexts = [mx.cpu(i) for i in range(devices)]
        self.params = {n: gluon.Parameter(n, shape=SHAPES[n], dtype=dtype, grad_req=grad_req) for n in names}
        for parameter in self.params.values():
            parameter.initialize(Ones(), ctx=self.contexts)
        optimizer = "signsgd" if isinstance(store, VoteStore) else "plainsgd"
        optimizer = settings.pop("optimizer", optimizer)
        settings = {"update_on_kvstore": None if inside else False, **settings}
        self.trainer = gluon.Trainer(self.params, optimizer, {"learning_rate": 0.125}, kvstore=store, **settings)
        self.steps = 0

    def backward(self, used=None, factor=1.0, resting=()) -> None:
        """Gradients of one step, of the parameters that it uses, on devices that do not rest."""
        self.steps += 1
        for name in used or self.params:
            parameter = self.params[name]
            for device, (weight, grad) in enumerate(zip(parameter.list_data(), parameter.list_grad())):
                if device in resting:
                    continue
                luck = np.random.RandomState([self.steps, device, ord(name), getattr(self.store, "rank", 0)])
                made = nd.array(luck.randn(*weight.shape) * factor, dtype=weight.dtype, ctx=weight.context)
                array = grad.as_nd_ndarray().reshape(-1)
                array[:] = made.reshape(-1) if parameter.grad_req == "write" else array + made.reshape(-1)
                weight._fresh_grad = True

    def step(self, used=None, batch=1, factor=1.0, resting=(), **options) -> None:
        self.backward(used, factor, resting)
        self.trainer.step(batch, **options)

    def weights(self) -> dict:
        """The weights; they are the same on all devices."""
        found = {}
        for name, parameter in self.params.items():
            found[name], *others = (array.asnumpy() for array in parameter.list_data())
            assert all(np.array_equal(found[name], other) for other in others)
        return found

    def everything(self) -> list:
        """All that a refused call must leave as it was."""
        states = remembered(self.store)
        optimizer, store = self.trainer.optimizer, self.store
        counts = [optimizer.num_update, dict(optimizer._index_update_count), store.steps, list(store.abstentions)]
        return [self.weights(), states, counts]


def same(one, other, atol=0.0) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            same(one[key], other[key], atol)
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other):
            same(a, b, atol)
    else:
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def differ(one: dict, other: dict, name: str) -> bool:
    return not np.array_equal(one[name], other[name])


def refused(training: Training, act: Callable[[], object], message: str, kind=ValueError) -> None:
    """The act raises this error, and changes nothing."""
    before = training.everything()
    with pytest.raises(kind, match=message):
        act()
    same(before, training.everything())


@every
def test_a_parameter_that_is_never_used_stays(store, inside):
    ours, plain = Training(store(), inside), Training(store(), inside, names="a")
    for _ in range(3):
        ours.step("a", ignore_stale_grad=True)
        plain.step()
    weights = ours.weights()
    assert (weights.pop("b") == 1).all()
    same(weights, plain.weights())
    assert ours.store.states.keys() == plain.store.states.keys()


@every
def test_a_parameter_that_is_used_no_more_stays_until_it_is_used_again(store, inside):
    ours = Training(store(), inside, devices=2)
    ours.step()
    before, (_, remembered, _) = ours.weights(), ours.everything()
    for _ in range(2):
        ours.step("a", ignore_stale_grad=True)
    weights, states, _ = ours.everything()
    assert differ(before, weights, "a")
    assert not differ(before, weights, "b")
    same(remembered.get(1, []), states.get(1, []))
    ours.step("b", ignore_stale_grad=True)
    assert differ(before, ours.weights(), "b")


@every
def test_a_stale_gradient_is_an_error_before_the_exchange(store, inside):
    ours, plain = Training(store(), inside, devices=2), Training(store(), inside, devices=2)
    for training in (ours, plain):
        training.step()
    for used, resting in (("a", ()), ("ab", (1,))):
        ours.steps -= 1
        ours.backward(used, resting=resting)
        for weight in ours.params["b"].list_data()[0 if used == "a" else 1 :]:
            weight._fresh_grad = False
        refused(ours, lambda: ours.trainer.step(1), r"(?s)gradient of .*b.* has not been updated by", UserWarning)
    ours.steps = 1
    for training in (ours, plain):
        training.step()
    same(ours.weights(), plain.weights())


@every
def test_a_step_uses_its_gradients_up(store, inside):
    ours = Training(store(), inside)
    for options in ({}, {"ignore_stale_grad": True}):
        ours.step(**options)
        assert not any(parameter.data()._fresh_grad for parameter in ours.params.values())
        refused(ours, lambda: ours.trainer.step(1), "has not been updated by backward", UserWarning)
        before = ours.weights()
        ours.trainer.step(1, ignore_stale_grad=True)
        same(before, ours.weights())


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_devices_that_have_not_used_a_parameter_have_no_vote(inside, momentum):
    """Two of three rest in b: the third decides alone, as if it were the only one."""
    ours, alone = (Training(VoteStore(momentum=momentum), inside, devices=n) for n in (3, 1))
    for _ in range(3):
        ours.backward("a")
        ours.steps -= 1
        ours.step("b", resting=(1, 2), ignore_stale_grad=True)
        alone.step()
    assert not differ(ours.weights(), alone.weights(), "b")
    assert differ(ours.weights(), alone.weights(), "a")


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("store", [MeanStore, HalfStore, TopStore, ErrorFeedbackStore])
def test_devices_that_have_not_used_a_parameter_add_nothing(store, inside):
    ours, alone = (Training(store(), inside, devices=n, names="b") for n in (3, 1))
    for _ in range(3):
        ours.step(resting=(1, 2), ignore_stale_grad=True)
        alone.step()
    same(ours.weights(), alone.weights())


@every
@pytest.mark.parametrize("to", [mx.cpu(0), mx.cpu(1)])
def test_the_only_device_that_has_used_a_parameter_may_be_any(store, inside, to):
    ours = Training(store(), inside, devices=2)
    ours.step(resting=(1 - to.device_id,), ignore_stale_grad=True)
    assert all((weight != 1).any() for weight in ours.weights().values())


@every
def test_a_learning_rate_that_is_set_holds_from_then_on(store, inside):
    ours, plain = Training(store(), inside), Training(store(), inside)
    moves = []
    for training in (ours, plain):
        for _ in range(2):
            training.step()
        if training is ours:
            training.trainer.set_learning_rate(0.25)
        before = training.weights()
        training.step()
        moves.append({name: weight - before[name] for name, weight in training.weights().items()})
    same({name: move / 2 for name, move in moves[0].items()}, moves[1], atol=1e-6)


@every
def test_a_parameter_that_is_frozen_for_a_while_is_one_that_is_not_used(store, inside):
    ours, plain = Training(store(), inside), Training(store(), inside)
    for training in (ours, plain):
        training.step()
    ours.params["b"].grad_req = "null"
    for _ in range(2):
        ours.step("a")
        plain.step("a", ignore_stale_grad=True)
    ours.params["b"].grad_req = "write"
    for training in (ours, plain):
        training.step()
    same(ours.weights(), plain.weights())


@every
def test_gradients_that_add_up(store, inside):
    add_up(store, inside, zeroed=True)


@pytest.mark.parametrize("store", STORES)
def test_gradients_that_nobody_zeroes_grow_from_step_to_step_as_without_a_store(store):
    """Where the store runs the optimizer: else the outcome stands in their place."""
    add_up(store, inside=True, zeroed=False)


def add_up(store, inside: bool, zeroed: bool) -> None:
    ours, plain = Training(store(), inside, grad_req="add"), Training(store(), inside)
    sums = dict.fromkeys("ab", 0)
    for _ in range(3):
        ours.backward()
        ours.backward()
        if zeroed:
            sums = dict.fromkeys("ab", 0)
        for _ in range(2):
            plain.backward()
            sums = {name: sums[name] + plain.params[name].grad() for name in sums}
        for name in sums:
            plain.params[name].grad()[:] = sums[name]
        for training in (ours, plain):
            training.trainer.step(1)
        if zeroed:
            for parameter in ours.params.values():
                parameter.zero_grad()
    same(ours.weights(), plain.weights(), atol=1e-5)


def by_set_data(training: Training) -> None:
    for parameter in training.params.values():
        parameter.set_data(nd.ones(parameter.shape) * 3)


def by_load(training: Training) -> None:
    """As `net.load_parameters` does for each parameter."""
    for parameter in training.params.values():
        parameter._load_init(nd.ones(parameter.shape) * 3, None)


def by_initialize(training: Training) -> None:
    for parameter in training.params.values():
        parameter.initialize(mx.init.Constant(3), ctx=training.contexts, force_reinit=True)


@every
@pytest.mark.parametrize("anew", [by_set_data, by_load, by_initialize])
def test_other_weights(store, inside, anew):
    """Where MXNet resets the trainer all memory is gone; where not, and without a store, all of it stays."""
    ours, plain, other = (Training(store(), inside, devices=2) for _ in range(3))
    for training in (ours, plain):
        for _ in range(3):
            training.step()
    anew(ours)
    reset = inside and anew is not by_initialize
    if reset:
        other.steps, plain = 3, other
    before = plain.weights()
    for training in (ours, plain):
        for _ in range(3):
            training.step()
    moved = {name: weight - before[name] for name, weight in plain.weights().items()}
    same({name: weight - 3 for name, weight in ours.weights().items()}, moved, atol=1e-5)


@every
@pytest.mark.parametrize(("dtype", "bound"), [("float16", 1e-2), ("float64", 1e-6)])
def test_another_type(store, inside, dtype, bound):
    without_state = {"optimizer": "signsgd" if store is VoteStore else "sgd", "devices": 2}
    ours, plain = (Training(store(), inside, **without_state) for _ in range(2))
    for step in range(4):
        if step == 2:
            for parameter in ours.params.values():
                parameter.cast(dtype)
        for training in (ours, plain):
            training.step()
    assert {weight.dtype for weight in ours.weights().values()} == {np.dtype(dtype)}
    for name, weight in ours.weights().items():
        apart = np.abs(weight.astype(float) - plain.weights()[name]) > bound
        assert apart.mean() < (0.05 if dtype == "float16" else 0.02), name  # a sign of what is almost zero may turn


@every
def test_another_type_than_that_of_the_optimizers_memory(store, inside):
    ours = Training(store(), inside, optimizer="plainsgd")
    ours.step()
    ours.params["b"].cast("float16")
    ours.backward()
    refused(
        ours, lambda: ours.trainer.step(1), r"1 \(b\) is float16 now, and what its optimizer remembers .* is float32"
    )


@every
@pytest.mark.parametrize("devices", [1, 2, 3])
def test_other_devices(store, inside, devices):
    """One that joins is one that has not used anything before; two where there were two may be others."""
    ours, plain = Training(store(), inside, devices=2), Training(store(), inside, devices=max(2, devices))
    for _ in range(3):
        ours.step()
        plain.step(resting=(2,), ignore_stale_grad=True)
    contexts = [mx.cpu(5 - i) for i in range(devices)] if devices == 2 else [mx.cpu(i) for i in range(devices)]
    for parameter in ours.params.values():
        parameter.reset_ctx(contexts)
    if devices != 2 and not inside:
        ours.backward()
        refused(
            ours, lambda: ours.trainer.step(1), f"on {devices} devices, and its trainer, .*, was made for 2: make a"
        )
        return
    lost = ours.everything()[1]
    for _ in range(2):
        ours.step()
        plain.step(resting=(1,) if devices == 1 else (), ignore_stale_grad=True)
    if store in (ErrorFeedbackStore, compressed) and devices == 1:
        assert all(len(parts) == 2 for parts in lost.values())
        assert all(len(parts) == 1 for parts in ours.everything()[1].values())
        return
    same(ours.weights(), plain.weights(), atol=1e-6)


@pytest.mark.parametrize("store", [ErrorFeedbackStore, compressed])
def test_the_residual_of_a_device_that_leaves_is_not_lost(store):
    ours, total = Training(store(), devices=2, names="b"), 0
    for step in range(6):
        if step == 3:
            ours.params["b"].reset_ctx([mx.cpu(0)])
        ours.backward()
        total = total + sum(grad.asnumpy() for grad in ours.params["b"].list_grad())
        ours.trainer.step(1)
    left = sum(remembered(ours.store)[0])
    np.testing.assert_allclose((1 - ours.weights()["b"]) / 0.125 + left, total, rtol=0, atol=1e-4)


UNEVEN = [64, 64, 4, 64, 1, 16]


@every
@pytest.mark.parametrize("sign", [1, -1])
def test_batches_of_different_sizes_count_by_their_means(store, inside, sign):
    """A gradient that is the sum over a batch, and one divided by its size before it is handed over."""
    ours, plain = Training(store(), inside, devices=2), Training(store(), inside, devices=2)
    ours.trainer._scale = sign
    for batch in UNEVEN:
        ours.step(batch=batch, factor=batch)
        plain.step(factor=sign)
    if store is HalfStore:
        same(ours.weights(), plain.weights(), atol=0.05)  # in float16, where a sum over 64 is far from a mean
    else:
        same(ours.weights(), plain.weights(), atol=1e-5)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    ("store", "optimizer"), [(VoteStore, "plainsignum"), (ErrorFeedbackStore, "efsignsgd"), (MeanStore, "plainsgd")]
)
def test_batches_of_different_sizes_are_those_of_the_optimizer_without_a_store(store, optimizer, inside):
    ours, plain = Training(store(), inside), Training(None, inside)
    options = {"momentum": 0.9} if optimizer == "plainsignum" else {}
    plain.trainer = gluon.Trainer(plain.params, optimizer, {"learning_rate": 0.125, **options}, kvstore=None)
    for batch in UNEVEN:
        for training in (ours, plain):
            training.step(batch=batch, factor=batch)
    same(ours.weights(), plain.weights(), atol=1e-5)


@remembering
@pytest.mark.parametrize("scale", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("optimizer", [{}, {"optimizer": "sgd"}], ids=["own", "MXNet's"])
def test_what_cannot_be_remembered(store, inside, scale, optimizer):
    ours = Training(store(), inside, **optimizer)
    ours.step()
    ours.backward()
    ours.trainer._scale = scale
    by_optimizer = not optimizer and not np.isfinite(scale)  # which the book's own refuse as soon as it is set
    message = rf"must be a number in \(-inf, inf\), got {scale}" if by_optimizer else f"cannot be {scale:g}"
    refused(ours, lambda: ours.trainer.step(1), f"rescale_grad {message}")


@pytest.mark.parametrize("inside", [True, False])
def test_the_numbers_of_no_store(inside):
    """Momentum, schedule, counts; parameters that are used now and then; batches of different sizes."""
    found = []
    for kvstore in (MeanStore(), None):
        ours = Training(kvstore, inside, names="ab")
        schedule = mx.lr_scheduler.FactorScheduler(step=2, factor=0.5, base_lr=0.125)
        options = {"learning_rate": 0.125, "momentum": 0.5, "wd": 0.25, "lr_scheduler": schedule}
        settings = {"kvstore": kvstore, "update_on_kvstore": inside if kvstore else None}
        ours.trainer = gluon.Trainer(ours.params, "sgd", options, **settings)
        for used, batch in (("ab", 64), ("a", 3), ("b", 64), ("b", 10), ("ab", 7)):
            ours.step(used, batch, factor=batch, ignore_stale_grad=True)
        optimizer = ours.trainer.optimizer
        counts = {key: np.array(count) for key, count in optimizer._index_update_count.items()}
        found.append([ours.weights(), counts, np.array([optimizer.num_update, ours.trainer.learning_rate])])
    same(*found)


@pytest.mark.parametrize("store", OF_GRADIENTS)
def test_allreduce_grads_and_update_apart(store):
    ours, plain = Training(store(), False, devices=2), Training(store(), False, devices=2)
    for _ in range(4):
        ours.backward()
        ours.trainer.allreduce_grads()
        ours.trainer.update(8)
        plain.step(batch=8)
    same(ours.weights(), plain.weights(), atol=1e-3 if store is HalfStore else 1e-6)


@pytest.mark.parametrize("store", OF_GRADIENTS)
def test_allreduce_grads_skips_what_is_not_used(store):
    ours, plain = Training(store(), False, devices=2), Training(store(), False, devices=2)
    for training in (ours, plain):
        training.backward("a")
    ours.trainer.allreduce_grads()
    ours.trainer.update(1, ignore_stale_grad=True)
    plain.trainer.step(1, ignore_stale_grad=True)
    same(ours.weights(), plain.weights())


@pytest.mark.parametrize("store", OF_GRADIENTS)
def test_apart_the_batches_must_be_of_one_size(store):
    """But for the first: then nothing is remembered yet."""
    ours = Training(store(), False)
    for batch in (8, 8, 4):
        ours.backward()
        ours.trainer.allreduce_grads()
        ours.trainer.update(batch)
    ours.backward()
    if ours.store.remembers and ours.store.states:
        refused(ours, ours.trainer.allreduce_grads, r"with another batch size than before: call trainer\.step")
    else:
        ours.trainer.allreduce_grads()


@pytest.mark.parametrize("first", ["step", "apart"])
@pytest.mark.parametrize("store", [VoteStore, ErrorFeedbackStore, TopStore, compressed, PowerStore])
def test_apart_and_together_do_not_mix(store, first):
    ours = Training(store(), False)
    ways = [lambda: ours.trainer.step(8), ours.trainer.allreduce_grads]
    one, other = ways if first == "step" else ways[::-1]
    ours.backward()
    one()
    if first == "apart":
        ours.trainer.update(8)
    ours.backward()
    refused(ours, other, r"trainer\.step, and cannot go on with allreduce_grads, or the other way round")


def test_a_vote_without_momentum_has_nothing_to_mix():
    ours = Training(VoteStore(momentum=0), False)
    for batch in (8, 4, 2):
        ours.backward()
        ours.trainer.allreduce_grads()
        ours.trainer.update(batch)
    ours.step(batch=4)


@every
def test_compression_is_refused(store, inside):
    ours = Training(store(), inside, compression_params={"type": "2bit", "threshold": 0.5})
    ours.backward()
    refused(
        ours, lambda: ours.trainer.step(1), "sends gradients in its own way: make the trainer without compression_p"
    )


@every
def test_two_trainers(store, inside):
    """The first one's numbers are the second one's, too; that it is gone does not free the store."""
    ours = Training(store(), inside)
    ours.step()
    other = Training(ours.store, inside)
    other.backward()
    refused(ours, lambda: other.trainer.step(1), "this store serves another trainer already")
    assert all((weight == 1).all() for weight in other.weights().values())
    ours.step()


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("name", ["votestore", "meanstore", "errorfeedbackstore"])
def test_a_store_by_its_name(name, inside):
    """MXNet makes it, where there are two devices; the trainer is known to it all the same."""
    settings = {"update_on_kvstore": inside, "kvstore": name}
    params = [gluon.Parameter(one, shape=(3,)) for one in "ab"]
    for parameter in params:
        parameter.initialize(Ones(), ctx=[mx.cpu(0), mx.cpu(1)])
    trainer = gluon.Trainer(params, "signsgd", {"learning_rate": 0.5}, **settings)

    def step(used, **options):
        for parameter in used:
            for weight, grad in zip(parameter.list_data(), parameter.list_grad()):
                grad[:], weight._fresh_grad = 1, True
        trainer.step(1, **options)

    step(params)
    step(params[:1], ignore_stale_grad=True)
    with pytest.raises(UserWarning, match=r"gradient of 1 .*b.* has not been updated by backward"):
        step(params[:1])
    assert [weight.asnumpy()[0] for p in params for weight in p.list_data()] == [0, 0, 0.5, 0.5]


def test_two_trainers_of_one_optimizer():
    ours, optimizer = Training(MeanStore()), mx.optimizer.create("plainsgd")
    trainers = [gluon.Trainer(ours.params, optimizer, kvstore=ours.store) for _ in range(2)]
    ours.backward()
    trainers[0].step(1)
    ours.backward()
    refused(ours, lambda: trainers[1].step(1), "this store serves another trainer already")


class Numpy(ExitStack):
    """MXNet's numpy mode, as after `npx.set_np()`."""

    def __enter__(self):
        super().__enter__()
        for mode in (mx.util.np_shape, mx.util.np_array):
            self.enter_context(mode(True))


@every
@pytest.mark.parametrize("devices", [1, 2])
def test_numpy_mode(store, inside, devices):
    with Numpy():
        ours = Training(store(), inside, devices=devices, names="abc")
        assert type(ours.params["a"].data()) is mx.np.ndarray
        for _ in range(3):
            ours.step(ignore_stale_grad=True)
        weights = ours.weights()
        assert (weights["c"] != 1).all()
    plain = Training(store(), inside, devices=devices)
    if store is TopStore:
        return  # which entries go first is decided among all
    for _ in range(3):
        plain.step()
    same({name: weights[name] for name in "ab"}, plain.weights())


GRADS = [np.array([1.0, -2.0, 3.0]), np.array([[4.0, -5.0]])]
KEYS = {"int": 3, "str": "a", "numpy": np.int64(3)}


@pytest.mark.parametrize("store", OF_GRADIENTS)
@pytest.mark.parametrize("numpy_mode", [False, True])
def test_keys_and_arrays_of_all_kinds(store, numpy_mode):
    """By hand, as `KVStoreBase` says: one key or a list, arrays or lists with one a device, `out` or in place."""
    expected = {}
    for key, grad in zip((3, 5), GRADS):
        expected[key] = nd.array(grad)
        store().pushpull(key, expected[key])
    want = [expected[key].asnumpy() for key in (3, 5)]
    make = mx.np.array if numpy_mode else nd.array
    for one, other in ((3, 5), ("a", "b"), (np.int64(3), "b")):
        for many in (False, True):
            for pick in (lambda arrays: arrays, lambda arrays: [[array] for array in arrays]):
                for out in (False, True):
                    kv, grads = store(), [make(grad, dtype="float32") for grad in GRADS]
                    places = [make(0 * grad, dtype="float32") for grad in GRADS] if out else grads
                    given = pick(grads), pick(places) if out else [None, None]
                    if many:
                        kv.pushpull((one, other), given[0], out=given[1] if out else None)
                    else:
                        for key, value, place in zip((one, other), *given):
                            kv.pushpull(key, value, out=place)
                    if store is TopStore and many:
                        continue  # the largest of both
                    same([place.asnumpy() for place in places], want, atol=1e-6)
                    if out:
                        same([grad.asnumpy() for grad in grads], [g.astype("f") for g in GRADS])


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("key", [3, "a", np.int64(3), [3, 5], ("a", "b")])
def test_broadcast_takes_what_pushpull_takes(store, key):
    many = isinstance(key, (list, tuple))
    values = [nd.array(grad) for grad in GRADS] if many else nd.array(GRADS[0])
    outs = [[nd.zeros(grad.shape), nd.zeros(grad.shape)] for grad in GRADS]
    store().broadcast(key, values, outs if many else outs[0])
    for grad, places in zip(GRADS, outs if many else outs[:1]):
        assert all(np.array_equal(place.asnumpy(), grad) for place in places)


@pytest.mark.parametrize("store", OF_GRADIENTS)
@pytest.mark.parametrize("call", ["pushpull", "broadcast"])
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (None, nd.ones(3), "a key must be a whole number or a string, got None"),
        (1.5, nd.ones(3), "a key must be a whole number or a string, got 1.5"),
        ([1, 2], nd.ones(3), "value must be a list with one entry for each of the 2 keys, got NDArray"),
        ([1, 2], [nd.ones(3)], "value must be a list with one entry for each of the 2 keys, got 1"),
        (1, np.ones(3), "value of key 1 must be a dense NDArray, or a list of such, got ndarray"),
        (1, [], "value of key 1 must be a dense NDArray, or a list of such, got an empty list"),
        (
            "a",
            nd.ones((3, 2)).tostype("row_sparse"),
            "value of key 'a' must be a dense .*, got one of storage type 'row_s",
        ),
        (1, [nd.ones(3), nd.ones(2)], r"value of key 1 must be arrays of one shape, got \[\(3,\), \(2,\)\]"),
        (1, [nd.ones(3, dtype="int32")], "must be of type float16 or float32 or float64, got int32"),
        ([1, 1], [nd.ones(3), nd.ones(3)], "parameter 1 does not belong to this step, or comes again"),
    ],
)
def test_arguments_that_cannot_be(store, call, key, value, message):
    if call == "broadcast" and ("comes again" in message or "int32" in message):
        return
    with pytest.raises(ValueError, match=message):
        getattr(store(), call)(key, value, out=value)


@pytest.mark.parametrize("call", ["pushpull", "broadcast"])
def test_places_of_another_shape(call):
    place = nd.zeros(4)
    with pytest.raises(ValueError, match=r"out of key 1 has shape \(4,\), and value \(3,\)"):
        getattr(MeanStore(), call)(1, nd.ones(3), out=place)
    assert not place.asnumpy().any()


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("key", [3, "a"])
def test_an_optimizer_without_a_trainer(store, key):
    """`KVStoreBase`'s own protocol, whatever the gradient is that comes: the array that is handed in stays."""
    kv, weight, grad = store(), nd.ones((4, 4)), nd.ones((4, 4))
    kv.set_optimizer(mx.optimizer.create("plainsgd", learning_rate=0.25))
    for step in range(1, 4):
        kv.pushpull(key, grad, out=weight)
        np.testing.assert_allclose(weight.asnumpy()[0, 0] if store is not TopStore else 1 - step / 4, 1 - step / 4)
    assert (grad.asnumpy() == 1).all()


@pytest.mark.parametrize("wrong", ["sgd", None, gluonbook.optimizers.SignSGD])
def test_what_is_no_optimizer(wrong):
    with pytest.raises(ValueError, match=r"a store runs an mx\.optimizer\.Optimizer, got"):
        MeanStore().set_optimizer(wrong)


def test_the_other_calls_of_a_kvstore():
    """Every public name of MXNet's own stores is there, and works or says in a sentence why not."""
    kv, array = MeanStore(), nd.ones(3)
    assert {name for name in dir(mx.kv.KVStore) if name[0] != "_"} <= set(dir(kv))
    for call in (kv.push, kv.pull, kv.row_sparse_pull):
        with pytest.raises(RuntimeError, match=r"a store mean_local exchanges dense arrays by pushpull\(key"):
            call(3, array)


def module(kvstore, devices: int, inside: bool, optimizer: str = "sgd") -> dict:
    """The weights of a `Module` that was fitted."""
    luck = np.random.RandomState(0)
    X, y = luck.randn(24, 4).astype("f"), luck.randint(0, 2, 24).astype("f")
    out = mx.sym.FullyConnected(mx.sym.Variable("data"), name="fc", num_hidden=2)
    net = mx.mod.Module(mx.sym.SoftmaxOutput(out, name="softmax"), context=[mx.cpu(i) for i in range(devices)])
    with mock.patch.dict(os.environ, MXNET_UPDATE_ON_KVSTORE=str(int(inside))):
        data = mx.io.NDArrayIter(X, y, 8)
        settings = {"optimizer": optimizer, "optimizer_params": {"learning_rate": 0.125}}
        net.fit(data, num_epoch=2, kvstore=kvstore, initializer=mx.init.One(), **settings)
    return {name: value.asnumpy() for name, value in net.get_params()[0].items()}


@every
@pytest.mark.parametrize("devices", [1, 2])
def test_module_fit(store, inside, devices):
    ours = module(store(), devices, inside, "signsgd" if store is VoteStore else "sgd")
    if store in (MeanStore, *GOSSIP):
        same(ours, module(None if devices == 1 else "local", devices, inside), atol=1e-6)
    assert all(np.isfinite(value).all() and (value != 1).any() for value in ours.values())


def test_module_where_several_ranks_would_begin_with_other_weights():
    def begin(link):
        with pytest.raises(RuntimeError, match="with 2 workers let the store run the optimizer"):
            MeanStore(link).init("fc_weight", nd.ones(3))

    ranks(2, begin)


@every
def test_ranks_that_use_different_parameters(store, inside):
    """None hangs, all end alike, and what nobody has used stays; a parameter that one uses is as the method says."""
    used = ["a", "b", "b"]

    def train(link):
        ours = Training(store(link), inside, names="ab")
        ours.step()
        for one in (used[link.rank], "a"):
            ours.step(one, ignore_stale_grad=True)
        before = ours.weights(), ours.everything()[1].get(1, [])
        ours.step("a", ignore_stale_grad=True)
        assert not differ(before[0], ours.weights(), "b") or store in GOSSIP
        same(before[1], ours.everything()[1].get(1, []))
        return ours.weights()

    first, *others = ranks(3, train)
    if store not in GOSSIP:
        assert all(not differ(first, other, name) for other in others for name in first)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("store", [VoteStore, MeanStore, ErrorFeedbackStore])
def test_what_one_rank_has_used_alone(store, inside):
    """Its vote decides; in a mean, the others' gradients are zero."""

    def train(link):
        options = {"momentum": 0} if store is VoteStore else {}
        ours = Training(store(link, **options), inside, names="ab")
        ours.step("ab" if link.rank == 2 else "a", ignore_stale_grad=True)
        return ours.weights()["b"], ours.params["b"].grad().asnumpy(), remembered(ours.store).get(1, [])

    found = ranks(3, train)
    grad = np.random.RandomState([1, 0, ord("b"), 2]).randn(66)
    sent = np.abs(grad).mean() * np.sign(grad) if store is ErrorFeedbackStore else grad
    moved = np.sign(grad) if store is VoteStore else sent / 3
    for weight, *_ in found:
        np.testing.assert_allclose(weight, 1 - 0.125 * moved, rtol=0, atol=1e-6)
    arrays = [sum(isinstance(part, np.ndarray) for part in states) for *_, states in found]
    assert arrays == [0, 0, 0 if store is MeanStore else 1]


@every
def test_whose_only_user_sits_out(store, inside):
    """b has one user, whose gradients are not finite: it stays, or the trainer's optimizer gets zeros."""

    def train(link):
        ours = Training(store(link, nonfinite="zero"), inside, names="ab")
        ours.backward("ab" if link.rank == 1 else "a")
        if link.rank == 1:
            ours.params["a"].grad()[:] = np.nan
        else:
            ours.params["b"].grad()[:] = np.nan  # of no step
        ours.trainer.step(1, ignore_stale_grad=True)
        return ours.weights(), ours.store.abstentions

    for weights, abstentions in ranks(2, train):
        assert (weights["b"] == 1).all()
        assert (weights["a"] != 1).any() or store in GOSSIP  # that of rank 1 is an average of ones
        assert np.isfinite(weights["a"]).all()
        assert abstentions == [0, 1]


@every
def test_a_stale_gradient_of_one_rank_is_an_error_of_all(store, inside):
    def train(link):
        ours = Training(store(link), inside)
        ours.step()
        ours.backward("a" if link.rank == 1 else "ab")
        refused(
            ours, lambda: ours.trainer.step(1), r"of 1 \(b\) on rank 1 has not been updated by backward", UserWarning
        )
        ours.backward("b")
        ours.trainer.step(1)

    ranks(2, train)


@every
def test_ranks_with_batches_of_different_sizes(store, inside):
    """The mean of the ranks' means; and the same bits on all, though each has told its optimizer another size."""

    def train(link, by_hand=False):
        ours = Training(store(link), inside)
        for step in range(4):
            batch = [6, 10, 7][(link.rank + step) % 3]
            ours.step(batch=1 if by_hand else batch, factor=1 if by_hand else batch)
        return ours.weights()

    found, plain = ranks(3, train), ranks(3, lambda link: train(link, by_hand=True))
    same(found, plain, atol=0.02 if store is HalfStore else 1e-5)
    if store not in GOSSIP:
        assert all(not differ(found[0], other, name) for other in found for name in other)


def test_uneven_updates_of_one_rank_are_an_error_of_all():
    def train(link):
        ours = Training(ErrorFeedbackStore(link), False)
        for step in range(3):
            ours.backward()
            ours.trainer.allreduce_grads()
            ours.trainer.update(4 if (link.rank, step) == (1, 2) else 8)
        ours.backward()
        refused(ours, ours.trainer.allreduce_grads, "was called with another batch size than before")

    ranks(2, train)
