"""Checks of what a caller passes in."""

from __future__ import annotations

import numbers
import operator
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np


def whole_number(name: str, value: Any, low: int, high: int | None = None) -> int:
    """`value` as an int; raises ValueError that names it and the legal range unless it is whole and within it."""
    try:
        number = operator.index(plain := plain_number(value))
    except TypeError:
        number = None
    if number is None or isinstance(plain, bool) or number < low or (high is not None and number > high):
        legal = f"from {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {legal}, got {value!r}")
    return number


def real(name: str, value: Any, interval: str) -> float:
    """`value` as a float; raises ValueError that names it and `interval`, such as "[0, 1)", unless it lies within."""
    low, high = map(float, interval[1:-1].split(","))
    plain = plain_number(value)
    if isinstance(plain, numbers.Real) and not isinstance(plain, bool):
        with suppress(OverflowError):  # larger than any float
            number = float(plain)
            above = number >= low if interval[0] == "[" else number > low
            below = number <= high if interval[-1] == "]" else number < high
            if above and below:  # neither is true of NaN
                return number
    raise ValueError(f"{name} must be a number in {interval}, got {value!r}")


def flag(name: str, value: Any) -> bool:
    """`value` as a bool; raises ValueError that names it unless it is True or False."""
    plain = plain_number(value)
    if not isinstance(plain, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return plain


def plain_number(value: Any) -> Any:
    """A number of numpy, or that of an array of numpy or MXNet which holds one, as Python's; else what it is."""
    if type(value).__module__.startswith("mxnet.") and getattr(value, "size", None) == 1:
        value = value.asnumpy().reshape(())
    is_one = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim)
    return value.item() if is_one else value


def distributions(name: str, value: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """`value` as a new array of float64, of `shape`, where None is any length from 1; each row of its last axis a
    distribution: numbers from 0, with the sum 1 to within 1e-6. Raises ValueError that names it unless it is one."""
    array = np.array(value, dtype=np.float64)
    fitting = [n > 0 if length is None else n == length for n, length in zip(array.shape, shape)]
    if array.ndim != len(shape) or not all(fitting):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} must have the shape ({wanted}{',' * (len(shape) == 1)}), got {array.shape}")
    wrong = ~((array >= 0).all(axis=-1) & (np.abs(array.sum(axis=-1) - 1) <= 1e-6))  # NaN is neither
    if wrong.any():
        raise ValueError(f"{name} must be distributions: from 0, each row with the sum 1, got {array[wrong][0]!s:.60}")
    return array


def path(name: str, value: Any) -> Path:
    """`value` as a Path, where a leading `~` or `~user` is a home; raises ValueError that names it if it is none."""
    if not isinstance(value, (str, os.PathLike)) or not str(value) or "\0" in str(value):
        raise ValueError(f"{name} must be a path, got {value!r}")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{name} is {str(value)!r}, but there is no home of {Path(value).parts[0]}") from None
