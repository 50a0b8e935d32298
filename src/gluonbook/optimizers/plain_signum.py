"""Signum: the sign of the momentum. The reference, in NDArray expressions."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.kernels import hyper
from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import OneByOne, register, zeros_like


@final
@register
class PlainSignum(OneByOne):
    """Registered as `plainsignum`; equal to MXNet's `signum` with momentum > 0, bit for bit.

        mom ← momentum·mom − (1 − momentum)·(clip(rescale_grad·grad) + wd·weight)
        weight ← (1 − lr·wd_lh)·weight + lr·sign(mom)

    `mom` is *minus* the momentum of the paper, as in MXNet; sign(0) = 0, also MXNet's. State: `mom`, shaped like the
    weight. Option: `momentum` in [0, 1); the others, and the errors, are those of `WholeStep`.

    With momentum = 0 this is signSGD. MXNet's `signum` then runs another operator, which ignores rescale_grad and
    clip_gradient, takes wd as decoupled, and fails if wd_lh is not 0; here all options keep their meaning.

    Below, the numbers and the order of rounding are those of MXNet's `signum_update`: it multiplies the scalars first.
    MXNet reads options as float32 even for float64 weights; here they are float64, which agrees to about 1e-7. And its
    1 − lr·wd_lh is rounded to the weight's type: in float32 there is no decay if lr·wd_lh is less than 3e-8.

    Source: Bernstein, Wang, Azizzadenesheli and Anandkumar, signSGD (2018), arXiv:1802.04434, Algorithm 2.
    """

    elementwise = True
    ranges: ClassVar = {"momentum": within("[0, 1)")}

    def __init__(self, learning_rate: float | None = None, momentum: float = 0.9, **options) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = momentum

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def step(self, weight: NDArray, grad: NDArray, mom: NDArray, *, lr: float, wd: float, t: int) -> None:
        options = (lr, self.momentum, wd, self.wd_lh, self.rescale_grad, self.clip_gradient)
        c = hyper.Signum._make(map(float, hyper.signum(np.dtype(weight.dtype), *options)))
        if self.clip_gradient is None:
            damped = c.damped_rescale * grad
        else:
            damped = c.damping * nd.minimum(nd.maximum(c.rescale * grad, -c.clip), c.clip)
        mom[:] = c.momentum * mom - c.damped_wd * weight - damped
        weight[:] = c.shrink * weight + c.lr * mom.sign()
