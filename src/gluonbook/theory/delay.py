"""How long a step may be that is taken on an old gradient."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from gluonbook.checks import real, whole_number


def delay_limit(delay: int, momentum: float = 0.0) -> float:
    """The largest step η times curvature λ with which descent on the parabola ½λx² settles, if gradients come late:

        v_{t+1} = β·v_t − η·λ·x_{t−τ},  x_{t+1} = x_t + v_{t+1}

    with τ = `delay` steps and β = `momentum`. Without momentum it is 2·sin(π/(2(2τ + 1))). In general a wave exp(iθt)
    neither grows nor falls where

        (τ + ½)·θ + arctan(β·sin θ/(1 − β·cos θ)) = π/2  and  ηλ = 2·sin(θ/2)·√(1 − 2β·cos θ + β²)

    The left-hand side of the first rises with θ on (0, π], so there is one such θ, and the second rises with it.

    Raises:
        ValueError: a delay that is no whole number from 0, or a momentum outside [0, 1).
    """
    delay, momentum = whole_number("delay", delay, 0), real("momentum", momentum, "[0, 1)")

    def beyond(theta: float) -> float:
        late = np.arctan2(momentum * np.sin(theta), 1 - momentum * np.cos(theta))
        return float((delay + 0.5) * theta + late - np.pi / 2)

    theta = brentq(beyond, 0.0, np.pi, xtol=1e-15)
    return float(2 * np.sin(theta / 2) * np.sqrt(1 - 2 * momentum * np.cos(theta) + momentum**2))
