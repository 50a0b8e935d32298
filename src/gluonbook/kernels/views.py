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
from typing import final

import numpy as np
from mxnet.base import _LIB, check_call
from mxnet.ndarray import NDArray

from gluonbook.kernels import bits, engine
from gluonbook.kernels.memory import Column, Flat, address

_HALF = np.dtype(np.float16)


@final
class Rows:
    """The arrays of some columns, one row for each place of their list, and where they lie, once they are settled.

    Elements are counted through all rows, each of which begins at a multiple of 64: row i at `begins[i]`.
    """

    def __init__(self, *columns: Column | None) -> None:
        own = [column for column in columns if column is not None]
        self.begins = bits.BITS * bits.begins(own[0].sizes)
        self._sizes = own[0].sizes
        self._handles = np.empty((len(self._sizes), len(own)), np.int64)
        self._addresses = np.zeros(self._handles.shape, np.int64)
        self._kept = []  # what lies where no other object may see to it
        for k, column in enumerate(own):
            self._handles[:, k] = column.handles
            for i, array in enumerate(column.arrays):
                if isinstance(array, np.ndarray):
                    contiguous = np.ascontiguousarray(array)
                    self._kept.append(contiguous)
                    self._addresses[i, k] = address(contiguous)

    def settled(self, first: int, last: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """The rows from `first` to `last`, settled, as the compiled kernels take them: `first` is where they begin."""
        engine.settle(self._handles, self._sizes, self._addresses, first, last)
        return first, self.begins, self._sizes, self._addresses


def settle(*arrays: Flat) -> None:
    """Wait for all operations on the arrays, as `engine.settle` does."""
    handles = [[flat.array.handle.value if isinstance(flat.array, NDArray) else 0] for flat in arrays]
    sizes = np.array([flat.n for flat in arrays], np.int64)
    engine.settle(np.array(handles, np.int64), sizes, np.zeros((len(arrays), 1), np.int64), 0, len(arrays))


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
