"""A validation set: disjoint, complete, fair to each class, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from mxnet.gluon.data import ArrayDataset

from gluonbook import datasets

UNEVEN = np.repeat(np.arange(4), [50, 25, 15, 10])


def numbered(labels):
    """A data set whose samples are their own numbers."""
    return ArrayDataset(np.arange(len(labels)), labels)


@pytest.mark.parametrize("count", [4, 20, 33, 96])
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_each_sample_is_in_one_part_with_its_label(count, seed):
    parts = datasets.hold_out(numbered(UNEVEN), count, seed)
    (rest, rest_y), (held, held_y) = (part[:] for part in parts)
    assert len(held) == count
    assert sorted([*rest, *held]) == list(range(100))
    assert np.array_equal(UNEVEN[rest], rest_y)
    assert np.array_equal(UNEVEN[held], held_y)


@pytest.mark.parametrize("count", [4, 20, 33, 96])
def test_each_class_has_its_share(count):
    held = datasets.hold_out(numbered(UNEVEN), count)[1][:][1]
    fair = np.bincount(UNEVEN) * count / 100
    assert np.abs(np.bincount(held, minlength=4) - fair).max() < 1


def test_the_digits_keep_their_shares():
    train = datasets.load("digits").train
    held = datasets.hold_out(train, 300)[1][:][1]
    assert np.abs(np.bincount(held) - np.bincount(train[:][1]) / 5).max() < 1


def test_the_seed_decides_and_nothing_else_does():
    drawn = []
    for seed in (0, 0, 1):
        np.random.seed(len(drawn))
        drawn.append(datasets.hold_out(numbered(UNEVEN), 20, seed)[1][:][0].tolist())
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) != set(drawn[2])


def test_numpys_generator_is_left_alone():
    np.random.seed(7)
    expected = np.random.rand()
    np.random.seed(7)
    datasets.hold_out(numbered(UNEVEN), 20)
    assert np.random.rand() == expected


def test_labels_that_are_no_classes_are_drawn_at_random():
    rest, held = datasets.hold_out(numbered(np.linspace(0, 1, 10, dtype="float32")), 3)
    assert (len(rest), len(held)) == (7, 3)
    assert sorted([*rest[:][0], *held[:][0]]) == list(range(10))


def test_both_parts_are_copies():
    train = ArrayDataset(np.zeros((10, 2)), np.arange(10) % 2)
    for part in datasets.hold_out(train, 4):
        part[:][0][:] = 1
    assert train[:][0].max() == 0


@pytest.mark.parametrize("count", [0, 100, 2.5, "20"])
def test_a_part_must_not_be_empty(count):
    with pytest.raises(ValueError, match="count must be a whole number from 1 to 99"):
        datasets.hold_out(numbered(UNEVEN), count)


@pytest.mark.parametrize(
    ("labels", "count"), [(UNEVEN, 3), (UNEVEN, 97), (np.array([0, 0, 0, 1]), 2)], ids=["held", "rest", "alone"]
)
def test_a_class_that_one_part_would_lack_is_an_error(labels, count):
    with pytest.raises(ValueError, match="class"):
        datasets.hold_out(numbered(labels), count)


@pytest.mark.parametrize("labels", [np.zeros((100, 2)), np.zeros((100, 1), dtype=int)], ids=["two", "one"])
def test_a_sample_has_one_label(labels):
    with pytest.raises(ValueError, match=r"labels of train must have shape \(100,\), got \(100, [12]\)"):
        datasets.hold_out(numbered(labels), 20)


@pytest.mark.parametrize(
    "train",
    [
        numbered(UNEVEN)[:],
        ArrayDataset(np.arange(100)),
        ArrayDataset(np.arange(100), list(range(100))),
        numbered(UNEVEN).transform_first(float),
        ArrayDataset(np.arange(0), np.arange(0)),
        None,
    ],
    ids=["arrays", "no labels", "a list", "transformed", "empty", "nothing"],
)
def test_what_is_no_set_of_pairs_is_refused(train):
    with pytest.raises(ValueError, match="train must be an ArrayDataset of two NumPy arrays"):
        datasets.hold_out(train, 20)
