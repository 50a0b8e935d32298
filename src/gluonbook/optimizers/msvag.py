"""M-SVAG: momentum, each element shortened by how much it varies."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import Rule, register, zeros_like


def variance_adaptation(m: NDArray, v: NDArray, rho: float) -> NDArray:
    """γ = m²/(m² + ρs), with the variance s = (v − m²)/(1 − ρ) of a gradient, of which ρs is that of their mean m.

    `m` and `v` are bias-corrected means of the gradient and its square. From one gradient (ρ = 1) no variance can be
    told: then γ = 1, as it is where both m and s are 0.
    """
    if rho >= 1:
        return nd.ones_like(m)
    m2 = m.square()
    s = nd.maximum(v - m2, 0) / (1 - rho)  # rounding can make v less than m²
    total = m2 + rho * s
    return nd.where(total > 0, m2 / total, nd.ones_like(m))


@final
@register
class MSVAG(Rule):
    """Registered as `msvag`.

        m_t ← beta·m_t + (1 − beta)·grad,   m = m_t/(1 − beta^t)
        v_t ← beta·v_t + (1 − beta)·grad²,  v = v_t/(1 − beta^t)
        ρ = (1 − beta)(1 + beta^t)/((1 + beta)(1 − beta^t)),  s = (v − m²)/(1 − ρ),  γ = m²/(m² + ρs)
        weight ← weight − lr·γ·m

    The paper counts t from 0, and so writes t + 1. State: (`m_t`, `v_t`), shaped like the weight.
    Option: `beta` in [0, 1), and 0 gives plain SGD; the others, and the errors, are those of `Rule`.

    Source: Balles and Hennig, Dissecting Adam: the sign, magnitude and variance of stochastic gradients (2018),
    arXiv:1705.07774, Algorithm 2.
    """

    elementwise = True
    ranges: ClassVar = {"beta": within("[0, 1)")}

    def __init__(self, learning_rate: float | None = None, beta: float = 0.9, **options) -> None:
        super().__init__(learning_rate, **options)
        self.beta = beta

    def create_state(self, index: int, weight: NDArray) -> tuple[NDArray, NDArray]:
        return zeros_like(weight), zeros_like(weight)

    def delta(self, grad: NDArray, state: tuple[NDArray, NDArray], lr: float, t: int) -> NDArray:
        m_t, v_t = state
        beta, power = self.beta, self.beta**t
        m_t[:] = beta * m_t + (1 - beta) * grad
        v_t[:] = beta * v_t + (1 - beta) * grad.square()
        m, v = m_t / (1 - power), v_t / (1 - power)
        rho = (1 - beta) * (1 + power) / ((1 + beta) * (1 - power))
        return lr * variance_adaptation(m, v, rho if t > 1 else 1) * m
