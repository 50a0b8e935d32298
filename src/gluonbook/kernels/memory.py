"""Arrays as callers give them: what may be one, and how many words go with it."""

from __future__ import annotations

import math
from typing import Union

import numpy as np
from mxnet.ndarray import NDArray
from mxnet.ndarray.sparse import BaseSparseNDArray

Array = Union[NDArray, np.ndarray]
BITS = 64
FLOATS = tuple(map(np.dtype, ("float16", "float32", "float64")))


def dtype(name: str, array: Array, legal: tuple[np.dtype, ...] = FLOATS) -> np.dtype:
    """The type of the elements.

    Raises:
        ValueError: this is no array, a sparse one, or one of a type that is not legal.
    """
    if not isinstance(array, (NDArray, np.ndarray)):
        raise ValueError(f"{name} must be an NDArray or a numpy array, got {type(array).__name__}")
    if isinstance(array, BaseSparseNDArray):
        raise ValueError(f"{name} must be dense, got an NDArray of storage type {array.stype!r}")
    found = np.dtype(array.dtype)
    if found not in legal:
        raise ValueError(f"{name} must be of type {' or '.join(map(str, legal))}, got {found}")
    return found


def same_shape(**arrays: Array) -> int:
    """The number of elements of each array. Raises ValueError unless all have the same shape."""
    shapes = [array.shape for array in arrays.values()]
    if any(shape != shapes[0] for shape in shapes):
        found = ", ".join(f"{name} {shape}" for name, shape in zip(arrays, shapes))
        raise ValueError(f"all arrays must have the same shape, got {found}")
    return math.prod(shapes[0])


def in_place(**arrays: Array) -> None:
    """Raises ValueError for a numpy array that cannot be written, or does not lie in C order without gaps."""
    for name, array in arrays.items():
        if isinstance(array, np.ndarray) and not (array.flags.c_contiguous and array.flags.writeable):
            fault = "writable" if array.flags.c_contiguous else "contiguous in C order"
            raise ValueError(f"{name} is changed in place, so it must be {fault}")


def words(name: str, array: np.ndarray, n: int) -> np.ndarray:
    """The words of n signs, contiguous.

    Raises:
        ValueError: this is no numpy array of uint64 with one axis, or it has another length than n signs need.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.uint64 or array.ndim != 1:
        found = f"{array.dtype}, shape {array.shape}" if hasattr(array, "dtype") else type(array).__name__
        raise ValueError(f"{name} must be a numpy array of uint64 with one axis, as pack makes it, got {found}")
    if len(array) != words_for(n):
        raise ValueError(f"{name} has {len(array)} words of {BITS} signs, but {n} signs need {words_for(n)}")
    return np.ascontiguousarray(array)


def room(out: np.ndarray | None, n: int) -> np.ndarray:
    """Where to write the words of n signs: `out`, or a new array. Raises ValueError where `out` does not fit."""
    if out is None:
        return np.empty(words_for(n), np.uint64)
    if words("out", out, n) is not out or not out.flags.writeable:
        raise ValueError("out must be contiguous and writable")
    return out


def words_for(n: int) -> int:
    """How many words hold n signs."""
    return -(-n // BITS)
