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
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < low or (high is not None and number > high):
        legal = f"from {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {legal}, got {value!r}")
    return number


def real(name: str, value: Any, interval: str) -> float:
    """`value` as a float; raises ValueError that names it and `interval`, such as "[0, 1)", unless it lies within."""
    low, high = map(float, interval[1:-1].split(","))
    is_number = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if is_number:
        above = value >= low if interval[0] == "[" else value > low
        below = value <= high if interval[-1] == "]" else value < high
        if above and below:  # neither is true of NaN
            return float(value)
    raise ValueError(f"{name} must be a number in {interval}, got {value!r}")


def flag(name: str, value: bool) -> bool:
    """`value`; raises ValueError that names it unless it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def path(name: str, value: Any) -> Path:
    """`value` as a Path, where a leading `~` or `~user` is a home; raises ValueError that names it if it is none."""
    if not isinstance(value, (str, os.PathLike)) or not str(value) or "\0" in str(value):
        raise ValueError(f"{name} must be a path, got {value!r}")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{name} is {str(value)!r}, but there is no home of {Path(value).parts[0]}") from None
