"""What a method remembers of a parameter on each device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray


def beside(own: Sequence[NDArray], grads: Sequence[NDArray], dtype: Any) -> list[NDArray]:
    """What is remembered of a parameter, an array for each of its gradients, one a device; zeros at first.

    A training may go on with other devices (`reset_ctx`) or another type (`cast`). A device that has joined begins with
    zeros; what devices that have left remembered comes after the others.
    """
    joined = [_moved(old, grad, dtype) for old, grad in zip(own, grads)]
    return [*joined, *(nd.zeros(grad.shape, grad.context, dtype) for grad in grads[len(own) :]), *own[len(grads) :]]


def _moved(old: NDArray, grad: NDArray, dtype: Any) -> NDArray:
    if old.context == grad.context and np.dtype(old.dtype) == dtype:
        return old
    return old.astype(dtype).as_in_context(grad.context)
