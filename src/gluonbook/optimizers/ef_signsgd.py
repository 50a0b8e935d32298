"""EF-signSGD: the sign, scaled, and a memory of what it left out."""

from __future__ import annotations

from typing import final

from mxnet.ndarray import NDArray

from gluonbook.arrays import wide
from gluonbook.optimizers.rule import Rule, register, zeros_like


def scaled_sign(p: NDArray) -> NDArray:
    """C(p) = (‖p‖₁/d)·sign(p), with d elements in p: the sign vector with the same ‖·‖₁, where no element is 0.

    It is off by ‖C(p) − p‖₂² = (1 − φ(p))·‖p‖₂², with the density φ(p) = ‖p‖₁²/(d·‖p‖₂²), for p without zeros.
    Since sign(0) = 0, as in MXNet, a zero is met exactly, and the error is smaller by (‖p‖₁/d)² for each.
    """
    return p.sign() * wide(p).abs().mean().astype(p.dtype, copy=False)


@final
@register
class EFSignSGD(Rule):
    """Registered as `efsignsgd`.

        p ← lr·grad + e
        delta ← (‖p‖₁/d)·sign(p)
        e ← p − delta
        weight ← weight − delta

    d is the number of elements of the weight: each parameter is scaled on its own. What a step leaves out is in `e`,
    and comes back in a later one. p = delta + e holds up to the rounding of one subtraction: half a unit in the last
    place of the larger of |p| and |delta|. State: `e`, shaped like the weight, in its unit, so a new lr does not
    change what it says. Options and errors are those of `Rule`; sign(0) = 0, as in MXNet. A NaN or Inf in `grad` spoils
    ‖p‖₁, and with it the whole parameter, for good, since it stays in `e`.

    Source: Karimireddy, Rebjock, Stich and Jaggi, Error feedback fixes signSGD and other gradient compression schemes
    (2019), arXiv:1901.09847, Algorithm 1.
    """

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def delta(self, grad: NDArray, e: NDArray, lr: float, t: int) -> NDArray:
        p = lr * grad + e
        delta = scaled_sign(p)
        e[:] = p - delta
        return delta
