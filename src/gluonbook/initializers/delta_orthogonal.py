"""Kernels that begin as a rotation of the channels, pixel by pixel."""

from __future__ import annotations

from typing import final

import mxnet as mx
import numpy as np
from mxnet.ndarray import NDArray

from gluonbook.checks import real


@final
@mx.init.register
class DeltaOrthogonal(mx.init.Initializer):
    """Registered as `deltaorthogonal`. For weights of convolutions, of shape (out, in, *window), out ≥ in.

        K[:, :, centre] = gain·Q,   K = 0 elsewhere,   QᵀQ = 1,   Q of shape (out, in)

    Q is drawn evenly from all such matrices, by MXNet's generator. With a stride of 1 and a padding of half the window
    the convolution then makes each pixel's vector of channels `gain` times as long, those at the border too.

    Raises ValueError for a `gain` that is not positive and finite; and, when the weight is drawn, for a dense layer's,
    for a window without a centre, and for out < in, where no Q keeps all lengths. A weight does not show the groups or
    the layout of its convolution: one group and channels first are supposed.

    Source: Xiao and others, Dynamical isometry and a mean field theory of CNNs (2018), arXiv:1806.05393, Algorithm 2.
    """

    def __init__(self, gain: float = 1.0) -> None:
        gain = real("gain", gain, "(0, inf)")
        super().__init__(gain=gain)
        self.gain = gain

    def _init_weight(self, name: str, weight: NDArray) -> None:
        channels, window = weight.shape[:2], weight.shape[2:]
        problem = ""
        if not window:
            problem = f"has no window; for dense layers take mx.init.Orthogonal(scale={self.gain:g})"
        elif not all(length % 2 for length in window):
            problem = f"has no centre; the lengths {window} of its window must be odd"
        elif channels[0] < channels[1]:
            problem = f"makes {channels[0]} channels of {channels[1]}, which cannot keep lengths; out must be ≥ in"
        if problem:
            raise ValueError(f"{name} of shape {weight.shape} {problem}")
        drawn = mx.nd.random.normal(shape=channels, ctx=mx.cpu()).asnumpy().astype(np.float64)
        Q, R = np.linalg.qr(drawn)
        kernel = np.zeros(weight.shape)
        # R is made unique by a positive diagonal: else Q would lean to the signs that LAPACK happens to choose.
        kernel[(..., *(length // 2 for length in window))] = self.gain * Q * np.copysign(1, np.diag(R))
        weight[:] = kernel
