"""Adam, written out."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet.ndarray import NDArray

from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import Rule, register, zeros_like
from gluonbook.optimizers.whole_step import Decay


@final
@register
class PlainAdam(Rule):
    """Registered as `plainadam`; equal to MXNet's `adam` up to rounding.

        m ← beta1·m + (1 − beta1)·grad
        v ← beta2·v + (1 − beta2)·grad²
        weight ← weight − lr·√(1 − beta2^t)/(1 − beta1^t)·m/(√v + epsilon)

    As in MXNet, the two bias corrections are in the learning rate, so epsilon is added to a √v without one (the
    paper's ε̂), and clip_gradient cuts grad + wd·weight. MXNet's 1 − beta2 is a difference of two float32, so that for
    beta2 = 0.999 its √v is off by 2e-5 of itself. For AdamW use wd_lh. State: (`m`, `v`), shaped like the weight.
    Options: `beta1`, `beta2` in [0, 1), `epsilon` in (0, inf), `learning_rate` (0.001 by default); the others, and the
    errors, are those of `Rule`.

    Source: Kingma and Ba, Adam: a method for stochastic optimization (2015), arXiv:1412.6980, Algorithm 1 and the
    remark that follows it.
    """

    elementwise = True
    decay = Decay.BEFORE_CLIP
    default_lr = 0.001
    ranges: ClassVar = {"beta1": within("[0, 1)"), "beta2": within("[0, 1)"), "epsilon": within("(0, inf)")}

    def __init__(
        self,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **options,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_state(self, index: int, weight: NDArray) -> tuple[NDArray, NDArray]:
        return zeros_like(weight), zeros_like(weight)

    def delta(self, grad: NDArray, state: tuple[NDArray, NDArray], lr: float, t: int) -> NDArray:
        m, v = state
        m[:] = self.beta1 * m + (1 - self.beta1) * grad
        v[:] = self.beta2 * v + (1 - self.beta2) * grad.square()
        corrected = lr * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)
        return corrected * m / (v.sqrt() + self.epsilon)
