"""Signum in one pass over memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar, final

from mxnet.ndarray import NDArray

from gluonbook.kernels.steps import signum_steps
from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import register, zeros_like
from gluonbook.optimizers.whole_step import Update, WholeStep


@final
@register
class FusedSignum(WholeStep):
    """Registered as `fusedsignum`; the numbers, options, state and errors of `PlainSignum`.

        mom ← momentum·mom − (1 − momentum)·(clip(rescale_grad·grad) + wd·weight)
        weight ← (1 − lr·wd_lh)·weight + lr·sign(mom)

    Float16 and float32 are equal bit for bit, float64 but for the last digit with which MXNet reads a number.
    Each element of weight, grad and mom is read once and written once: 20 bytes a float32 parameter, where the
    expressions of `PlainSignum` write every intermediate array to memory. With multi_precision, the float16 weight and
    its master copy are renewed in the same pass. A trainer hands over all its parameters at once, and threads share
    them as if they were one.

    Source: `gluonbook.kernels.signum_step`; the method, arXiv:1802.04434, Algorithm 2.
    """

    elementwise = True
    ranges: ClassVar = {"momentum": within("[0, 1)")}

    def __init__(self, learning_rate: float | None = None, momentum: float = 0.9, **options) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = momentum
        self.aggregate_num = sys.maxsize  # as many parameters as the trainer has, in one call

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def steps(self, updates: Sequence[Update]) -> None:
        weights, grads, moms, weights32, lrs, wds, _ = map(list, zip(*updates))
        signum_steps(
            weights,
            grads,
            moms,
            lr=lrs,
            momentum=self.momentum,
            wd=wds,
            wd_lh=self.wd_lh,
            rescale_grad=self.rescale_grad,
            clip_gradient=self.clip_gradient,
            weight32=weights32,
        )
