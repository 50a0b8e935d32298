"""Checks of what a caller passes in."""

from __future__ import annotations

import numbers
import operator
import os
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
    is_number = isinstance(plain, numbers.Real) and not isinstance(plain, bool)
    if is_number:
        above = plain >= low if interval[0] == "[" else plain > low
        below = plain <= high if interval[-1] == "]" else plain < high
        if above and below:  # neither is true of NaN
            return float(plain)
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


def path(name: str, value: Any) -> Path:
    """`value` as a Path, where a leading `~` or `~user` is a home; raises ValueError that names it if it is none."""
    if not isinstance(value, (str, os.PathLike)) or not str(value) or "\0" in str(value):
        raise ValueError(f"{name} must be a path, got {value!r}")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{name} is {str(value)!r}, but there is no home of {Path(value).parts[0]}") from None
