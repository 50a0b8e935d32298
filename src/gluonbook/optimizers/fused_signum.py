"""Signum in one pass over memory."""

from __future__ import annotations

from mxnet.ndarray import NDArray

from gluonbook import kernels
from gluonbook.rule import WholeStep, real, register, zeros_like


@register
class FusedSignum(WholeStep):
    """Registered as `fusedsignum`; the numbers, options, state and errors of `PlainSignum`.

        mom ← momentum·mom − (1 − momentum)·(clip(rescale_grad·grad) + wd·weight)
        weight ← (1 − lr·wd_lh)·weight + lr·sign(mom)

    Float16 and float32 are equal bit for bit, float64 but for the last digit with which MXNet reads a number.
    Each element of weight, grad and mom is read once and written once: 20 bytes a float32 parameter, where the
    expressions of `PlainSignum` write every intermediate array to memory. With multi_precision, the float16 weight and
    its master copy are renewed in the same pass.

    Source: `gluonbook.kernels.signum_step`; the method, arXiv:1802.04434, Algorithm 2.
    """

    def __init__(self, learning_rate: float | None = None, momentum: float = 0.9, **options) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = real("momentum", momentum, "[0, 1)")

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def step(self, weight: NDArray, grad: NDArray, mom: NDArray, *, lr: float, wd: float, t: int) -> None:
        kernels.signum_step(weight, grad, mom, **self._options(lr, wd))

    def mixed_step(
        self, weight: NDArray, grad: NDArray, mom: NDArray, weight32: NDArray, *, lr: float, wd: float, t: int
    ) -> None:
        kernels.signum_step(weight, grad, mom, weight32=weight32, **self._options(lr, wd))

    def _options(self, lr: float, wd: float) -> dict[str, float | None]:
        return {
            "lr": lr,
            "momentum": self.momentum,
            "wd": wd,
            "wd_lh": self.wd_lh,
            "rescale_grad": self.rescale_grad,
            "clip_gradient": self.clip_gradient,
        }
