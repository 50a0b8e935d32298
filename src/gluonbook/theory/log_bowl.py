"""A smooth function that is not convex, whose minimum and smoothness are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from gluonbook.checks import whole_number


@final
@dataclass(frozen=True)
class LogBowl:
    """f(x) = Σ log(1 + xᵢ²), with d coordinates: least, 0, at the origin; a bowl there, and ever flatter far away.

    The coordinate-wise smoothness is L = 2 for each, so ‖L‖₁ = 2d, and no gradient is longer than 1 in a coordinate.
    """

    d: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "d", whole_number("d", self.d, 1))

    @property
    def smoothness(self) -> float:
        """‖L‖₁, the sum over coordinates."""
        return 2.0 * self.d

    def value(self, x: np.ndarray) -> np.ndarray:
        """f for x of shape (..., d), of shape (...)."""
        return np.log1p(x**2).sum(axis=-1)

    def grad(self, x: np.ndarray) -> np.ndarray:
        """2xᵢ/(1 + xᵢ²), shaped like x."""
        return 2 * x / (1 + x**2)
