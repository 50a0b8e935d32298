"""Gossip in rounds and on a ring: the stores against loops in NumPy, bit for bit."""

from __future__ import annotations

import goals
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threads import ranks

from gluonbook import checkpoint
from gluonbook.gossip import RingStore, RoundsStore, mixed, pairing


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", [0, 7])
def test_rounds_are_the_loop(size, seed):
    found = ranks(size, lambda link: goals.trained(*goals.begun(RoundsStore(link, seed=seed)), link.rank, goals.STEPS))
    np.testing.assert_array_equal(np.stack(found), goals.loop(size, lambda x, t: mixed(x, seed, t)))
    assert size == 1 or np.ptp(found, axis=0).max() > 0.1


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_a_ring_is_the_loop(size):
    found = ranks(size, lambda link: goals.trained(*goals.begun(RingStore(link)), link.rank, goals.STEPS))
    third = lambda x, t: (np.roll(x, 1, axis=0) + x + np.roll(x, -1, axis=0)) / np.float32(3)  # noqa: E731
    np.testing.assert_array_equal(np.stack(found), goals.loop(size, third))


@pytest.mark.parametrize("kind", [RoundsStore, RingStore])
def test_gossip_of_one_is_training_alone(kind):
    with_store, alone = (goals.trained(*goals.begun(store, 0.9), 0, goals.STEPS) for store in (kind(), None))
    np.testing.assert_array_equal(with_store, alone)


def test_rounds_go_on_exactly(tmp_path):
    """With the pairs of the run that was not interrupted, in which the second half is of other pairs than the first."""

    def run(link):
        net, trainer = goals.begun(RoundsStore(link, seed=2), 0.9)
        goals.trained(net, trainer, link.rank, 3)
        path = checkpoint.save(tmp_path / f"rank-{link.rank}", net, trainer, step=3, epoch=0)
        whole = goals.trained(net, trainer, link.rank, 5)
        net, trainer = goals.begun(RoundsStore(link, seed=2), 0.9)
        checkpoint.load(path, net, trainer)
        return whole, goals.trained(net, trainer, link.rank, 5)

    assert len({tuple(pairing(2, number, 4)) for number in range(8)}) > 2
    for whole, resumed in ranks(4, run):
        np.testing.assert_array_equal(whole, resumed)


@given(st.integers(0, 2**31 - 1), st.integers(0, 10**6), st.integers(1, 9))
def test_a_pairing_is_mutual_and_leaves_over_one_at_most(seed, number, size):
    partners = pairing(seed, number, size)
    np.testing.assert_array_equal(partners[partners], np.arange(size))
    assert (partners == np.arange(size)).sum() == size % 2
    np.testing.assert_array_equal(partners, pairing(seed, number, size))


def test_all_pairs_come_equally_often():
    met = np.zeros((4, 4))
    for number in range(600):
        met[np.arange(4), pairing(1, number, 4)] += 1
    assert met[~np.eye(4, dtype=bool)].min() > 150  # of 200; with five standard deviations of 11.5


@given(st.integers(1, 6), st.integers(0, 100))
def test_averaging_keeps_the_sum_and_brings_ranks_together(size, seed):
    x = np.random.RandomState(seed).randint(-64, 65, (size, 5)).astype(np.float32) * 2**10  # halved exactly, ten times
    total, before = x.sum(axis=0), np.ptp(x, axis=0)
    apart = before
    for number in range(10):
        x = mixed(x, seed, number)
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x.sum(axis=0), total)
        assert (np.ptp(x, axis=0) <= before).all()
        before = np.ptp(x, axis=0)
    assert size == 1 or (before < apart).any()


def test_weights_that_are_whole_numbers_are_averaged_all_the_same():
    assert mixed(np.array([[1], [2]]), 0, 0).tolist() == [[1.5], [1.5]]


@pytest.mark.parametrize("size", [4, 8, 16])
def test_a_ring_comes_together_by_its_second_eigenvalue(size):
    """The wave that goes round once is the slowest to vanish."""
    wave = np.cos(2 * np.pi * np.arange(size) / size).astype(np.float32)

    def run(link):
        net, trainer = goals.begun(RingStore(link))
        for parameter in net.collect_params().values():
            parameter.lr_mult = 0.0
        goals.trained(net, trainer, link.rank, 1)  # in the first step all get the weights of rank 0
        for parameter in net.collect_params().values():
            parameter.data()[:] = float(wave[link.rank])
        return goals.trained(net, trainer, link.rank, 1)[0]

    eigenvalue = (1 + 2 * np.cos(2 * np.pi / size)) / 3
    np.testing.assert_allclose(ranks(size, run), eigenvalue * wave, atol=1e-6)


def test_ranks_with_other_pairs_are_refused():
    def run(link):
        with pytest.raises(ValueError, match=r"pairs by seed=0.*pairs by seed=1|pairs by seed=1.*pairs by seed=0"):
            RoundsStore(link, seed=link.rank)

    ranks(2, run)
    with pytest.raises(ValueError, match=r"^seed must be a whole number from 0 to 2147483647, got -1$"):
        RoundsStore(seed=-1)
