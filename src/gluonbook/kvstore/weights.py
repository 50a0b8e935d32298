"""A method that averages weights, not gradients."""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import numpy as np
from mxnet.optimizer import Optimizer

from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.store import Store
from gluonbook.kvstore.vector import Vector


class WeightStore(Store):
    """A store whose ranks exchange weights, by one function, `average`, and each steps by its own gradient: gossip.

        weights ← average(weights of this rank, those of others)
        weights ← the optimizer's step, by the sum of the gradients of this rank's devices

    The average is in float32. Weights may differ between ranks, and are never compared. A rank whose gradient is not
    finite, with `nonfinite="zero"`, leaves out the second line, and so does one that has not used the parameter, where
    another has. Other arguments and errors are those of `Store`.

    Raises:
        ValueError: the trainer is to run the optimizer (`update_on_kvstore=False`), or it has `multi_precision`.
    """

    remembers = False

    def __init__(self, link: str | Link = "local", *, nonfinite: str = "raise") -> None:
        super().__init__(link, nonfinite=nonfinite, check_every=0)

    @abstractmethod
    def average(self, weights: Vector) -> np.ndarray:
        """An average of this rank's weights and those of others, as values in the order of `weights.values`, or there.

        `weights` may be overwritten. Every rank calls this, whatever its gradient, and the calls come in the same order
        on all. Runs in the store's own thread, while the next weights are prepared.
        """

    @final
    def accept(self, optimizer: Optimizer | None) -> None:
        """It must be here, and keep no copy of the weights."""
        if optimizer is None:
            raise ValueError(f"a store {self.type} moves weights: make the trainer without update_on_kvstore=False")
        if optimizer.multi_precision:
            raise ValueError(f"a store {self.type} cannot reach the copies of the weights that multi_precision keeps")

    @final
    def message(self, bucket: Bucket) -> Vector:
        """The weights."""
        own = [devices[0] for devices in bucket.outs]
        weights = Vector.zeros(bucket.keys, own)
        weights.add(own)
        return weights

    @final
    def exchange(self, message: Vector, bucket: Bucket) -> Vector:
        """See `average`."""
        return Vector(self.average(message), message.shapes)

    @final
    def apply(self, combined: Vector, bucket: Bucket) -> None:
        """The average, and this rank's own step from there."""
        for device in zip(*bucket.outs):
            combined.write(device)
        if bucket.devices:
            terms = bucket.terms
            Vector.summed(bucket).times(terms.rescale, terms.common).write(bucket.totals)
            self.run_optimizer(bucket)
