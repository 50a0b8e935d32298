"""What a store is called with, which may be one array, one for each device, or lists of either by a list of keys."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, final

from mxnet.ndarray import NDArray
from mxnet.ndarray.sparse import BaseSparseNDArray

from gluonbook.rank.ranks import ranges


@final
class Row(NamedTuple):
    """One key's part of a call; the lists have one array a device: views, not of mx.np, with an axis at least."""

    key: int | str
    values: list[NDArray]
    outs: list[NDArray]


def rows(key: Any, value: Any, out: Any) -> list[Row]:
    """The arguments by key.

    Raises:
        ValueError: a key that is no whole number or string; other than one value and one out a key; what is no dense
            array; or arrays of different shapes.
    """
    if not isinstance(key, (list, tuple)):
        row = Row(_key(key), _arrays(key, "value", value), _arrays(key, "out", out))
        if row.values[0].shape != row.outs[0].shape:
            raise ValueError(f"out of key {key!r} has shape {row.outs[0].shape}, and value {row.values[0].shape}")
        return [row]
    for name, lists in (("value", value), ("out", out)):
        if not isinstance(lists, (list, tuple)) or len(lists) != len(key):
            found = len(lists) if isinstance(lists, (list, tuple)) else type(lists).__name__
            raise ValueError(f"{name} must be a list with one entry for each of the {len(key)} keys, got {found}")
    return [row for one in zip(key, value, out) for row in rows(*one)]


def listing(keys: Sequence[int | str]) -> str:
    """Keys as people write them: numbers as ranges, names one by one."""
    if all(isinstance(key, int) for key in keys):
        return ranges([int(key) for key in keys])
    return ", ".join(map(str, keys))


def _key(key: Any) -> int | str:
    if isinstance(key, str):
        return key
    try:
        return operator.index(key)
    except TypeError:
        raise ValueError(f"a key must be a whole number or a string, got {key!r}") from None


def _arrays(key: Any, name: str, given: Any) -> list[NDArray]:
    arrays = list(given) if isinstance(given, (list, tuple)) else [given]
    if not arrays:
        raise ValueError(f"{name} of key {key!r} must be a dense NDArray, or a list of such, got an empty list")
    for array in arrays:
        if not isinstance(array, NDArray) or isinstance(array, BaseSparseNDArray):
            found = f"one of storage type {array.stype!r}" if isinstance(array, NDArray) else type(array).__name__
            raise ValueError(f"{name} of key {key!r} must be a dense NDArray, or a list of such, got {found}")
    if len({array.shape for array in arrays}) != 1:
        raise ValueError(f"{name} of key {key!r} must be arrays of one shape, got {[array.shape for array in arrays]}")
    # Views of MXNet's own kind; and with an axis, which much of it takes for granted.
    return [array.as_nd_ndarray() if array.shape else array.as_nd_ndarray().reshape(-1) for array in arrays]
