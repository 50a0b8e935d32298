"""Checks of what a caller passes in."""

from __future__ import annotations

import operator


def whole_number(name: str, value: int, low: int, high: int | None = None) -> int:
    """`value` as an int; raises ValueError that names it and the legal range unless it is whole and within it."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < low or (high is not None and number > high):
        legal = f"from {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {legal}, got {value!r}")
    return number
