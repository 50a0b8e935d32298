"""A saddle in the plane that can be turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from gluonbook.checks import real


@final
@dataclass(frozen=True)
class Saddle:
    """f = ½·steep·u² − ½·v² + ¼·v⁴, with (u, v) the coordinates of x in axes that are turned by `degrees`.

    Across it, along u, f is a valley; along v it falls, from the saddle at the origin to two minima at v = ±1.

    Raises:
        ValueError: `degrees` is not a finite number, or `steep` is not positive.
    """

    degrees: float = 0.0
    steep: float = 4.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "degrees", real("degrees", self.degrees, "(-inf, inf)"))
        object.__setattr__(self, "steep", real("steep", self.steep, "(0, inf)"))

    @property
    def axes(self) -> np.ndarray:
        """The unit vectors of u and v, as rows: (u, v) = axes @ x."""
        angle = np.radians(self.degrees)
        return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    def value(self, x: np.ndarray) -> np.ndarray:
        """f for x of shape (..., 2), of shape (...)."""
        u, v = np.moveaxis(x @ self.axes.T, -1, 0)
        return self.steep * u**2 / 2 - v**2 / 2 + v**4 / 4

    def grad(self, x: np.ndarray) -> np.ndarray:
        """∇f, shaped like x."""
        u, v = np.moveaxis(x @ self.axes.T, -1, 0)
        return np.stack([self.steep * u, v**3 - v], axis=-1) @ self.axes
