"""A method that is given by what it does with gradients as numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import final

import numpy as np
from mxnet.optimizer import Optimizer

from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.store import Store
from gluonbook.kvstore.vector import Vector


class GradientStore(Store):
    """A store whose method is one function of gradients in float32, `aggregate`; `MeanStore` is the exact one.

        @KVStoreBase.register
        @final
        class HalfStore(GradientStore):
            method = "half"

            def aggregate(self, gradients, voters):
                halves = self.link.all_gather(gradients.values.astype(np.float16))
                return halves[voters].mean(axis=0, dtype=np.float32)

    The optimizer gets what `aggregate` gives as its gradient, and rescales and clips that.

    What the method is to remember of each parameter goes into `states`, as numpy arrays, say. Arguments and errors are
    those of `Store`.
    """

    @abstractmethod
    def aggregate(self, gradients: Vector, voters: Sequence[int]) -> np.ndarray:
        """One gradient of all ranks', the same on every rank, as values in the order of `gradients.values`, or there.

        `gradients` are this rank's own, the sums over its devices, and may be overwritten. A rank that is not among the
        `voters` has zeros; it calls the link like the others, and leaves alone what it remembers of its own gradients.
        Runs in the store's own thread, while the next gradients are prepared; the calls come in the same order on all
        ranks.
        """

    @final
    def accept(self, optimizer: Optimizer | None) -> None:
        """Any will do."""

    @final
    def message(self, bucket: Bucket) -> Vector:
        """The sums over the devices, or zeros."""
        gradients = Vector.zeros(bucket.keys, [own[0] for own in bucket.grads])
        if bucket.counts:
            for device in zip(*bucket.grads):
                gradients.add(device)
        return gradients

    @final
    def exchange(self, message: Vector, voters: Sequence[int]) -> Vector:
        """See `aggregate`."""
        return Vector(self.aggregate(message, voters), message.shapes)

    @final
    def apply(self, combined: Vector, bucket: Bucket) -> None:
        """The optimizer's step, by whoever has it."""
        self.deliver(combined.write, bucket)
