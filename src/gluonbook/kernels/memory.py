"""Arrays as callers give them, one or a list: what may be one, and room for their words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Callable, NamedTuple, TypeVar, Union, final

import numpy as np
from mxnet.ndarray import NDArray
from mxnet.ndarray.sparse import BaseSparseNDArray

from gluonbook.kernels.bits import BITS, words_for

Array = Union[NDArray, np.ndarray]
FLOATS = tuple(map(np.dtype, ("float16", "float32", "float64")))

T = TypeVar("T")


def each(check: Callable[..., T], *arguments: object) -> list[T]:
    """`check` on the arguments that belong to each array, where the first argument is one array or a list of them.

    If it is a list, other arguments are lists of the same length, or numbers or None, which hold for all.

    Raises:
        ValueError: it is a list and another argument is an array, or a list of another length; or what `check`
            raises, with the number of the array in the list.
    """
    if not isinstance(arguments[0], (list, tuple)):
        return [check(*arguments)]
    n = len(arguments[0])
    columns = [[one] * n if one is None or isinstance(one, Real) else one for one in arguments]
    if any(not isinstance(column, (list, tuple)) or len(column) != n for column in columns):
        found = ", ".join(str(len(c)) if isinstance(c, (list, tuple)) else type(c).__name__ for c in columns)
        raise ValueError(f"with a list of {n} arrays all arrays must come in lists of that length, got {found}")
    checked: list[T] = []
    for row in zip(*columns):
        try:
            checked.append(check(*row))
        except ValueError as error:
            raise ValueError(f"array {len(checked)} of the list: {error}") from None
    return checked


@final
class Flat(NamedTuple):
    """An array that has been checked, and what is known of it; to ask MXNet again would take longer than a kernel."""

    array: Array
    dtype: np.dtype
    shape: tuple[int, ...]
    n: int  # elements


def flat(name: str, array: Array, legal: tuple[np.dtype, ...] = FLOATS) -> Flat:
    """The array with its type and shape.

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
    shape = array.shape
    return Flat(array, found, shape, math.prod(shape))


def in_place(name: str, array: Array, legal: tuple[np.dtype, ...] = FLOATS) -> Flat:
    """An array to be changed: raises ValueError as `flat` does, or for a numpy array not writable or not in C order."""
    if isinstance(array, np.ndarray) and not (array.flags.c_contiguous and array.flags.writeable):
        fault = "writable" if array.flags.c_contiguous else "contiguous in C order"
        raise ValueError(f"{name} is changed in place, so it must be {fault}")
    return flat(name, array, legal)


def same_shape(**arrays: Flat) -> None:
    """Raises ValueError unless all arrays have the same shape."""
    shapes = [array.shape for array in arrays.values()]
    if any(shape != shapes[0] for shape in shapes):
        found = ", ".join(f"{name} {shape}" for name, shape in zip(arrays, shapes))
        raise ValueError(f"all arrays must have the same shape, got {found}")


def apart(*changed: Sequence[Flat]) -> None:
    """Raises ValueError if two places in a list have the same memory, of which both would be changed, in any order.

    `changed` has, for each place, the arrays that a kernel changes. Of NDArrays it is known only whether they are the
    same object: where they lie cannot be asked before pending operations are done.
    """
    objects: dict[int, int] = {}
    spans = []
    for place, arrays in enumerate(changed):
        for array, *_ in arrays:
            if isinstance(array, np.ndarray):
                start = array.__array_interface__["data"][0]
                spans.append((start, start + array.nbytes, place))
            else:
                _must_be_one(objects.setdefault(id(array), place), place)
    end, last = 0, 0
    for start, stop, place in sorted(spans):
        if start < min(stop, end):
            _must_be_one(last, place)
        if stop > end:
            end, last = stop, place


def _must_be_one(place: int, other: int) -> None:
    if place != other:
        first, second = sorted((place, other))
        raise ValueError(f"arrays {first} and {second} of the list are in the same memory: none may come twice")


def words(name: str, array: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The words of the signs of arrays with these numbers of elements, contiguous.

    Raises:
        ValueError: this is no numpy array of uint64 with one axis, or it has another length than the signs need.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.uint64 or array.ndim != 1:
        found = f"{array.dtype}, shape {array.shape}" if hasattr(array, "dtype") else type(array).__name__
        raise ValueError(f"{name} must be a numpy array of uint64 with one axis, as pack makes it, got {found}")
    needed = sum(map(words_for, sizes))
    if len(array) != needed:
        signs = f"{sum(sizes)} signs" + (f" in {len(sizes)} arrays" if len(sizes) > 1 else "")
        raise ValueError(f"{name} has {len(array)} words of {BITS} signs, but {signs} need {needed}")
    return np.ascontiguousarray(array)


def marks(name: str, array: np.ndarray | None, n: int) -> list[np.ndarray | None]:
    """A mark for each of n arrays, set to False, as views of one element; None for each where there is no array.

    Raises:
        ValueError: this is neither None nor a writable numpy array of bool, n long.
    """
    if array is None:
        return [None] * n
    if not isinstance(array, np.ndarray) or array.dtype != bool or array.shape != (n,) or not array.flags.writeable:
        found = f"{array.dtype}, shape {array.shape}" if hasattr(array, "dtype") else type(array).__name__
        raise ValueError(f"{name} must be a writable numpy array of bool with {n} elements, one an array, got {found}")
    array[:] = False
    return list(array.reshape(-1, 1))


def room(out: np.ndarray | None, sizes: Sequence[int]) -> np.ndarray:
    """Where to write such words: `out`, or a new array. Raises ValueError where `out` does not fit."""
    if out is None:
        return np.empty(sum(map(words_for, sizes)), np.uint64)
    if words("out", out, sizes) is not out or not out.flags.writeable:
        raise ValueError("out must be contiguous and writable")
    return out
