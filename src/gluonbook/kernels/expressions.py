"""The kernels in NDArray expressions: for arrays on a GPU, and right on every context.

They take many passes over the arrays where compiled code takes one, but all work stays on the device, and only words
cross to the host. Constants are arrays of one element: as operands written in an expression they would pass through
text, and MXNet's reading of it is not exact (`hyper.as_mxnet_reads`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.ndarray import NDArray

from gluonbook.kernels import hyper
from gluonbook.kernels.forms import Step
from gluonbook.kernels.memory import BITS

_POWERS = tuple(1 << bit for bit in range(8))


def signum_steps(steps: Sequence[Step]) -> None:
    """See `steps.signum_steps`."""
    for step in steps:
        _signum_step(step)


def momentum_pack(mom: NDArray, grad: NDArray, constants: hyper.Signum, words: np.ndarray) -> None:
    """See `steps.momentum_pack`."""
    c = _on(mom, constants)
    _renew(mom, c.momentum * mom, grad, c)
    pack(-mom, words)


def apply_signs(weight: NDArray, words: np.ndarray, lr: np.floating, wd: np.floating) -> None:
    """See `steps.apply_signs`."""
    wide = weight.astype(lr.dtype)
    direction = _unpacked(words, weight.size, wide).reshape(weight.shape)
    if wd != 0:
        direction = direction + _constant(wd, weight.context) * wide
    weight[:] = (wide - _constant(lr, weight.context) * direction).astype(weight.dtype)


def pack(x: NDArray, words: np.ndarray) -> None:
    """See `ballots.pack`."""
    bits = (1 - (x.reshape(-1) < 0)).astype("float32")
    missing = words.size * BITS - x.size
    if missing:
        bits = nd.concat(bits, nd.zeros(missing, x.context), dim=0)
    octets = (bits.reshape((-1, 8)) * _powers(x.context)).sum(axis=1).astype("uint8")
    words[:] = octets.asnumpy().view("<u8")


def _signum_step(step: Step) -> None:
    mom, c = step.mom, _on(step.mom, step.constants)
    exact = step.weight if step.weight32 is None else step.weight32
    _renew(mom, c.momentum * mom - c.damped_wd * exact, step.grad, c)
    exact[:] = c.shrink * exact + c.lr * ((mom > 0) - (mom < 0))
    if step.weight32 is not None:
        step.weight[:] = exact.astype(step.dtype)


def _renew(mom: NDArray, kept: NDArray, grad: NDArray, c: hyper.Signum) -> None:
    """mom ← kept − (1 − momentum)·clip(rescale·grad)."""
    grad = grad.astype(mom.dtype)
    if c.clip is None:
        mom[:] = kept - c.damped_rescale * grad
    else:
        scaled = c.rescale * grad
        mom[:] = kept - c.damping * nd.broadcast_minimum(nd.broadcast_maximum(scaled, -c.clip), c.clip)


def _unpacked(words: np.ndarray, n: int, like: NDArray) -> NDArray:
    octets = nd.array(words.astype("<u8").view(np.uint8), like.context, dtype="float32").reshape((-1, 1))
    bits = nd.floor(octets / _powers(like.context)) % 2
    return (2 * bits.reshape(-1)[:n] - 1).astype(like.dtype)


def _on(array: NDArray, constants: hyper.Signum) -> hyper.Signum:
    """The constants as arrays beside `array`; None for a clip that clips nothing."""
    placed = hyper.Signum(*(_constant(array.dtype(value), array.context) for value in constants))
    return placed if constants.clip >= 0 else placed._replace(clip=None)


@lru_cache(maxsize=1024, typed=True)
def _constant(value: np.floating, ctx: mx.Context) -> NDArray:
    return nd.array([value], ctx, dtype=value.dtype)


def _powers(ctx: mx.Context) -> NDArray:
    return nd.array(_POWERS, ctx, dtype="float32").reshape((1, 8))
