"""Rprop: the sign of the gradient, with a step size for each weight."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import Rule, register, zeros_like


@final
@register
class RProp(Rule):
    """Registered as `rprop`: the variant iRprop−, which does not take back a step.

        step ← min(eta_plus·step, step_max)   where sign(grad)·sign_before > 0
        step ← max(eta_minus·step, step_min)  where it is < 0, and there grad ← 0 for this once
        weight ← weight − lr·step·sign(grad)
        sign_before ← sign(grad)

    `step` begins at 1, so lr is the first step of all weights (the paper's Δ₀), and schedules and multipliers act on it
    as anywhere else. sign(0) = 0, as in MXNet: such a weight rests, and keeps its step. It is a method for gradients of
    all the data; the noise of mini-batches makes steps collapse.
    State: (`step`, `sign_before`), shaped like the weight. Options: `eta_minus` in (0, 1), `eta_plus` in [1, inf),
    `step_min` in (0, 1], `step_max` in [1, inf), `learning_rate` (0.1 by default: with it the limits are the
    paper's 1e-6 and 50); the others, and the errors, are those of `Rule`.

    Source: Riedmiller and Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm
    (1993); iRprop−: Igel and Hüsken, Improving the Rprop learning algorithm (2000).
    """

    elementwise = True
    default_lr = 0.1
    ranges: ClassVar = {
        "eta_minus": within("(0, 1)"),
        "eta_plus": within("[1, inf)"),
        "step_min": within("(0, 1]"),
        "step_max": within("[1, inf)"),
    }

    def __init__(
        self,
        learning_rate: float | None = None,
        eta_minus: float = 0.5,
        eta_plus: float = 1.2,
        step_min: float = 1e-5,
        step_max: float = 500.0,
        **options,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.eta_minus = eta_minus
        self.eta_plus = eta_plus
        self.step_min = step_min
        self.step_max = step_max

    def create_state(self, index: int, weight: NDArray) -> tuple[NDArray, NDArray]:
        return nd.ones(weight.shape, weight.context, weight.dtype), zeros_like(weight)

    def delta(self, grad: NDArray, state: tuple[NDArray, NDArray], lr: float, t: int) -> NDArray:
        step, sign_before = state
        sign = grad.sign()
        agreement = sign * sign_before
        longer = nd.minimum(self.eta_plus * step, self.step_max)
        shorter = nd.maximum(self.eta_minus * step, self.step_min)
        step[:] = nd.where(agreement > 0, longer, nd.where(agreement < 0, shorter, step))
        sign_before[:] = sign * (agreement >= 0)
        return lr * step * sign_before
