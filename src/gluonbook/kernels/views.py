"""The host's memory that an array lies in, as a flat numpy view, safe from pending operations.

MXNet's engine runs operations later, in threads of its own. Before a kernel touches an array it waits until all
operations on it are done; then it runs in the caller's thread, so whatever the caller does next finds it done, too.

The other way is to push the kernel itself into the engine, which then orders it and leaves the caller free. It would
be wrong: a kernel needs the address of memory in C order, and oneDNN's convolutions rearrange their weights in place,
into blocks, at any inference. `MXNDArrayGetData` puts them back, but it cannot be called inside the engine, and what
it says outside may no longer be so when the kernel's turn comes.
"""

from __future__ import annotations

import ctypes

import numpy as np
from mxnet.base import _LIB, check_call
from mxnet.ndarray import NDArray

from gluonbook.kernels import native
from gluonbook.kernels.memory import Flat

_HALF = np.dtype(np.float16)
_HOST = ctypes.byref((ctypes.c_int * 2)(1, 0))  # the engine's Context: type CPU, number 0
_INLINE = ctypes.byref(ctypes.c_int(4))  # its FnProperty::kAsync: runs in the thread that pushes, if nothing is pending
_NOTHING = ctypes.c_void_p(native.nothing.address)


def settle(*arrays: Flat) -> None:
    """Wait for all operations on the arrays, as for writing them, also on those that are only to be read.

    For reading, it would seem enough to wait for those that write. But an inference, which reads the weights of a
    convolution, pushes one more operation while it runs, which rearranges them. An operation that writes nothing
    comes after the inference, and makes a new version of the array, for which a later rearrangement does nothing.
    `MXNDArrayWaitToWrite` does the same at five times the cost: its operation always runs in another thread.

    Those that write come first. To wait is an operation, too: behind the one that writes nothing it would come into
    the engine's queue when backward's next operation is in it already, and so wait for that one's gradient as well.
    """
    placed = [flat.array.handle for flat in arrays if isinstance(flat.array, NDArray)]
    for handle in placed:
        check_call(_LIB.MXNDArrayWaitToRead(handle))
    for handle in placed:
        check_call(
            _LIB.MXEnginePushSyncND(_NOTHING, None, None, _HOST, None, 0, ctypes.byref(handle), 1, _INLINE, 0, None)
        )
    for handle in placed:
        check_call(_LIB.MXNDArrayWaitToRead(handle))


def readable(flat: Flat) -> np.ndarray:
    """The elements, settled, in C order, to read: a view where they lie so, else a copy."""
    if isinstance(flat.array, NDArray):
        return _view(flat)
    return _bits(np.ascontiguousarray(flat.array).reshape(-1))


def writable(flat: Flat) -> np.ndarray:
    """The elements, settled, in C order, to change in place."""
    return _view(flat) if isinstance(flat.array, NDArray) else _bits(flat.array.reshape(-1))


def _view(flat: Flat) -> np.ndarray:
    if not flat.n:
        return _bits(np.empty(0, flat.dtype))
    address = ctypes.c_void_p()
    check_call(_LIB.MXNDArrayGetData(flat.array.handle, ctypes.byref(address)))
    memory = (ctypes.c_char * (flat.n * flat.dtype.itemsize)).from_address(address.value)
    memory.owner = flat.array  # as long as the view lives, so does its memory
    return _bits(np.frombuffer(memory, flat.dtype))


def _bits(array: np.ndarray) -> np.ndarray:
    """float16 as its bits, which is how the compiled kernels take it."""
    return array.view(np.uint16) if array.dtype == _HALF else array
