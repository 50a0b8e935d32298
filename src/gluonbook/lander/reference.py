"""Where a drone is to be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from gluonbook.checks import real

Reference = Callable[[float], tuple[float, float, float]]
"""Of a time t in s: the height in m, its velocity in m/s and its acceleration in m/s²."""


def landing(start: float = 1.5, end: float = 0.0, rate: float = 1.0) -> Reference:
    """From `start` to `end`, at rest in both: end + (start − end)·(1 + c·t)·e^(−c·t), with c the `rate`, in 1/s.

    It is fastest at t = 1/c, with c·(start − end)/e.

    Raises:
        ValueError: a height is negative or not finite, or the rate is not positive.
    """
    start, end = real("start", start, "[0, inf)"), real("end", end, "[0, inf)")
    c = real("rate", rate, "(0, inf)")

    def at(t: float) -> tuple[float, float, float]:
        fading = (start - end) * math.exp(-c * t)
        return end + fading * (1 + c * t), -c * c * t * fading, c * c * (c * t - 1) * fading

    return at


def set_points(heights: Sequence[float], hold: float = 3.0) -> Reference:
    """Each of the heights for `hold` seconds, and the last one from then on: jumps, at which it stands still.

    Raises:
        ValueError: there is no height, one is not finite, or `hold` is not positive.
    """
    points = [real("heights", height, "(-inf, inf)") for height in heights]
    hold = real("hold", hold, "(0, inf)")
    if not points:
        raise ValueError("heights must hold one height at least, got none")
    return lambda t: (points[min(int(t / hold), len(points) - 1)], 0.0, 0.0)
