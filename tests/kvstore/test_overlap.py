"""Exchanges that begin while backward still computes: that they do, and that nothing else is different."""

from __future__ import annotations

import threading
import time
from functools import partial

import mxnet as mx
import numpy as np
import pytest
from made_up import remembered
from mxnet import gluon, nd
from threads import ranks

from gluonbook.kvstore import (
    CompressedStore,
    ErrorFeedbackStore,
    Feedback,
    MeanStore,
    PowerStore,
    TopK,
    VoteStore,
    bucket,
    readiness,
)
from operations import operation


def compressed(link="local", **options) -> CompressedStore:
    """The largest entries, and the others later."""
    return CompressedStore(link, codec=TopK(0.1), memory=Feedback(), **options)


STORES = (VoteStore, MeanStore, ErrorFeedbackStore, compressed, PowerStore)
every = pytest.mark.parametrize("store", STORES)
NAMES = [f"layer{k}" for k in (1, 2, 9, 10)]  # a trainer has layer10 behind layer1, and backward computes it first
SHAPE = (30, 20)


@pytest.fixture
def small(monkeypatch):
    """A message for each parameter, though all are small."""
    monkeypatch.setattr(bucket, "_LEAST", 1)


class Training:
    """Four parameters with made-up gradients."""

    def __init__(self, store):
        self.store = store
        self.params = {name: gluon.Parameter(name, shape=SHAPE) for name in NAMES}
        for parameter in self.params.values():
            parameter.initialize(mx.init.One())
        optimizer = "signsgd" if isinstance(store, VoteStore) else "plainsgd"
        self.trainer = gluon.Trainer(self.params, optimizer, {"learning_rate": 0.125}, kvstore=store)

    def step(self, number: int, spoiled: str | None = None) -> None:
        for name, parameter in self.params.items():
            luck = np.random.RandomState([number, self.store.rank, *name.encode()])
            parameter.grad()[:] = nd.array(luck.randn(*SHAPE))
            parameter.data()._fresh_grad = True
        if spoiled:
            self.params[spoiled].grad()[3, 4] = np.nan
        self.trainer.step(1)

    def all(self) -> list:
        weights = [parameter.data().asnumpy() for parameter in self.params.values()]
        return [*weights, *(part for key in sorted(remembered(self.store)) for part in remembered(self.store)[key])]


def equal(one: list, other: list) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other))


@every
def test_what_is_ready_travels_while_backward_computes_the_rest(small, monkeypatch, store):
    """The gradient of the first layer is not there before those of all others have been exchanged."""
    training = Training(store())
    training.step(0)
    sent, three, in_time = [], threading.Event(), []
    exchange = training.store.exchange

    def counted(message, bucket):
        sent.append(bucket.keys)
        if len(sent) == len(NAMES) - 1:
            three.set()
        return exchange(message, bucket)

    monkeypatch.setattr(training.store, "exchange", counted)
    last = operation(lambda: in_time.append(three.wait(20)), training.params["layer1"].grad(), beside=True)
    for parameter in training.params.values():
        parameter.data()._fresh_grad = True
    training.trainer.step(1)
    assert in_time == [True]
    assert [training.trainer._params[key].name for (key,) in sent] == ["layer10", "layer9", "layer2", "layer1"]
    del last


@every
def test_messages_of_any_size_end_in_the_same_bits(monkeypatch, store):
    def train(link):
        training = Training(store(link))
        for number in range(4):
            training.step(number)
        return training.all()

    whole = ranks(3, train)
    monkeypatch.setattr(bucket, "_LEAST", 1)
    for one, other in zip(whole, ranks(3, train)):
        assert equal(one, other)


@every
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_finite_changes_nothing_however_late_it_is_found(small, store, name):
    """Other gradients of the same step have been exchanged by then."""

    def train(link):
        training = Training(store(link))
        training.step(0)
        before = [np.array(part) for part in training.all()]
        with pytest.raises(FloatingPointError, match=rf"the gradient of \d \({name}\) on rank 1 is not finite"):
            training.step(1, spoiled=name if link.rank == 1 else None)
        unchanged = equal(before, training.all())
        training.step(2)
        return unchanged, training.all()

    def spared(link):
        training = Training(store(link))
        training.step(0)
        training.step(2)
        return training.all()

    for (unchanged, found), expected in zip(ranks(3, train), ranks(3, spared)):
        assert unchanged and equal(found, expected)


@every
def test_who_sits_out_does_so_in_messages_that_were_exchanged_before(monkeypatch, store):
    """The last gradient of rank 1 is found to be no number: the others exchange all once more, without it."""

    def train(link):
        training = Training(store(link, nonfinite="zero"))
        for number in range(3):
            training.step(number, spoiled="layer1" if (link.rank, number) == (1, 1) else None)
        return training.store.abstentions, training.all()

    whole = ranks(3, train)
    monkeypatch.setattr(bucket, "_LEAST", 1)
    for (abstentions, one), (_, other) in zip(ranks(3, train), whole):
        assert abstentions == [0, 1, 0] and equal(one, other)


def test_what_is_ready_first_goes_first_once_it_has_been_seen(small, monkeypatch):
    """Here backward computes the layers in another order than that of their names."""
    order = ["layer2", "layer10", "layer1", "layer9"]
    training = Training(VoteStore())
    training.step(0)
    exchange, sent, pending, chain = training.store.exchange, [], [], nd.zeros(1)

    def counted(message, bucket):
        sent.append(training.trainer._params[bucket.keys[0]].name)
        return exchange(message, bucket)

    monkeypatch.setattr(training.store, "exchange", counted)
    for _ in range(2):
        sent.clear()
        begin = threading.Event()
        pending.append(operation(partial(begin.wait, 20), chain, *(p.grad() for p in training.params.values())))
        for name in order:
            pending.append(operation(partial(time.sleep, 0.01), chain, training.params[name].grad()))
            training.params[name].data()._fresh_grad = True
        threading.Timer(0.2, begin.set).start()
        training.trainer.step(1)
    assert sent == order


def test_all_ranks_follow_the_order_that_rank_0_has_seen(small, monkeypatch):
    monkeypatch.setattr(readiness.Watch, "order", property(lambda watch: orders[threading.current_thread().name]))
    orders = {}

    def train(link):
        orders[threading.current_thread().name] = [2, 0, 3, 1] if link.rank == 0 else [0, 1, 2, 3]
        training = Training(MeanStore(link))
        for number in range(2):
            training.step(number)
        (order,) = training.store._readiness._orders.values()
        return list(order)

    assert ranks(3, train) == [[2, 0, 3, 1]] * 3
