"""How alternative texts count, and how they tell numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable


def count(number: int, one: str, many: str = "") -> str:
    """So many things, as "1 seed" and "3 seeds"; `many` is the plural of a thing that has another one."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def number(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, or whole where it has more before the point; 0 has no sign.

    Millions are called so. Below 0.0001, and from a thousand million on, it has an exponent.
    """
    size = abs(value)
    if 999_999.5 <= size < 1e9:  # which is a million when it is rounded
        return f"{number(value / 1e6, digits)} million"
    told = f"{value:.0f}" if 10**digits - 0.5 <= size < 1e9 else f"{value:.{digits}g}"
    return "0" if told == "-0" else told


def drawn(values: Iterable[float]) -> list[float]:
    """Those that a curve shows: what is not finite is not drawn, and not told."""
    return [value for value in values if math.isfinite(value)]


def alike(values: Iterable[float]) -> bool:
    """Whether the numbers that are drawn are all told alike."""
    return len({number(value) for value in drawn(values)}) <= 1


def course(values: Iterable[float]) -> str:
    """Where a curve, or a range, begins and ends, as it is drawn: "from 3 to 1", "from 0 back to 0", "always 2"."""
    shown = drawn(values)
    if not shown:
        return "nowhere a number"
    if alike(shown):
        return f"always {number(shown[0])}"
    return f"from {number(shown[0])} {'back ' * alike((shown[0], shown[-1]))}to {number(shown[-1])}"
