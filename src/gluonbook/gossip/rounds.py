"""Gossip in rounds: everybody is paired with somebody, and all pairs average at once."""

from __future__ import annotations

from typing import final

import numpy as np

from gluonbook.checks import whole_number
from gluonbook.kvstore import Link, WeightStore
from gluonbook.kvstore.vector import Vector


def pairing(seed: int, number: int, size: int) -> np.ndarray:
    """The partner of each of `size` ranks in round `number`, from 0: all are paired at random, by (seed, number).

    It is mutual, partner[partner] = rank. Of an odd number of ranks one is left over, and is its own partner.

    Raises:
        ValueError: `seed` is no whole number from 0 below 2³¹, `number` none from 0, or `size` none from 1.
    """
    seed, number = whole_number("seed", seed, 0, 2**31 - 1), whole_number("number", number, 0)
    size = whole_number("size", size, 1)
    # numpy promises never to change RandomState's streams, and does not promise it for its newer Generator.
    luck = np.random.RandomState(np.random.MT19937(np.random.SeedSequence((seed, number))))
    order, partners = luck.permutation(size), np.arange(size)
    half = size // 2
    partners[order[:half]], partners[order[half : 2 * half]] = order[half : 2 * half], order[:half]
    return partners


def mixed(weights: np.ndarray, seed: int, number: int) -> np.ndarray:
    """The weights of all ranks, (size, d), after the averaging of round `number`, without a step.

    Raises ValueError as `pairing` does.
    """
    return _mean(weights, weights[pairing(seed, number, len(weights))])


def _mean(own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return (own + theirs) * 0.5  # the same bits for both of a pair


@final
class RoundsStore(WeightStore):
    """AD-PSGD by a clock: in each step a rank averages with the partner that `pairing` gives it.

        weights ← ½·(weights of this rank + those of its partner in round t)
        weights ← the optimizer's step, by the gradient at the weights of before

    How many rounds a parameter has had is in `states`, so that a run goes on from a checkpoint with the pairs of one
    that was not interrupted: bit for bit. All ranks are made with one `seed`; the other arguments and the errors are
    those of `WeightStore`.

    Source: Lian, Zhang, Zhang and Liu, Asynchronous decentralized parallel stochastic gradient descent (2018),
    arXiv:1710.06952, Algorithm 1, without what is asynchronous.
    """

    method = "rounds"

    def __init__(self, link: str | Link = "local", *, seed: int = 0, nonfinite: str = "raise") -> None:
        self.seed = whole_number("seed", seed, 0, 2**31 - 1)
        super().__init__(link, nonfinite=nonfinite)
        self.agree(f"pairs by seed={self.seed}")

    def average(self, weights: Vector) -> np.ndarray:
        # Counted by parameter: those of one step travel in several messages, and are to have the same pairs.
        numbers = [self.states.get(key, 0) for key in weights.shapes]
        self.states.update((key, number + 1) for key, number in zip(weights.shapes, numbers))
        partner = int(pairing(self.seed, numbers[0], self.num_workers)[self.rank])
        return _mean(weights.values, self.link.sendrecv(weights.values, to=partner, source=partner))
