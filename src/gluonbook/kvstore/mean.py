"""Plain averaging of gradients: what one bit is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray

from gluonbook.kernels import memory, views
from gluonbook.kvstore.store import Store


@KVStoreBase.register
@final
class MeanStore(Store):
    """The mean of all workers' gradients, in float32; a process with several devices hands in their sum.

        grad ← (1/M)·Σ_m Σ_devices grad

    So `Trainer.step(batch_size)` takes the batch size of one process, all its devices together. Arguments and errors
    are those of `Store`.
    """

    method = "mean"

    def _message(self, keys: Sequence[int], grads: Sequence[Sequence[NDArray]], counts: bool) -> np.ndarray:
        total = np.zeros(sum(own[0].size for own in grads), np.float32)
        if counts:
            for place, own in zip(_pieces(total, [own[0] for own in grads]), grads):
                for grad in own:
                    place += _flat(grad)
        return total

    def _send(self, message: np.ndarray, voters: Sequence[int]) -> np.ndarray:
        self.link.all_reduce(message)
        message /= np.float32(len(voters))
        return message

    def _write(self, combined: np.ndarray, arrays: list[NDArray]) -> None:
        for piece, array in zip(_pieces(combined, arrays), arrays):
            array[:] = piece.reshape(array.shape)


def _pieces(values: np.ndarray, like: Sequence[NDArray]) -> list[np.ndarray]:
    return np.split(values, np.cumsum([array.size for array in like])[:-1])


def _flat(grad: NDArray) -> np.ndarray:
    if grad.context.device_type == "gpu":
        return grad.asnumpy().reshape(-1)
    flat = memory.flat("gradient", grad)
    views.settle(flat)
    return views.readable(flat).view(flat.dtype)
