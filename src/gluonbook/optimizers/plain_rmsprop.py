"""RMSProp, written out, in the two forms that MXNet has."""

from __future__ import annotations

from typing import ClassVar, final

from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.checks import flag
from gluonbook.optimizers.options import or_none, within
from gluonbook.optimizers.rule import Rule, register, zeros_like
from gluonbook.optimizers.whole_step import Decay


@final
@register
class PlainRMSProp(Rule):
    """Registered as `plainrmsprop`; equal to MXNet's `rmsprop` up to rounding, its `clip_weights` left out.

        n ← gamma1·n + (1 − gamma1)·grad²
        weight ← weight − lr·grad/√(n + epsilon)

    and with `centered`, where n − g² is the variance, and with momentum:

        g ← gamma1·g + (1 − gamma1)·grad
        mom ← gamma2·mom + lr·grad/√(n − g² + epsilon)
        weight ← weight − mom

    As in MXNet, epsilon is under the root, and clip_gradient cuts grad + wd·weight. A variance that rounding has made
    negative is 0 here; MXNet takes it as it is, and where it is below −epsilon, the weight becomes NaN there.

    State: (`n`,), or (`n`, `g`, `mom`), shaped like the weight. Options: `gamma1` in [0, 1), `centered`, and with that
    `gamma2` in [0, 1) (0.9 by default), `epsilon` in (0, inf), and `learning_rate` (0.001 by default); the others, and
    the errors, are `Rule`'s.

    Source: Tieleman and Hinton, Lecture 6.5 of Neural networks for machine learning (2012); centered, Graves,
    Generating sequences with recurrent neural networks (2013), arXiv:1308.0850, equations 38 to 45.
    """

    elementwise = True
    ranges: ClassVar = {
        "gamma1": within("[0, 1)"),
        "gamma2": or_none(within("[0, 1)")),
        "epsilon": within("(0, inf)"),
        "centered": flag,
    }
    fixed = ("centered",)
    decay = Decay.BEFORE_CLIP
    default_lr = 0.001

    def __init__(
        self,
        learning_rate: float | None = None,
        gamma1: float = 0.9,
        gamma2: float | None = None,
        epsilon: float = 1e-8,
        centered: bool = False,
        **options,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.gamma1 = gamma1
        self.epsilon = epsilon
        self.centered = centered
        self.gamma2 = gamma2
        self._must_be_used()

    def _must_be_used(self) -> None:
        if self.gamma2 is not None and not self.centered:
            raise ValueError(f"gamma2={self.gamma2} has no effect without centered=True, which has the momentum")

    def create_state(self, index: int, weight: NDArray) -> tuple[NDArray, ...]:
        return tuple(zeros_like(weight) for _ in range(3 if self.centered else 1))

    def delta(self, grad: NDArray, state: tuple[NDArray, ...], lr: float, t: int) -> NDArray:
        self._must_be_used()
        n = state[0]
        n[:] = self.gamma1 * n + (1 - self.gamma1) * grad.square()
        if not self.centered:
            return lr * grad / (n + self.epsilon).sqrt()
        _, g, mom = state
        g[:] = self.gamma1 * g + (1 - self.gamma1) * grad
        variance = nd.maximum(n - g.square(), 0)
        gamma2 = 0.9 if self.gamma2 is None else self.gamma2
        mom[:] = gamma2 * mom + lr * grad / (variance + self.epsilon).sqrt()
        return mom
