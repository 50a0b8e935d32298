"""Lion: the sign of a momentum, blended with the gradient."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet.ndarray import NDArray

from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import Rule, register, zeros_like


@final
@register
class Lion(Rule):
    """Registered as `lion`.

        delta ← lr·sign(beta1·m + (1 − beta1)·grad)
        m ← beta2·m + (1 − beta2)·grad
        weight ← (1 − lr·wd_lh)·weight − delta

    With beta1 = beta2 this is Signum. The paper's weight decay λ is `wd_lh`. Every weight moves by lr beside its decay,
    or not at all where the blend is 0: sign(0) = 0, as in MXNet. State: `m`, shaped like the weight.
    Options: `beta1`, `beta2` in [0, 1), `learning_rate` (1e-4 by default); the others, and the errors, are `Rule`'s.

    Source: Chen and others, Symbolic discovery of optimization algorithms (2023), arXiv:2302.06675, Algorithm 2.
    """

    elementwise = True
    default_lr = 1e-4
    ranges: ClassVar = {"beta1": within("[0, 1)"), "beta2": within("[0, 1)")}

    def __init__(self, learning_rate: float | None = None, beta1: float = 0.9, beta2: float = 0.99, **options) -> None:
        super().__init__(learning_rate, **options)
        self.beta1 = beta1
        self.beta2 = beta2

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def delta(self, grad: NDArray, m: NDArray, lr: float, t: int) -> NDArray:
        blend = self.beta1 * m + (1 - self.beta1) * grad
        m[:] = self.beta2 * m + (1 - self.beta2) * grad
        return lr * blend.sign()
