"""What MXNet says of arrays, and when it has done with them, for a whole list at once."""

from __future__ import annotations

import ctypes

import numpy as np
from mxnet.base import _LIB, check_call

from gluonbook.kernels import native, native_engine

_HOST = (ctypes.c_int * 2)(1, 0)  # the engine's Context: type CPU, number 0
_INLINE = ctypes.c_int(4)  # its FnProperty::kAsync: runs in the thread that pushes, if nothing is pending
_ASKED = (
    _LIB.MXNDArrayGetDType,
    _LIB.MXNDArrayGetShapeEx64,
    _LIB.MXEnginePushSyncND,
    _LIB.MXNDArrayWaitToRead,
    _LIB.MXNDArrayGetData,
)
_FUNCTIONS = np.array(
    [
        *(ctypes.cast(function, ctypes.c_void_p).value for function in _ASKED),
        native.nothing.address,
        ctypes.addressof(_HOST),
        ctypes.addressof(_INLINE),
    ],
    np.int64,
)


def ask(handles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The types of arrays, as MXNet numbers them, their shapes, and their sizes; see `memory.Column`.

    What is no NDArray has the handle 0, and gets the type -1 and no axes.
    """
    n = len(handles)
    kinds, sizes = np.full(n, -1, np.int64), np.zeros(n, np.int64)
    shapes = np.zeros((n, 1 + native_engine.MOST_AXES), np.int64)
    check_call(native_engine.ask(_FUNCTIONS, handles, kinds, shapes, sizes))
    return kinds, shapes, sizes


def settle(handles: np.ndarray, sizes: np.ndarray, addresses: np.ndarray, first: int, last: int) -> None:
    """Wait for all operations on the arrays of some rows, as for writing them, also on those that are only to be read.

    For reading, it would seem enough to wait for those that write. But an inference, which reads the weights of a
    convolution, pushes one more operation while it runs, which rearranges them. An operation that writes nothing
    comes after the inference, and makes a new version of the array, for which a later rearrangement does nothing.
    `MXNDArrayWaitToWrite` does the same at five times the cost: its operation always runs in another thread.

    Those that write come first. To wait is an operation, too: behind the one that writes nothing it would come into
    the engine's queue when backward's next operation is in it already, and so wait for that one's gradient as well.

    Args:
        handles: those of the arrays, a row each for what belongs together, 0 for what is no NDArray
        sizes: how many elements the arrays of a row have; where there are none, there is nothing to wait for
        addresses: where the arrays lie, to be filled
        first: the number of the first row; the last ones are waited for first
        last: that after the last
    """
    check_call(native_engine.settle(_FUNCTIONS, handles, sizes, addresses, first, last))
