from __future__ import annotations

import random

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mxnet.gluon import data

from gluonbook.training.batches import ReproducibleLoader, ShuffledBatches
from gluonbook.training.samples import Samples
from gluonbook.training.seeds import set_seed

lengths, sizes, seeds = st.integers(1, 300), st.integers(1, 400), st.integers(0, 2**40)


@settings(deadline=None)
@given(lengths, sizes, seeds, st.integers(0, 1000))
def test_batches_cover_every_index_once(length, batch_size, seed, epoch):
    batches = list(ShuffledBatches(length, batch_size, seed, epoch))
    assert len(batches) == len(ShuffledBatches(length, batch_size, seed, epoch)) == -(-length // batch_size)
    assert sorted(i for batch in batches for i in batch) == list(range(length))
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= batch_size


@settings(deadline=None)
@given(lengths, sizes, seeds, st.integers(0, 1000), seeds)
def test_order_is_a_function_of_seed_and_epoch_alone(length, batch_size, seed, epoch, noise):
    first = list(ShuffledBatches(length, batch_size, seed, epoch))
    np.random.seed(noise % 2**32)
    random.seed(noise)
    moved = ShuffledBatches(length, batch_size, seed)
    list(moved)
    moved.epoch = epoch
    assert list(moved) == first
    whole = next(iter(ShuffledBatches(length, length, seed, epoch)))
    assert [i for batch in first for i in batch] == whole, "the batch size must not change the order"


@settings(deadline=None)
@given(lengths, sizes, seeds, st.data())
def test_start_gives_the_tail(length, batch_size, seed, draw):
    whole = list(ShuffledBatches(length, batch_size, seed))
    start = draw.draw(st.integers(0, len(whole)))
    tail = ShuffledBatches(length, batch_size, seed, start=start)
    assert list(tail) == whole[start:]
    assert len(tail) == len(whole) - start


def test_without_shuffling_the_order_is_that_of_the_data():
    batches = ShuffledBatches(8, 3, seed=5, epoch=2, start=1, shuffle=False)
    assert list(batches) == [[3, 4, 5], [6, 7]]
    assert len(batches) == 2


def test_neighbouring_seeds_and_epochs_differ():
    orders = [tuple(next(iter(ShuffledBatches(100, 100, seed, epoch)))) for seed in range(5) for epoch in range(5)]
    assert len(set(orders)) == 25


def test_order_is_frozen():
    # A checkpoint of today must find the same batches in any later version of numpy.
    assert list(ShuffledBatches(8, 3, seed=5, epoch=2)) == [[2, 1, 3], [6, 0, 5], [7, 4]]


@pytest.mark.parametrize(
    ("argument", "value"),
    [("length", 0), ("batch_size", 0), ("batch_size", 2.0), ("seed", -1), ("epoch", -1), ("start", 5)],
)
def test_bad_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=rf"{argument} must be a whole number from .* got {value!r}"):
        ShuffledBatches(**{"length": 10, "batch_size": 3, "seed": 0, argument: value})


def test_as_batch_sampler_of_a_data_loader():
    dataset = data.ArrayDataset(np.arange(10, dtype="float32"), np.arange(10))
    batches = ShuffledBatches(10, 4, seed=1)
    seen = [X.asnumpy().astype(int).tolist() for X, _ in data.DataLoader(dataset, batch_sampler=batches)]
    assert seen == list(batches)


def noisy(X):
    """An augmentation that draws from all three generators."""
    return X + mx.nd.random.uniform(shape=X.shape) + random.random() + np.random.rand()


def augmented() -> data.Dataset:
    return data.ArrayDataset(np.zeros((10, 2), "float32"), np.arange(10)).transform_first(
        lambda X: noisy(mx.nd.array(X))
    )


def batches_seen(dataset, epoch: int, start: int, num_workers: int = 0) -> list:
    batches = ShuffledBatches(10, 3, seed=1, epoch=epoch, start=start)
    with ReproducibleLoader(Samples("train", dataset), batches, num_workers) as loader:
        return [(X.asnumpy().tolist(), y.asnumpy().tolist()) for X, y in loader]


def test_augmentation_is_a_function_of_seed_and_step():
    whole = batches_seen(augmented(), epoch=2, start=0)
    set_seed(9)
    expected = random.random(), np.random.rand()
    set_seed(9)
    assert batches_seen(augmented(), epoch=2, start=2) == whole[2:]
    assert (random.random(), np.random.rand()) == expected
    values = [value for X, _ in whole for value in np.ravel(X)]
    assert len(set(values)) == len(values) == 20, "every sample gets noise of its own"
    assert batches_seen(augmented(), epoch=3, start=0)[0][0] != whole[0][0]


def test_workers_do_not_change_what_is_drawn():
    assert batches_seen(augmented(), epoch=1, start=1, num_workers=2) == batches_seen(augmented(), epoch=1, start=1)


def test_one_loader_serves_many_epochs():
    batches = ShuffledBatches(10, 3, seed=1)
    with ReproducibleLoader(Samples("train", augmented()), batches, num_workers=1) as loader:
        for epoch in range(3):
            batches.epoch, batches.start = epoch, epoch
            seen = [(X.asnumpy().tolist(), y.asnumpy().tolist()) for X, y in loader]
            assert seen == batches_seen(augmented(), epoch, start=epoch)
