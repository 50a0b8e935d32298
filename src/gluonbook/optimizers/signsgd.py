"""signSGD: of each element of the gradient, its sign."""

from __future__ import annotations

from typing import final

from mxnet.ndarray import NDArray

from gluonbook.optimizers.rule import Rule, register


@final
@register
class SignSGD(Rule):
    """Registered as `signsgd`.

        weight ← weight − lr·sign(grad)

    Every weight moves by lr, or not at all where grad is 0: sign(0) = 0, as in MXNet. There is no state.
    Options and errors are those of `Rule`; wd·weight is inside the sign, wd_lh·weight beside it.

    Source: Bernstein, Wang, Azizzadenesheli and Anandkumar, signSGD: compressed optimisation for non-convex problems
    (2018), arXiv:1802.04434, Algorithm 1.
    """

    elementwise = True

    def delta(self, grad: NDArray, state: None, lr: float, t: int) -> NDArray:
        return lr * grad.sign()
