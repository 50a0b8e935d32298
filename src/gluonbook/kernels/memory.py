"""Arrays as callers give them, one or a list: what may be one, and room for their words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, NamedTuple, TypeVar, Union, final

import numpy as np
from mxnet.ndarray import NDArray
from mxnet.ndarray.ndarray import _DTYPE_NP_TO_MX
from mxnet.ndarray.sparse import BaseSparseNDArray

from gluonbook.kernels.bits import BITS, begins

Array = Union[NDArray, np.ndarray]
FLOATS = tuple(map(np.dtype, ("float16", "float32", "float64")))

_HALF, _SINGLE, _ = FLOATS
_DENSE = NDArray, np.ndarray
_KINDS = {dtype: _DTYPE_NP_TO_MX[dtype.type] for dtype in FLOATS}
_DTYPES = {kind: dtype for dtype, kind in _KINDS.items()}
_WIDER = _KINDS[_SINGLE], _KINDS[_HALF]
_ABSENT, _OTHER = -1, -2  # where there is no array; a type of numpy that MXNet need not know
_ALIKE = {float, int, type(None), *map(type, FLOATS)}  # equal ones of these types mean the same

T = TypeVar("T")


def lists(*arguments: object) -> tuple[bool, list[list]]:
    """Whether the first argument is a list of arrays, and each argument as a list with something for each array.

    If it is a list, other arguments are lists of the same length, or numbers or None, which hold for all.

    Raises:
        ValueError: it is a list and another argument is an array, or a list of another length.
    """
    if not isinstance(arguments[0], (list, tuple)):
        return False, [[one] for one in arguments]
    n = len(arguments[0])
    columns: list[Any] = [[one] * n if one is None or isinstance(one, Real) else one for one in arguments]
    if any(not isinstance(column, (list, tuple)) or len(column) != n for column in columns):
        found = ", ".join(str(len(c)) if isinstance(c, (list, tuple)) else type(c).__name__ for c in columns)
        raise ValueError(f"with a list of {n} arrays all arrays must come in lists of that length, got {found}")
    return True, columns


def each(check: Callable[..., T], listed: bool, *columns: Sequence) -> list[T]:
    """`check` on what belongs to each array: numbers, and types of arrays; called once for those that are alike.

    Raises:
        ValueError: what `check` raises, with the number of the array in the list.
    """
    plain = all(set(map(type, column)) <= _ALIKE for column in columns)
    rows = [*zip(*columns)]
    if plain and rows and rows.count(rows[0]) == len(rows):
        return [check(*rows[0])] * len(rows)
    made: dict[object, T] = {}
    results = []
    for i, row in enumerate(rows):
        key = row if plain else i
        if key not in made:
            try:
                made[key] = check(*row)
            except ValueError as error:
                raise ValueError(f"{_which(listed, i)}{error}") from None
        results.append(made[key])
    return results


def _which(listed: bool, i: int) -> str:
    return f"array {i} of the list: " if listed else ""


@final
class Flat(NamedTuple):
    """An array that has been checked, and what is known of it."""

    array: Array
    dtype: np.dtype
    shape: tuple[int, ...]
    n: int  # elements


@final
class Column(NamedTuple):
    """One argument of a call, an array for each place of the list, and what MXNet said of all of them at once.

    It is asked anew at each call, so that an array may be replaced, cast, reshaped or moved between two of them.
    """

    name: str
    listed: bool  # whether they came as a list
    arrays: Sequence[Array | None]  # None where a place has none
    handles: np.ndarray  # MXNet's; 0 for numpy arrays and for None
    kinds: np.ndarray  # the types, as MXNet numbers them
    shapes: np.ndarray  # a row each: the number of axes, their lengths, zeros
    sizes: np.ndarray  # elements

    @property
    def absent(self) -> np.ndarray:
        """Where there is no array."""
        return self.kinds == _ABSENT

    def dtype(self, i: int) -> Any:
        """The type of an array, an np.dtype; None where there is none."""
        return _DTYPES.get(int(self.kinds[i]))

    def computed_in(self) -> list[np.dtype]:
        """The type that each array is computed in: float32 for float16."""
        return [_SINGLE if kind == _KINDS[_HALF] else _DTYPES[kind] for kind in self.kinds.tolist()]

    def dtypes(self) -> list[np.dtype]:
        """The types of the arrays, of which none is absent."""
        return [_DTYPES[kind] for kind in self.kinds.tolist()]

    def part(self, rows: slice) -> Column:
        """Some of the places."""
        known = self.handles[rows], self.kinds[rows], self.shapes[rows], self.sizes[rows]
        return Column(self.name, self.listed, self.arrays[rows], *known)

    def or_else(self, other: Column) -> Column:
        """These arrays, and where there is none, the other's, which has all and the same shapes."""
        missing = self.absent
        arrays = [another if own is None else own for own, another in zip(self.arrays, other.arrays)]
        handles, kinds = np.where(missing, other.handles, self.handles), np.where(missing, other.kinds, self.kinds)
        return Column(self.name, self.listed, arrays, handles, kinds, other.shapes, other.sizes)

    def beside(self, other: Column) -> Column:
        """Those of these arrays that have one of the other's beside them."""
        arrays = [None if another is None else own for own, another in zip(self.arrays, other.arrays)]
        handles, kinds = np.where(other.absent, 0, self.handles), np.where(other.absent, _ABSENT, self.kinds)
        return Column(self.name, self.listed, arrays, handles, kinds, self.shapes, self.sizes)

    def flats(self) -> list[Any]:
        """The arrays one by one, each a `Flat`; None where there is none."""
        known = enumerate(zip(self.arrays, self.sizes.tolist()))
        return [None if one is None else Flat(one, self.dtype(i), self.shape(i), n) for i, (one, n) in known]

    def shape(self, i: int) -> tuple[int, ...]:
        """The shape of an array."""
        axes, *lengths = self.shapes[i].tolist()
        return tuple(lengths[:axes])


def column(
    name: str,
    arrays: Sequence[Array | None],
    listed: bool = False,
    legal: tuple[np.dtype, ...] = FLOATS,
    *,
    like: Column | None = None,
    wider: bool = False,
    changed: bool = False,
    optional: bool = False,
) -> Column:
    """The arrays, checked.

    Args:
        legal: the types that they may have
        like: a column whose types they must have, place by place, instead
        wider: whether float32 will do as well beside float16
        changed: whether they are to be changed in place
        optional: whether None may stand for an array

    Raises:
        ValueError: one is no array, a sparse one, or one of a type that is not legal; or it is to be changed, and it is
            a numpy array not writable or not in C order.
    """
    # The forms are imported when they are first used, and so is this: numba alone takes longer than the rest.
    from gluonbook.kernels.engine import ask

    if not all(issubclass(kind, _DENSE) and not issubclass(kind, BaseSparseNDArray) for kind in set(map(type, arrays))):
        _must_be_arrays(name, arrays, listed, optional)
    handles = np.array([array.handle.value if isinstance(array, NDArray) else 0 for array in arrays], np.int64)
    kinds, shapes, sizes = ask(handles)
    for i, array in enumerate(arrays):
        if not isinstance(array, np.ndarray):
            continue
        if changed and not (array.flags.c_contiguous and array.flags.writeable):
            fault = "writable" if array.flags.c_contiguous else "contiguous in C order"
            raise ValueError(f"{_which(listed, i)}{name} is changed in place, so it must be {fault}")
        kinds[i], shapes[i, 0], sizes[i] = _KINDS.get(array.dtype, _OTHER), array.ndim, array.size
        shapes[i, 1 : 1 + array.ndim] = array.shape
    own = Column(name, listed, arrays, handles, kinds, shapes, sizes)
    must_be_legal(own, legal, like, wider)
    axes, most = shapes[:, 0].tolist(), shapes.shape[1] - 1
    if axes and not 0 <= min(axes) <= max(axes) <= most:
        i = next(i for i, number in enumerate(axes) if not 0 <= number <= most)
        raise ValueError(f"{_which(listed, i)}{name} must have a known shape of at most {most} axes, got {axes[i]}")
    return own


def _must_be_arrays(name: str, arrays: Sequence, listed: bool, optional: bool) -> None:
    for i, array in enumerate(arrays):
        if not isinstance(array, _DENSE) and not (optional and array is None):
            found = type(array).__name__
            raise ValueError(f"{_which(listed, i)}{name} must be an NDArray or a numpy array, got {found}")
        if isinstance(array, BaseSparseNDArray):
            found = f"an NDArray of storage type {array.stype!r}"
            raise ValueError(f"{_which(listed, i)}{name} must be dense, got {found}")


def must_be_legal(
    own: Column,
    legal: tuple[np.dtype, ...],
    like: Column | None = None,
    wider: bool = False,
    where: np.ndarray | bool = True,
) -> None:
    """Raises ValueError for the first array, of those of some places, whose type is not legal: see `column`."""
    if like is None:
        kinds = {_KINDS[dtype] for dtype in legal}
        right = [kind in kinds for kind in own.kinds.tolist()]
    else:
        pairs = zip(own.kinds.tolist(), like.kinds.tolist())
        right = [one == other or (wider and (one, other) == _WIDER) for one, other in pairs]
    if all(right):
        return
    for i in np.flatnonzero(~np.array(right) & where).tolist():
        array = own.arrays[i]
        if array is not None:
            if like is not None:
                dtype = like.dtype(i)
                legal = (dtype, _SINGLE) if wider and dtype == _HALF else (dtype,)
            found = None if own.kinds[i] == _ABSENT else np.dtype(array.dtype)
            types = " or ".join(map(str, legal))
            raise ValueError(f"{_which(own.listed, i)}{own.name} must be of type {types}, got {found}")


def flat(name: str, array: Array, legal: tuple[np.dtype, ...] = FLOATS) -> Flat:
    """One array, checked as `column` does."""
    (own,) = column(name, [array], legal=legal).flats()
    return own


def in_place(name: str, array: Array, legal: tuple[np.dtype, ...] = FLOATS) -> Flat:
    """One array to be changed, checked as `column` does."""
    (own,) = column(name, [array], legal=legal, changed=True).flats()
    return own


def same_shape(*columns: Column) -> None:
    """Raises ValueError unless the arrays of each place, those that it has, have the same shape."""
    first, *others = columns
    for other in others:
        if first.shapes.tobytes() == other.shapes.tobytes():
            continue
        differ = (first.shapes != other.shapes).any(axis=1) & ~other.absent
        if differ.any():
            i = int(np.argmax(differ))
            found = ", ".join(f"{own.name} {own.shape(i)}" for own in columns)
            raise ValueError(f"{_which(first.listed, i)}all arrays must have the same shape, got {found}")


def apart(*changed: Column) -> None:
    """Raises ValueError if two places in a list have the same memory, of which both would be changed, in any order.

    `changed` has the columns that a kernel changes. Of NDArrays it is known only whether they are the same: where they
    lie cannot be asked before pending operations are done.
    """
    handles = [handle for column in changed for handle in column.handles.tolist() if handle]
    if len(set(handles)) < len(handles):
        objects: dict[int, int] = {}
        for column in changed:
            for place, handle in enumerate(column.handles.tolist()):
                if handle:
                    _must_be_one(objects.setdefault(handle, place), place)
    spans = []
    for column in changed:
        for place, array in enumerate(column.arrays):
            if isinstance(array, np.ndarray):
                start = address(array)
                spans.append((start, start + array.nbytes, place))
    end, last = 0, 0
    for start, stop, place in sorted(spans):
        if start < min(stop, end):
            _must_be_one(last, place)
        if stop > end:
            end, last = stop, place


def address(array: np.ndarray) -> int:
    """Where a numpy array lies."""
    return array.__array_interface__["data"][0]


def _must_be_one(place: int, other: int) -> None:
    if place != other:
        first, second = sorted((place, other))
        raise ValueError(f"arrays {first} and {second} of the list are in the same memory: none may come twice")


def words(name: str, array: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The words of the signs of arrays with these numbers of elements, contiguous.

    Raises:
        ValueError: this is no numpy array of uint64 with one axis, or it has another length than the signs need.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.uint64 or array.ndim != 1:
        found = f"{array.dtype}, shape {array.shape}" if hasattr(array, "dtype") else type(array).__name__
        raise ValueError(f"{name} must be a numpy array of uint64 with one axis, as pack makes it, got {found}")
    needed = int(begins(sizes)[-1])
    if len(array) != needed:
        signs = f"{int(sizes.sum())} signs" + (f" in {len(sizes)} arrays" if len(sizes) > 1 else "")
        raise ValueError(f"{name} has {len(array)} words of {BITS} signs, but {signs} need {needed}")
    return np.ascontiguousarray(array)


def marks(name: str, array: np.ndarray | None, n: int) -> np.ndarray | None:
    """A mark for each of n arrays, set to False; None where there is no array for them.

    Raises:
        ValueError: this is neither None nor a writable numpy array of bool, n long.
    """
    if array is None:
        return None
    if not isinstance(array, np.ndarray) or array.dtype != bool or array.shape != (n,) or not array.flags.writeable:
        found = f"{array.dtype}, shape {array.shape}" if hasattr(array, "dtype") else type(array).__name__
        raise ValueError(f"{name} must be a writable numpy array of bool with {n} elements, one an array, got {found}")
    array[:] = False
    return array


def room(out: np.ndarray | None, sizes: np.ndarray) -> np.ndarray:
    """Where to write such words: `out`, or a new array. Raises ValueError where `out` does not fit."""
    if out is None:
        return np.empty(int(begins(sizes)[-1]), np.uint64)
    if words("out", out, sizes) is not out or not out.flags.writeable:
        raise ValueError("out must be contiguous and writable")
    return out
