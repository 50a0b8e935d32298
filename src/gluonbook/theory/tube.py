"""A tube from saddle to saddle, in which gradient descent takes a time that is exponential in the dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from gluonbook.checks import real, whole_number


@final
@dataclass(frozen=True)
class Tube:
    """d saddles in a row; the minimum, at 4τ in every coordinate, lies behind the last.

    Let i be the first coordinate with |xᵢ| < 2τ. Those before it have passed their saddle, those behind it wait:

        f(x) = Σ_{j<i} L·(|x_j| − 4τ)² + own(|xᵢ|) + turn(|xᵢ|)·x_{i+1}² + Σ_{j>i+1} L·x_j² − (i−1)·ν

    with own(t) = −γ·t² and turn(t) = L up to t = τ: a saddle at 0, along which only xᵢ can leave. Between τ and 2τ a
    polynomial takes own to L·(t − 4τ)² − ν, and turn to −γ: now x_{i+1} may leave. Where no coordinate is below 2τ,
    f is a bowl, Σ L·(|x_j| − 4τ)² − d·ν. All this is the tube, in which no coordinate behind the i-th is beyond τ, and
    f has continuous second derivatives there. Outside it f is NaN; the paper extends it smoothly, and never goes there.

    Raises:
        ValueError: d is not a whole number from 1, or τ, γ or L is not positive.

    Source: Du, Jin, Lee, Jordan, Póczos and Singh, Gradient descent can take exponential time to escape saddle points
    (2017), arXiv:1705.10412, section 4.
    """

    d: int
    tau: float = np.e
    gamma: float = 1.0
    L: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "d", whole_number("d", self.d, 1))
        for name in ("tau", "gamma", "L"):
            object.__setattr__(self, name, real(name, getattr(self, name), "(0, inf)"))

    @property
    def drop(self) -> float:
        """ν, by which f falls from one saddle to the next."""
        return 4 * self.L * self.tau**2 - self._own(2 * self.tau)[0]

    @property
    def minimum(self) -> float:
        """The value at 4τ in every coordinate."""
        return -self.d * self.drop

    def value(self, x: np.ndarray) -> float:
        """f at x of shape (d,), NaN outside the tube."""
        x = np.abs(self._checked(x))
        i = self._turn(x)
        if self._is_outside(x, i):
            return float("nan")
        far = self.L * ((x[:i] - 4 * self.tau) ** 2).sum() - i * self.drop
        if i == self.d:
            return float(far)
        bent = self._bend(x[i])[0] * x[i + 1] ** 2 if i + 1 < self.d else 0.0
        return float(far + self._own(x[i])[0] + bent + self.L * (x[i + 2 :] ** 2).sum())

    def grad(self, x: np.ndarray) -> np.ndarray:
        """∇f at x of shape (d,), NaN in all coordinates outside the tube."""
        x = self._checked(x)
        side, x = np.where(x < 0, -1.0, 1.0), np.abs(x)
        i = self._turn(x)
        if self._is_outside(x, i):
            return np.full(self.d, np.nan)
        g = 2 * self.L * x
        g[:i] -= 8 * self.L * self.tau
        if i < self.d:
            g[i] = self._own(x[i])[1]
        if i + 1 < self.d:
            bend, slope = self._bend(x[i])
            g[i] += slope * x[i + 1] ** 2
            g[i + 1] = 2 * bend * x[i + 1]
        return side * g

    def passed(self, x: np.ndarray) -> int:
        """How many saddles lie behind x: d where the way to the minimum is free."""
        return self._turn(np.abs(self._checked(x)))

    def _checked(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, dtype=np.float64)
        if x.shape != (self.d,):
            raise ValueError(f"x must have shape ({self.d},), got {x.shape}")
        return x

    def _turn(self, x: np.ndarray) -> int:
        """The first coordinate that has not passed its saddle, or d."""
        waiting = np.flatnonzero(~(x >= 2 * self.tau))  # NaN has passed nothing
        return int(waiting[0]) if waiting.size else self.d

    def _is_outside(self, x: np.ndarray, i: int) -> bool:
        """Whether a coordinate behind the i-th, whose turn it is, is beyond τ already, or NaN."""
        return not (x[i + 1 :] <= self.tau).all()

    def _own(self, t: float) -> tuple[float, float]:
        tau, gamma, L = self.tau, self.gamma, self.L
        s = max(t - tau, 0.0)
        cubic, quartic = (10 * gamma - 14 * L) / (3 * tau), (5 * L - 3 * gamma) / (2 * tau**2)
        return -gamma * t**2 + cubic * s**3 + quartic * s**4, -2 * gamma * t + 3 * cubic * s**2 + 4 * quartic * s**3

    def _bend(self, t: float) -> tuple[float, float]:
        s = min(max(t / self.tau - 1, 0.0), 1.0)  # from 0 at τ to 1 at 2τ
        both = self.L + self.gamma
        smooth = s**3 * (10 - 15 * s + 6 * s**2)  # from 0 to 1, with two derivatives that vanish at both ends
        return self.L - both * smooth, -both * 30 * s**2 * (1 - s) ** 2 / self.tau
