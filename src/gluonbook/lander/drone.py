"""What moves a drone up and down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from gluonbook.checks import real

G = 9.81  # m/s²


@final
@dataclass(frozen=True)
class Drone:
    """A drone with one degree of freedom: z, how high its feet are.

        m·dv/dt = u − m·g + air(z, v, u)
        air = u·(1/(1 − (R/(4·(z + h)))²) − 1) − c·v·|v|

    u is the thrust that is asked for, from 0 to `most`. Near the ground it gives more, since the air cannot get away:
    the first part of `air`. The second is drag. With R = 2h, as here, the ground adds a third at touchdown.

    Args:
        mass: m, in kg.
        radius: R of the rotor, in m.
        height: h of the rotor above the feet, in m.
        drag: c, in N/(m/s)².

    Raises:
        ValueError: one is not positive (`drag` may be 0), or R is not below 4h, where the formula ends.

    Source: the ground effect is Cheeseman and Bennett's, ARC Reports and Memoranda 3021 (1955), for one rotor that
    hovers; mass and most thrust are those of Shi and others' simulator.
    """

    mass: float = 1.47
    radius: float = 0.5
    height: float = 0.25
    drag: float = 0.3

    def __post_init__(self) -> None:
        for name in ("mass", "radius", "height", "drag"):
            interval = "[0, inf)" if name == "drag" else "(0, inf)"
            object.__setattr__(self, name, real(name, getattr(self, name), interval))
        if self.radius >= 4 * self.height:
            raise ValueError(f"radius must be below 4·height = {4 * self.height:g}, got {self.radius:g}")

    @property
    def weight(self) -> float:
        """m·g, in N: the thrust with which it hovers far from the ground."""
        return self.mass * G

    @property
    def most(self) -> float:
        """The most thrust that there is, in N."""
        return 1.7 * self.weight

    def air(self, z: float | np.ndarray, v: float | np.ndarray, u: float | np.ndarray) -> Any:
        """The force of the air, in N, for arrays of one shape, or numbers; below the ground it is that at z = 0."""
        ratio = self.radius / (4 * (np.maximum(z, 0.0) + self.height))
        return u * (1 / (1 - ratio**2) - 1) - self.drag * v * np.abs(v)
