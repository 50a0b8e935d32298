"""Plain averaging of gradients: what one bit is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from mxnet.kvstore import KVStoreBase

from gluonbook.kvstore.gradients import GradientStore
from gluonbook.kvstore.vector import Vector


@KVStoreBase.register
@final
class MeanStore(GradientStore):
    """The mean of all workers' gradients, in float32; a process with several devices hands in their sum.

        grad ← (1/M)·Σ_m Σ_devices grad

    So `Trainer.step(batch_size)` takes the batch size of one process, all its devices together. Arguments and errors
    are those of `Store`.
    """

    method = "mean"
    overlaps = True
    remembers = False

    def aggregate(self, gradients: Vector, voters: Sequence[int]) -> np.ndarray:
        total = gradients.values
        self.link.all_reduce(total)
        total /= np.float32(len(voters))
        return total
