"""How alternative texts count, and how they tell numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable


def count(number: int, one: str, many: str = "") -> str:
    """So many things, as "1 seed" and "3 seeds"; `many` is the plural of a thing that has another one."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def number(value: float) -> str:
    """A number with three significant digits, or whole where it has more before the point; 0 has no sign.

    Millions are called so. Below 0.0001, and from a thousand million on, it has an exponent.
    """
    if 1e6 <= abs(value) < 1e9:
        return f"{value / 1e6:.3g} million"
    told = f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"
    return "0" if told == "-0" else told


def alike(values: Iterable[float]) -> bool:
    """Whether these numbers are all told alike."""
    return len({number(value) for value in values}) == 1


def course(values: Iterable[float]) -> str:
    """Where a curve, or a range, begins and ends: "from 3 to 1", "from 0 back to 0", "always 2".

    What is not finite is not drawn, and not told.
    """
    drawn = [value for value in values if math.isfinite(value)]
    if not drawn:
        return "nowhere a number"
    if alike(drawn):
        return f"always {number(drawn[0])}"
    return f"from {number(drawn[0])} {'back ' * alike((drawn[0], drawn[-1]))}to {number(drawn[-1])}"
