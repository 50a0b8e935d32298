"""AdaGrad, written out."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet.ndarray import NDArray

from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import Rule, register, zeros_like
from gluonbook.optimizers.whole_step import Decay


@final
@register
class PlainAdaGrad(Rule):
    """Registered as `plainadagrad`; equal to MXNet's `adagrad` up to rounding.

        history ← history + grad²
        weight ← (1 − lr·wd)·weight − lr·grad/√(history + eps)

    As in MXNet, eps is under the root, and wd acts beside the step: it is not in the gradient. State: `history`, shaped
    like the weight. Option: `eps` in (0, inf); the others, and the errors, are those of `Rule`.

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization
    (JMLR 12, 2011).
    """

    elementwise = True
    decay = Decay.BESIDE
    ranges: ClassVar = {"eps": within("(0, inf)")}

    def __init__(self, learning_rate: float | None = None, eps: float = 1e-7, **options) -> None:
        super().__init__(learning_rate, **options)
        self.eps = eps

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def delta(self, grad: NDArray, history: NDArray, lr: float, t: int) -> NDArray:
        history += grad.square()
        return lr * grad / (history + self.eps).sqrt()
