"""The kernels between numbers and bits, and the one that looks for numbers that say nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mxnet.ndarray import NDArray

from gluonbook.checks import whole_number
from gluonbook.kernels import bits, memory
from gluonbook.kernels.form import NonFinite, Pack, Unpack
from gluonbook.kernels.forms import by_form, form_on, gpu_of, host
from gluonbook.kernels.memory import Array

MAX_BALLOTS = 4096


def pack(
    x: Array | Sequence[Array], *, step: int = 0, bad: np.ndarray | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """The signs of x, 64 in a word: bit 1 for +, bit 0 for −; zero and NaN draw theirs, + where step + i is even.

    Args:
        step: which step it is, of which worker: step + rank, so that the lots of two workers cancel each other.
        bad: a numpy array of bool, one an array, which gets True where NaN or infinity is in it, else False: what
            `nonfinite` says, found in the same pass over memory.

    Returns:
        The words, uint64, in `out` if given.

    Raises:
        ValueError: x is not of float16, float32 or float64, `step` is no whole number from 0, `out` is no array for
            the words, or `bad` none for the marks.
    """
    zeros = bits.lots(whole_number("step", step, 0))
    own = _arrays("x", x)
    words = memory.room(out, own.sizes)
    for form, job in by_form(Pack(own, zeros, words, memory.marks("bad", bad, len(own.sizes)))):
        form.pack(job)
    return words


def unpack(
    words: np.ndarray,
    n: int | None = None,
    dtype: str | np.dtype | type | None = None,
    *,
    out: Array | Sequence[Array] | None = None,
) -> Array | Sequence[Array]:
    """Signs as numbers +1 and −1: the first n as a new numpy array of `dtype`, or those of the arrays `out`, into them.

    Without `out`, `dtype` is float32 if none is given; with it, both are those of the arrays.

    Raises:
        ValueError: `words` has another length than the signs need, a type is not float16, float32 or float64, or `n` or
            `dtype` is given beside `out`.
    """
    if out is None:
        n, kind = whole_number("n", n, 0), np.dtype("float32" if dtype is None else dtype)
        if kind not in memory.FLOATS:
            raise ValueError(f"dtype must be {' or '.join(map(str, memory.FLOATS))}, got {kind}")
        out = np.empty(n, kind)
    elif n is not None or dtype is not None:
        raise ValueError(f"n={n} and dtype={dtype} have no effect beside out, which says how many signs of which type")

    own = _arrays("out", out, changed=True)
    memory.apart(own)
    for form, job in by_form(Unpack(own, memory.words("words", words, own.sizes))):
        form.unpack(job)
    return out


def nonfinite(x: Array | Sequence[Array]) -> list[int]:
    """Which arrays of a list hold a NaN or an infinity: their numbers, [0] for a single array, or [].

    Raises:
        ValueError: x is not of float16, float32 or float64.
    """
    own = _arrays("x", x)
    found = np.zeros(len(own.sizes), bool)
    for form, job in by_form(NonFinite(own, found)):
        form.nonfinite(job)
    return np.flatnonzero(found).tolist()


def vote(
    ballots: np.ndarray | Sequence[np.ndarray] | NDArray, *, step: int = 0, out: np.ndarray | None = None
) -> np.ndarray | NDArray:
    """The majority of each bit over M ballots, M from 1 to 4096; in a tie, bit i of an array is 1 if step + i is even.

    Args:
        ballots: an array (M, words) or M arrays of equally many words, uint64, as `pack` makes them; or an NDArray
            (M, words) of int64, which has the same bits, for ballots that are on a GPU.
        step: which step it is, the same for all who count.

    Returns:
        The words of the majority, uint64, in `out` if given; it may be one of the ballots. Or an NDArray of int64.

    Raises:
        ValueError: no ballots, too many, of different lengths, or not of the type; `step` is no whole number from 0; or
            `out` is no array for the words.
    """
    whole_number("step", step, 0)
    if isinstance(ballots, NDArray):
        return _vote_of_table(ballots, step, out)
    whole_number("the number of ballots", len(ballots), 1, MAX_BALLOTS)
    sizes = np.array([np.size(ballots[0]) * bits.BITS])
    checked = [memory.words(f"ballot {i}", ballot, sizes) for i, ballot in enumerate(ballots)]
    words = memory.room(out, sizes)
    host().count(checked, step, words)
    return words


def _arrays(name: str, given: Array | Sequence[Array], *, changed: bool = False) -> memory.Column:
    listed, (arrays,) = memory.lists(given)
    return memory.column(name, arrays, listed, changed=changed)


def _vote_of_table(table: NDArray, step: int, out: object) -> NDArray:
    if out is not None or len(table.shape) != 2 or table.dtype != np.int64:
        found = f"{np.dtype(table.dtype)}, shape {table.shape}, out={out}"
        raise ValueError(f"an NDArray of ballots must be int64, of shape (M, words), with no out, got {found}")
    whole_number("the number of ballots", len(table), 1, MAX_BALLOTS)
    return form_on(gpu_of(table)).vote(table, step)
