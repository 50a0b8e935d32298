"""The kernels on arrays in the memory of the host: compiled code on views of them, shared among threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.kernels import hyper, native, native_vote
from gluonbook.kernels.bits import tally
from gluonbook.kernels.form import ApplySigns, Form, MomentumPack, NonFinite, Pack, SignumStep, Unpack
from gluonbook.kernels.memory import Flat
from gluonbook.kernels.threads import Call, share
from gluonbook.kernels.views import readable, settle, writable


@final
class Host(Form):
    """Compiled code, for the host's memory."""

    def signum_step(self, jobs: Sequence[SignumStep]) -> None:
        _compute(_signum_step, jobs)

    def momentum_pack(self, jobs: Sequence[MomentumPack]) -> None:
        _compute(_momentum_pack, jobs)

    def apply_signs(self, jobs: Sequence[ApplySigns]) -> None:
        _compute(_apply_signs, jobs)

    def pack(self, jobs: Sequence[Pack]) -> None:
        _compute(_pack, jobs)

    def unpack(self, jobs: Sequence[Unpack]) -> None:
        _compute(_unpack, jobs)

    def nonfinite(self, jobs: Sequence[NonFinite]) -> None:
        _compute(_nonfinite, jobs)

    def vote(self, table: NDArray, step: int) -> NDArray:
        ballots = table.asnumpy().view(np.uint64)
        majority = np.empty(ballots.shape[1], np.uint64)
        self.count(list(ballots), step, majority)
        return nd.array(majority.view(np.int64), table.context, dtype=np.int64)

    def count(self, ballots: Sequence[np.ndarray], step: int, words: np.ndarray) -> None:
        """Write the majority of ballots into words, all of them in numpy, as they travel between workers."""
        offset, top, ties = tally(len(ballots), step)
        addresses = np.array([ballot.__array_interface__["data"][0] for ballot in ballots])
        traffic = words.itemsize * (len(ballots) + 1)
        share([Call(native_vote.vote, words.size, traffic, (addresses, words, top + 1, offset, ties))])


def _compute(call_for: Callable[..., Call], jobs: Sequence[tuple]) -> None:
    """Do all jobs; `call_for` waits for the arrays of one, and says which kernel to call.

    Backward computes the gradients from the last layer to the first, so the jobs are prepared in that order.
    """
    share(call_for(*job) for job in reversed(jobs))


def _signum_step(weight: Flat, grad: Flat, mom: Flat, weight32: Flat | None, constants: hyper.Signum) -> Call:
    half, exact = (None, weight) if weight32 is None else (weight, weight32)
    settle(exact, grad, mom, *([half] if half else []))
    traffic = 4 * exact.dtype.itemsize + grad.dtype.itemsize * (2 if half else 1)
    arrays = writable(exact), readable(grad), writable(mom), writable(half) if half else None
    return Call(native.signum_step, weight.n, traffic, (*arrays, *constants))


def _momentum_pack(
    mom: Flat,
    grad: Flat,
    new: Flat | None,
    constants: hyper.Signum,
    zeros: np.uint64,
    words: np.ndarray,
    found: np.ndarray | None,
) -> Call:
    settle(mom, grad, *([new] if new else []))
    traffic = 2 * mom.dtype.itemsize + grad.dtype.itemsize
    arrays = writable(new or mom), readable(grad), readable(mom) if new else None
    search = None if found is None else _search(grad.dtype, arrays[1], found)
    return Call(native.momentum_pack, mom.n, traffic, (*arrays, words, zeros, search, *constants))


def _apply_signs(weight: Flat, lr: np.floating, wd: np.floating, words: np.ndarray) -> Call:
    settle(weight)
    return Call(native.apply_signs, weight.n, 2 * weight.dtype.itemsize, (writable(weight), words, lr, wd))


def _pack(x: Flat, zeros: np.uint64, words: np.ndarray, found: np.ndarray | None) -> Call:
    settle(x)
    own = readable(x)
    search = None if found is None else _search(x.dtype, own, found)
    return Call(native.pack, x.n, x.dtype.itemsize, (own, words, zeros, search))


def _unpack(x: Flat, words: np.ndarray) -> Call:
    settle(x)
    return Call(native.unpack, x.n, x.dtype.itemsize, (words, writable(x)))


def _nonfinite(x: Flat, found: np.ndarray) -> Call:
    settle(x)
    return Call(native.nonfinite, x.n, x.dtype.itemsize, _search(x.dtype, readable(x), found))


def _search(dtype: np.dtype, x: np.ndarray, found: np.ndarray) -> tuple:
    """What `native.nonfinite` takes to look through x, of `dtype`, or its bits."""
    whole = np.dtype(f"i{dtype.itemsize}")
    return x.view(whole), whole.type(np.iinfo(whole).max), np.array(np.inf, dtype).view(whole)[()], found
