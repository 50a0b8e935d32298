"""Gossip on a ring, all ranks at once."""

from __future__ import annotations

from typing import final

import numpy as np

from gluonbook.kvstore import WeightStore
from gluonbook.kvstore.vector import Vector


@final
class RingStore(WeightStore):
    """D-PSGD on a ring of M ranks, with a third for each of three:

        weights ← ⅓·(weights of rank i − 1 + weights of rank i + weights of rank i + 1), modulo M
        weights ← the optimizer's step, by the gradient at the weights of before

    How far ranks are from their mean shrinks by (1 + 2·cos(2π/M))/3 a step, from 4 ranks on: the second eigenvalue of
    that matrix. It sends two messages of all weights, whatever M is. All wait for the slowest neighbour, and so, in the
    end, for the slowest rank. Arguments and errors are those of `WeightStore`.

    Source: Lian, Zhang, Zhang, Hsieh, Zhang and Liu, Can decentralized algorithms outperform centralized algorithms?
    (2017), arXiv:1705.09056, Algorithm 1.
    """

    method = "ring"

    def average(self, weights: Vector) -> np.ndarray:
        if self.num_workers == 1:
            return weights.values  # three times a third of them is not always the same bits
        left, right = (self.rank - 1) % self.num_workers, (self.rank + 1) % self.num_workers
        from_left = self.link.sendrecv(weights.values, to=right, source=left)
        from_right = self.link.sendrecv(weights.values, to=left, source=right)
        return (from_left + weights.values + from_right) / np.float32(3)
