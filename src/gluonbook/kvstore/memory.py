"""What a method remembers of a parameter on each device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray


def beside(states: dict[Any, Any], key: Any, grads: Sequence[NDArray], dtype: Any) -> list[NDArray]:
    """What is remembered of a parameter, an array for each of its gradients, one a device; zeros at first.

    A training may go on with other devices (`reset_ctx`) or another type (`cast`). A device that has joined begins with
    zeros; what devices that have left remembered comes after the others.
    """
    own = states.setdefault(key, [])
    for device, grad in enumerate(grads):
        if device == len(own):
            own.append(nd.zeros(grad.shape, grad.context, dtype))
        elif own[device].context != grad.context or np.dtype(own[device].dtype) != dtype:
            own[device] = own[device].astype(dtype).as_in_context(grad.context)
    return own
