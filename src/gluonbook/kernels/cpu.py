"""The kernels on arrays in the memory of the host: compiled code on views of them, shared among threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gluonbook.kernels import hyper, native
from gluonbook.kernels.forms import Step
from gluonbook.kernels.memory import Array
from gluonbook.kernels.threads import Call, enough, share
from gluonbook.kernels.views import readable, settle, writable

_SINGLE = np.dtype(np.float32)


def signum_steps(steps: Sequence[Step]) -> None:
    """See `steps.signum_steps`.

    Backward computes the gradients from the last layer to the first. So the steps are prepared in that order, each as
    soon as its gradient is there, and computed as soon as they are work for all threads.
    """
    ready: list[Call] = []
    work = 0
    for step in reversed(steps):
        settle(step.weight, step.grad, step.mom, step.weight32)
        ready.append(_signum_call(step))
        work += ready[-1].work
        if work >= enough():
            share(ready)
            ready, work = [], 0
    share(ready)


def _signum_call(step: Step) -> Call:
    kind, n = step.dtype, step.n
    computed, half = kind, None
    w, g = writable(step.weight, kind, n), readable(step.grad, kind, n)
    if step.weight32 is not None:
        computed = _SINGLE
        w, half = writable(step.weight32, computed, n), w
    m = writable(step.mom, computed, n)
    traffic = 4 * computed.itemsize + kind.itemsize * (1 if half is None else 2)
    return Call(native.signum_step, n, traffic, (w, g, m, half, *step.constants))


def momentum_pack(mom: Array, grad: Array, constants: hyper.Signum, words: np.ndarray) -> None:
    """See `steps.momentum_pack`."""
    settle(mom, grad)
    n = mom.size
    m, g = writable(mom, np.dtype(mom.dtype), n), readable(grad, np.dtype(grad.dtype), n)
    share([Call(native.momentum_pack, n, 2 * m.itemsize + g.itemsize, (m, g, words, *constants))])


def apply_signs(weight: Array, words: np.ndarray, lr: np.floating, wd: np.floating) -> None:
    """See `steps.apply_signs`."""
    settle(weight)
    n = weight.size
    w = writable(weight, np.dtype(weight.dtype), n)
    share([Call(native.apply_signs, n, 2 * w.itemsize, (w, words, lr, wd))])


def pack(x: Array, words: np.ndarray) -> None:
    """See `ballots.pack`."""
    settle(x)
    n = x.size
    values = readable(x, np.dtype(x.dtype), n)
    share([Call(native.pack, n, values.itemsize, (values, words))])


def unpack(words: np.ndarray, n: int, dtype: np.dtype) -> np.ndarray:
    """See `ballots.unpack`."""
    signs = np.empty(n, dtype)
    values = writable(signs, dtype, n)
    share([Call(native.unpack, n, values.itemsize, (words, values))])
    return signs


def vote(ballots: Sequence[np.ndarray], words: np.ndarray) -> None:
    """See `ballots.vote`."""
    M = len(ballots)
    majority = (M + 1) // 2  # the fewest ayes that carry it
    power = (M // 2).bit_length()  # a count, with its offset, then fits in power + 1 digits
    addresses = np.array([ballot.__array_interface__["data"][0] for ballot in ballots])
    arguments = (addresses, words, power + 1, (1 << power) - majority)
    share([Call(native.vote, words.size, words.itemsize * (M + 1), arguments)])
