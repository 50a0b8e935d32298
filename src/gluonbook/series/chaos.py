"""Two systems whose next value is known exactly, and whose distant future is not."""

from __future__ import annotations

import numpy as np

from gluonbook.checks import real, whole_number

_EDGE = 1e-9  # rounding may take the map to 0, where it would stay
_SUBSTEPS = 5


def logistic_map(n: int, random: np.random.RandomState, c: float = 4.0, *, burn: int = 50) -> np.ndarray:
    """n values of x ← c·x·(1 − x) in (0, 1), in float64, of shape (n,), after `burn` values that are dropped.

    The start is drawn uniformly from [0.1, 0.9). At c = 4 two neighbours part by a factor of two a step on average: the
    Lyapunov exponent is ln 2, and the values follow the arcsine law, with mean 1/2 and variance 1/8.

    Raises:
        ValueError: n or `burn` is no whole number from 1 or 0, or c is outside (0, 4].
    """
    n, burn, c = whole_number("n", n, 1), whole_number("burn", burn, 0), real("c", c, "(0, 4]")
    x, values = float(random.uniform(0.1, 0.9)), np.empty(burn + n)
    for i in range(burn + n):
        x = min(max(c * x * (1 - x), _EDGE), 1 - _EDGE)
        values[i] = x
    return values[burn:]


def lorenz(
    n: int,
    random: np.random.RandomState,
    dt: float = 0.05,
    *,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8 / 3,
    burn: int = 100,
) -> np.ndarray:
    """n states (x, y, z) of Lorenz's system, one each `dt` units of time, in float64, of shape (n, 3).

        x' = σ(y − x),  y' = x(ρ − z) − y,  z' = xy − βz

    integrated by the classical Runge-Kutta method with five steps for each `dt`, from a start near (1, 1, 25), after
    `burn` states that are dropped.

    Raises:
        ValueError: n or `burn` is no whole number from 1 or 0, `dt` is outside (0, 0.1], or another number is outside
            (0, 100]; or `dt` is too long for these numbers, so that the integration runs away.
    """
    n, burn, dt = whole_number("n", n, 1), whole_number("burn", burn, 0), real("dt", dt, "(0, 0.1]")
    sigma, rho, beta = real("sigma", sigma, "(0, 100]"), real("rho", rho, "(0, 100]"), real("beta", beta, "(0, 100]")

    def slope(at: np.ndarray) -> np.ndarray:
        x, y, z = at
        return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    state, h = random.normal(size=3) + np.array([1.0, 1.0, 25.0]), dt / _SUBSTEPS
    states = np.empty((burn + n, 3))
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(burn + n):
            for _ in range(_SUBSTEPS):
                first = slope(state)
                second = slope(state + h / 2 * first)
                third = slope(state + h / 2 * second)
                state = state + h / 6 * (first + 2 * second + 2 * third + slope(state + h * third))
            states[i] = state
    if not np.isfinite(states).all():
        raise ValueError(f"dt must be shorter for {sigma=:g}, {rho=:g}, {beta=:g}: by {dt:g} the integration runs away")
    return states[burn:]
