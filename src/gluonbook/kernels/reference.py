"""What the kernels compute, in numpy: slow, plain, and the definition that every other form equals bit for bit.

All arrays are flat; those that a step changes are changed in place. Every operation is rounded to the type of the
arrays, in the order written here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gluonbook.kernels import hyper
from gluonbook.kernels.bits import BITS, words_for


def signum_step(
    weight: np.ndarray, grad: np.ndarray, mom: np.ndarray, constants: hyper.Signum, half: np.ndarray | None = None
) -> None:
    """One Signum step; `half` is a copy of the weight in float16, renewed by it."""
    with np.errstate(all="ignore"):
        c = _in(mom.dtype, constants)
        old = weight.copy()
        mom[:] = c.momentum * mom - c.damped_wd * old - _damped(grad.astype(mom.dtype), c)
        sign = (mom > 0).astype(mom.dtype) - (mom < 0).astype(mom.dtype)
        weight[:] = c.shrink * old + c.lr * sign
        if half is not None:
            half[:] = weight


def momentum_pack(
    mom: np.ndarray, grad: np.ndarray, constants: hyper.Signum, step: int = 0, new: np.ndarray | None = None
) -> np.ndarray:
    """Renew `mom`, or write the new momentum to `new`, and pack the signs of its negative."""
    new = mom if new is None else new
    with np.errstate(all="ignore"):
        c = _in(mom.dtype, constants)
        new[:] = c.momentum * mom - _damped(grad.astype(mom.dtype), c)
        return pack(-new, step)


def _in(dtype: np.dtype, constants: hyper.Signum) -> hyper.Signum:
    return hyper.Signum(*map(dtype.type, constants))


def _damped(grad: np.ndarray, c: hyper.Signum) -> np.ndarray:
    if c.clip < 0:
        return c.damped_rescale * grad
    scaled = c.rescale * grad
    return c.damping * np.where(scaled > c.clip, c.clip, np.where(scaled < -c.clip, -c.clip, scaled))


def pack(x: np.ndarray, step: int = 0) -> np.ndarray:
    """The words of the signs of x; where there is none, of (−1)^(step + i)."""
    positive = np.zeros(words_for(x.size) * BITS, np.uint8)
    positive[: x.size] = np.where((x > 0) | (x < 0), x > 0, (step + np.arange(x.size)) % 2 == 0)
    return np.packbits(positive, bitorder="little").view("<u8").astype(np.uint64)


def unpack(words: np.ndarray, n: int, dtype: np.dtype) -> np.ndarray:
    """n numbers +1 and −1."""
    bits = np.unpackbits(words.astype("<u8").view(np.uint8), bitorder="little")[:n]
    return np.where(bits == 1, dtype.type(1), dtype.type(-1))


def vote(ballots: Sequence[np.ndarray], step: int = 0) -> np.ndarray:
    """The majority of each bit, and in a tie the sign of (−1)^(step + i)."""
    n = len(ballots[0]) * BITS
    ayes = np.sum([unpack(ballot, n, np.dtype(np.int32)) > 0 for ballot in ballots], axis=0, dtype=np.int32)
    return pack(2 * ayes - len(ballots), step)


def apply_signs(weight: np.ndarray, words: np.ndarray, lr: np.floating, wd: np.floating) -> None:
    """weight ← weight − lr·(±1 + wd·weight), in the type of `lr`, then rounded to the weight's."""
    with np.errstate(all="ignore"):
        wide = weight.astype(lr.dtype)
        direction = unpack(words, weight.size, lr.dtype)
        if wd != 0:
            direction = direction + wd * wide
        weight[:] = wide - lr * direction


def nonfinite(x: np.ndarray) -> bool:
    """Whether any element of x is NaN or infinite."""
    return not np.isfinite(x).all()
