"""Arrays of numpy's as MXNet's, and of MXNet's with room for a sum."""

from __future__ import annotations

import ctypes

import mxnet as mx
import numpy as np
from mxnet.base import _LIB, check_call
from mxnet.util import is_np_array

_ON_HOST = {"cpu", "cpu_pinned", "cpu_shared"}


def as_ndarray(values: np.ndarray) -> mx.nd.NDArray:
    """What mx.nd.array(values, dtype=values.dtype) is, a copy in the current context, in a fraction of the time.

    `mx.nd.array` makes an array, asks the engine whether anybody is still at work on it, and waits until another thread
    answers. Of an array that is new nobody else can know: where it lies in the host's memory, that is just written.
    """
    if mx.context.current_context().device_type not in _ON_HOST or not values.ndim or not values.size:
        return mx.nd.array(values, dtype=values.dtype)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    fresh = mx.nd.empty(values.shape, dtype=values.dtype)
    address = ctypes.c_void_p()
    check_call(_LIB.MXNDArrayGetData(fresh.handle, ctypes.byref(address)))
    ctypes.memmove(address, values.ctypes.data, values.nbytes)
    return fresh


def as_array(values: np.ndarray) -> mx.nd.NDArray:
    """The same, and in MXNet's numpy mode an array of `mx.np`."""
    array = as_ndarray(values)
    return array.as_np_ndarray() if is_np_array() else array


def wide(array: mx.nd.NDArray) -> mx.nd.NDArray:
    """`array` itself, or in float32 if it is float16, whose sums and counts end at 65504."""
    return array.astype(np.promote_types(array.dtype, np.float32), copy=False)
