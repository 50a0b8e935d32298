"""Hyper-parameters as the kernels need them: checked, read as MXNet reads them, and multiplied out once."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, final

import numpy as np

from gluonbook.checks import plain_number, real


@final
class Signum(NamedTuple):
    """The constants of a Signum step: numbers of the arrays' type, those of float16 as float32."""

    lr: np.floating
    momentum: np.floating
    damping: np.floating  # 1 − momentum
    damped_wd: np.floating  # (1 − momentum)·wd
    damped_rescale: np.floating  # (1 − momentum)·rescale_grad
    rescale: np.floating
    clip: np.floating  # negative: no clipping, as in the built-in operator
    shrink: np.floating  # 1 − lr·wd_lh


def signum(
    dtype: np.dtype,
    lr: float,
    momentum: float,
    wd: float,
    wd_lh: float,
    rescale_grad: float,
    clip: float | None,
    legal: str = "(-inf, inf)",
) -> Signum:
    """The constants of a Signum step in `dtype`, each operation rounded to it as the built-in operator does.

    `lr` and `wd` lie in the interval `legal`: those of an optimizer have multipliers in them, which may be negative.
    """
    return _signum(dtype, *map(_hashable, (lr, momentum, wd, wd_lh, rescale_grad, clip)), legal)


@lru_cache(maxsize=4096, typed=True)
def _signum(
    dtype: np.dtype,
    lr: float,
    momentum: float,
    wd: float,
    wd_lh: float,
    rescale_grad: float,
    clip: float | None,
    legal: str,
) -> Signum:
    real("lr", lr, legal)
    real("wd", wd, legal)
    real("wd_lh", wd_lh, "[0, inf)")
    real("momentum", momentum, "[0, 1)")
    real("rescale_grad", rescale_grad, "(-inf, inf)")
    if clip is not None:
        real("clip_gradient", clip, "(0, inf)")
    read = number(dtype)
    lr, momentum, wd, wd_lh, rescale = map(read, (lr, momentum, wd, wd_lh, rescale_grad))
    one = dtype.type(1)
    damping = one - momentum
    with np.errstate(over="ignore"):
        constants = lr, momentum, damping, damping * wd, damping * rescale, rescale, one - lr * wd_lh
    *others, shrink = map(np.result_type(dtype, np.float32).type, constants)
    return Signum._make([*others, type(shrink)(-1 if clip is None else read(clip)), shrink])


@final
class Signs(NamedTuple):
    """The constants of a step by signs, numbers of one type."""

    lr: np.floating
    wd: np.floating


def signs(dtype: np.dtype, lr: float, wd: float) -> Signs:
    """`lr` and `wd` as numbers of `dtype`."""
    return _signs(dtype, _hashable(lr), _hashable(wd))


@lru_cache(maxsize=4096, typed=True)
def _signs(dtype: np.dtype, lr: float, wd: float) -> Signs:
    real("lr", lr, "[0, inf)")
    real("wd", wd, "[0, inf)")
    return Signs(number(dtype)(lr), number(dtype)(wd))


def _hashable(value: Any) -> Any:
    """What holds a number as that number; those of numpy stay of their type, by which MXNet reads them."""
    plain = value if isinstance(value, (int, float, np.generic)) else plain_number(value)
    if isinstance(plain, Fraction):
        return float(plain)
    return plain if isinstance(plain, Hashable) else repr(plain)  # which is refused


def number(dtype: np.dtype):
    """The function that turns a Python number into one of `dtype`: MXNet's for types up to float32."""
    if dtype == np.float64:
        return np.float64
    return lambda value: dtype.type(as_mxnet_reads(value))


def as_mxnet_reads(value: float) -> np.float32:
    """The float32 that an operator of MXNet gets for a Python number: not always the nearest one.

    MXNet passes attributes as text, and parses them in float32 arithmetic: digits before the point plus digits after
    it, then divided or multiplied by a power of ten. That is off by one unit in the last place for about a tenth of
    all numbers that Python prints with an exponent (2.8229862530982738e-08, say), and then so are all weights.

    Raises:
        ValueError: the number is outside of the range of normal float32 numbers, where MXNet raises, too.

    Source: `dmlc::ParseFloat` in MXNet's header `dmlc/strtonum.h`, whose arithmetic this repeats.
    """
    mantissa, _, exponent = str(value).lower().partition("e")
    negative = mantissa.startswith("-")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    fraction = fraction[:19]
    result = np.float32(int(whole)) + np.float32(float(int(fraction or 0)) / float(10 ** len(fraction)))
    power = int(exponent or 0)
    too_large = np.isinf(result) or (power >= 38 and (power > 38 or result > np.float32(3.402823466)))
    too_small = power <= -38 and (power < -38 or result < np.float32(1.175494351))
    if too_large or too_small:
        raise ValueError(f"a hyper-parameter must be 0 or of a size from 1.18e-38 to 3.4e38 in float32, got {value!r}")
    scale = np.float32(1)
    for factor in [1e8] * (abs(power) // 8) + [10] * (abs(power) % 8):
        scale *= np.float32(factor)
    result = result / scale if power < 0 else result * scale
    return -result if negative else result
