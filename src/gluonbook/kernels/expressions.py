"""The kernels in NDArray expressions: for a GPU where CUDA kernels cannot be had, and right on every context.

They take many passes over the arrays where compiled code takes one, but all work stays on the device, and only words
cross to the host. Constants are arrays of one element: as operands written in an expression they would pass through
text, and MXNet's reading of it is not exact (`hyper.as_mxnet_reads`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import final

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.ndarray import NDArray

from gluonbook.kernels import hyper
from gluonbook.kernels.bits import BITS
from gluonbook.kernels.cpu import Host
from gluonbook.kernels.form import ApplySigns, Form, MomentumPack, NonFinite, Pack, SignumStep, Unpack, one_by_one
from gluonbook.kernels.memory import Flat

_POWERS = tuple(1 << bit for bit in range(8))


@final
class Expressions(Form):
    """NDArray expressions, for any context."""

    def signum_step(self, job: SignumStep) -> None:
        for weight, grad, mom, weight32, constants in one_by_one(job):
            w, m, c = (weight32 or weight).array, mom.array, _on(mom, constants)
            _renew(m, c.momentum * m - c.damped_wd * w, grad.array, c)
            w[:] = c.shrink * w + c.lr * ((m > 0) - (m < 0))
            if weight32:
                weight.array[:] = w.astype(weight.dtype)

    def momentum_pack(self, job: MomentumPack) -> None:
        for mom, grad, new, constants, zeros, words, found in one_by_one(job):
            m, c = (new or mom).array, _on(mom, constants)
            if found is not None:
                _search(grad.array, found)
            _renew(m, c.momentum * mom.array, grad.array, c)
            _pack(-m, zeros, words)

    def apply_signs(self, job: ApplySigns) -> None:
        for weight, (lr, wd), words in one_by_one(job):
            w = weight.array
            wide = w.astype(lr.dtype)
            direction = _unpacked(words, weight.n, wide).reshape(weight.shape)
            if wd != 0:
                direction = direction + _constant(wd, w.context) * wide
            w[:] = (wide - _constant(lr, w.context) * direction).astype(weight.dtype)

    def pack(self, job: Pack) -> None:
        for x, zeros, words, found in one_by_one(job):
            if found is not None:
                _search(x.array, found)
            _pack(x.array, zeros, words)

    def unpack(self, job: Unpack) -> None:
        for x, words in one_by_one(job):
            x.array[:] = _unpacked(words, x.n, x.array).reshape(x.shape)

    def nonfinite(self, job: NonFinite) -> None:
        for x, found in one_by_one(job):
            _search(x.array, found)

    def vote(self, table: NDArray, step: int) -> NDArray:
        return Host().vote(table, step)  # words are few


def _pack(x: NDArray, zeros: np.uint64, words: np.ndarray) -> None:
    flat = x.reshape(-1)
    plus, minus = (flat > 0).astype("float32"), (flat < 0).astype("float32")
    drawn = _unpacked(np.full_like(words, zeros), x.size, plus) > 0
    bits = plus + (1 - plus - minus) * drawn
    missing = words.size * BITS - x.size
    if missing:
        bits = nd.concat(bits, nd.zeros(missing, x.context), dim=0)
    octets = (bits.reshape((-1, 8)) * _powers(x.context)).sum(axis=1).astype("uint8")
    words[:] = octets.asnumpy().view("<u8")


def _search(x: NDArray, found: np.ndarray) -> None:
    """Note NaN or infinity in x."""
    found[0] |= bool((0 * x != 0).max().asscalar())


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


def _on(mom: Flat, constants: hyper.Signum) -> hyper.Signum:
    """The constants as arrays beside the momentum; None for a clip that clips nothing."""
    ctx = mom.array.context
    placed = hyper.Signum(*(_constant(mom.dtype.type(value), ctx) for value in constants))
    return placed if constants.clip >= 0 else placed._replace(clip=None)


@lru_cache(maxsize=1024, typed=True)
def _constant(value: np.floating, ctx: mx.Context) -> NDArray:
    return nd.array([value], ctx, dtype=value.dtype)


def _powers(ctx: mx.Context) -> NDArray:
    return nd.array(_POWERS, ctx, dtype="float32").reshape((1, 8))
