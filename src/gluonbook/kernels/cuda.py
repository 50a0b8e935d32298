"""The kernels on a GPU: CUDA sources, which MXNet's `mx.rtc` has NVRTC compile at the first call.

Only words cross to the host, 1/32 of an array, when a whole list of arrays has been given its work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import final

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.ndarray import NDArray

from gluonbook.kernels import memory
from gluonbook.kernels.bits import lots, tally
from gluonbook.kernels.cuda_source import BLOCK, ITEMS, OPTIONS, blocks, signature, source
from gluonbook.kernels.form import ApplySigns, Form, MomentumPack, NonFinite, Pack, SignumStep, Unpack, one_by_one
from gluonbook.kernels.memory import Column

_ANY = np.dtype("float32")  # of sources whose types do not matter


@final
class Cuda(Form):
    """CUDA sources, for a GPU's memory."""

    def signum_step(self, job: SignumStep) -> None:
        for weight, grad, mom, weight32, c in one_by_one(job):
            if weight32 is None:
                name, arrays = "signum_step", (weight.array, grad.array, mom.array)
            else:
                name, arrays = "signum_step_and_copy", (weight32.array, grad.array, mom.array, weight.array)
            _launch(name, mom.dtype, grad.dtype, weight.n, *arrays, weight.n, *c)

    def momentum_pack(self, job: MomentumPack) -> None:
        sent, places = [], []
        for mom, grad, new, c, zeros, words, _ in one_by_one(job):
            places.append(words)
            sent.append(_words_on(mom.array, words.size))
            arrays = (new or mom).array, mom.array, grad.array, sent[-1]
            constants = c.momentum, c.damping, c.damped_rescale, c.rescale, c.clip
            _launch("momentum_pack", mom.dtype, grad.dtype, mom.n, *arrays, mom.n, _as_long(zeros), *constants)
        _search(job.grad, job.found)
        _fetch(sent, places)

    def apply_signs(self, job: ApplySigns) -> None:
        for weight, (lr, wd), words in one_by_one(job):
            given = _words_on(weight.array, words)
            _launch("apply_signs", weight.dtype, weight.dtype, weight.n, weight.array, given, weight.n, lr, wd)

    def pack(self, job: Pack) -> None:
        sent, places = [], []
        for x, zeros, words, _ in one_by_one(job):
            places.append(words)
            sent.append(_words_on(x.array, words.size))
            _launch("pack", x.dtype, x.dtype, x.n, x.array, sent[-1], x.n, _as_long(zeros))
        _search(job.x, job.found)
        _fetch(sent, places)

    def unpack(self, job: Unpack) -> None:
        for x, words in one_by_one(job):
            _launch("unpack", x.dtype, x.dtype, x.n, x.array, _words_on(x.array, words), x.n)

    def nonfinite(self, job: NonFinite) -> None:
        _search(job.x, job.found)

    def vote(self, table: NDArray, step: int) -> NDArray:
        M, n = table.shape
        result = nd.empty(n, table.context, dtype=np.int64)
        offset, top, ties = tally(M, step)
        _launch("vote", _ANY, _ANY, ITEMS * n, table, result, n, M, offset, top, _as_long(ties))  # a word a thread
        return result


@cache
def works(ctx: mx.Context) -> str:
    """An empty string if the kernels can be compiled and run on a GPU, else why not."""
    words = np.zeros(1, np.uint64)
    try:
        Cuda().pack(Pack(memory.column("x", [nd.array([-1, 1, 0], ctx)]), lots(0), words, None))
    except mx.base.MXNetError as error:
        return str(error).strip().splitlines()[-1]
    return "" if words[0] == 0b110 else f"pack gave {words[0]:b} where 110 is right"


def _launch(name: str, exact: np.dtype, grad: np.dtype, n: int, *arguments: NDArray | np.number | int) -> None:
    """Call a kernel that takes n elements."""
    if n:
        grid, block = (blocks(n), 1, 1), (BLOCK, 1, 1)
        _kernel(name, exact, grad).launch(arguments, arguments[0].context, grid, block)


@cache
def _module(exact: np.dtype, grad: np.dtype) -> mx.rtc.CudaModule:
    return mx.rtc.CudaModule(source(exact, grad), options=OPTIONS)


@cache
def _kernel(name: str, exact: np.dtype, grad: np.dtype) -> mx.rtc.CudaKernel:
    return _module(exact, grad).get_kernel(name, signature(name, exact, grad))


def _as_long(word: np.uint64) -> np.int64:
    """The bits of a word as `mx.rtc` takes them."""
    return word.view(np.int64)


def _words_on(array: NDArray, words: np.ndarray | int) -> NDArray:
    """Words beside the array, as MXNet has them: in halves of 32 bits; those given, or room for so many."""
    if isinstance(words, int):
        return nd.empty(2 * words, array.context, dtype=np.int32)
    return nd.array(np.ascontiguousarray(words).view(np.int32), array.context, dtype=np.int32)


def _search(arrays: Column, found: np.ndarray | None) -> None:
    """Note NaN and infinity in arrays, if that is asked for."""
    if found is None:
        return
    flags = []
    for x in arrays.flats():
        flags.append(nd.zeros(1, x.array.context, dtype=np.int32))
        _launch("nonfinite", x.dtype, x.dtype, x.n, x.array, flags[-1], x.n)
    for i, flag in enumerate(flags):
        found[i] |= bool(flag.asscalar())


def _fetch(sent: Sequence[NDArray], places: Sequence[np.ndarray]) -> None:
    for halves, place in zip(sent, places):
        place[:] = halves.asnumpy().view(np.uint64)
