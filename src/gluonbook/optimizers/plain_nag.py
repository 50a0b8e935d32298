"""Nesterov's accelerated gradient, written out."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet.ndarray import NDArray

from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import Rule, register, zeros_like


@final
@register
class PlainNAG(Rule):
    """Registered as `plainnag`; equal to MXNet's `nag` up to rounding.

        mom ← momentum·mom + lr·grad
        weight ← weight − (momentum·mom + lr·grad), with the new mom

    With wd and momentum, MXNet's `nag` differs: it renews mom with wd times the weight *after* the step, which it has
    just overwritten; the difference is of the order lr·wd·(the step).

    The weight that is stored is the point that momentum will lead to, and the gradient is taken there. State: `mom`,
    shaped like the weight (MXNet's, with the sign changed). Option: `momentum` in [0, 1), 0 by default; the others, and
    the errors, are those of `Rule`.

    Source: Nesterov, A method of solving a convex programming problem with convergence rate O(1/k²) (1983), in the
    form of Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum (2013).
    """

    elementwise = True
    ranges: ClassVar = {"momentum": within("[0, 1)")}

    def __init__(self, learning_rate: float | None = None, momentum: float = 0.0, **options) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = momentum

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def delta(self, grad: NDArray, mom: NDArray, lr: float, t: int) -> NDArray:
        mom[:] = self.momentum * mom + lr * grad
        return self.momentum * mom + lr * grad
