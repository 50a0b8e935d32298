"""A method that is given by what it does with gradients as numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import final

import numpy as np
from mxnet.optimizer import Optimizer

from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.finite import LARGEST
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

    What the method is to remember of each parameter goes into `states`, as numpy arrays, say. Gradients come multiplied
    by the optimizer's rescale_grad, so what is kept of a large batch is worth no more beside a small one; a class whose
    `remembers` is false gets them as they are, which saves two passes, and one that changes nothing but the argument of
    `aggregate` may say that it `overlaps`. The optimizer gets what `aggregate` gives as its gradient, and clips that.
    Arguments and errors are those of `Store`.
    """

    examines = True

    @abstractmethod
    def aggregate(self, gradients: Vector, voters: Sequence[int]) -> np.ndarray:
        """One gradient of all ranks', the same on every rank, as values in the order of `gradients.values`, or there.

        `gradients` are this rank's own, the sums over its devices, and may be overwritten; they are zero where it has
        not used a parameter that another rank has. A rank that is not among the `voters` has zeros; it calls the link
        like the others, and leaves alone what it remembers of its own gradients.
        Runs in the store's own thread, while the next gradients are prepared; the calls come in the same order on all
        ranks.
        """

    @final
    def accept(self, optimizer: Optimizer | None) -> None:
        """Any will do."""

    @final
    def message(self, bucket: Bucket) -> Vector:
        """The sums over the devices that have used the parameters, or zeros."""
        gradients = Vector.summed(bucket).times(bucket.terms.rescale, self._left(bucket))
        return gradients.bounded(LARGEST / self.num_workers) if self.overlaps else gradients

    @final
    def exchange(self, message: Vector, bucket: Bucket) -> Vector:
        """See `aggregate`."""
        return Vector(self.aggregate(message, bucket.terms.voters), message.shapes)

    @final
    def apply(self, combined: Vector, bucket: Bucket) -> None:
        """The optimizer's step, by whoever has it."""
        self.deliver(combined.times(self._left(bucket), bucket.terms.common).write, bucket)

    def _left(self, bucket: Bucket) -> float:
        """The part of the optimizer's rescale_grad that what `aggregate` gets is still to be multiplied by."""
        return 1.0 if self.remembers else bucket.terms.common
