"""SGD with momentum, written out."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet.ndarray import NDArray

from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import Rule, register, zeros_like


@final
@register
class PlainSGD(Rule):
    """Registered as `plainsgd`; equal to MXNet's `sgd` up to rounding.

        mom ← momentum·mom + lr·grad
        weight ← weight − mom

    lr is inside the momentum, as in MXNet: a new lr takes its time. State: `mom`, shaped like the weight (MXNet's,
    with the sign changed). Option: `momentum` in [0, 1), 0 by default; the others, and the errors, are those of `Rule`.

    Source: Polyak, Some methods of speeding up the convergence of iteration methods (1964).
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
        return mom
