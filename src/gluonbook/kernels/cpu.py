"""The kernels on arrays in the memory of the host: compiled code on all arrays of a list, shared among threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.kernels import native, native_vote
from gluonbook.kernels.bits import tally
from gluonbook.kernels.form import ApplySigns, Form, MomentumPack, NonFinite, Pack, SignumStep, Unpack
from gluonbook.kernels.memory import FLOATS, Column
from gluonbook.kernels.threads import PART, Call, share
from gluonbook.kernels.views import Rows

Kinds = list  # of np.dtype, one a column; None where it has no array
Plan = Callable[[Kinds], tuple]  # bytes that an element moves, and the arguments of a kernel after `rows`

# Arrays without elements, which tell a kernel of what type those are that lie at an address.
_LIKE: dict[np.dtype | None, np.ndarray | None] = {
    None: None,
    **{dtype: np.empty(0, np.uint16 if dtype == np.float16 else dtype) for dtype in FLOATS},
}


def _bits(dtype: np.dtype) -> tuple[np.ndarray, np.signedinteger, np.signedinteger]:
    whole = np.dtype(f"i{dtype.itemsize}")
    return np.empty(0, whole), whole.type(np.iinfo(whole).max), np.array(np.inf, dtype).view(whole)[()]


_BITS = {dtype: _bits(dtype) for dtype in FLOATS}  # with the mask of a magnitude, and the bits of infinity


@final
class Host(Form):
    """Compiled code, for the host's memory."""

    def signum_step(self, job: SignumStep) -> None:
        constants = _Constants(job.constants)

        def plan(kinds: Kinds) -> tuple:
            exact, grad, _, half = (*kinds, None)[:4]
            traffic = 4 * exact.itemsize + grad.itemsize * (2 if half else 1)
            return traffic, (_LIKE[exact], _LIKE[grad], _LIKE[half], *constants.of(exact))

        columns = [job.weight, job.grad, job.mom]
        if job.weight32 is not None:
            columns = [job.weight32.or_else(job.weight), job.grad, job.mom, job.weight.beside(job.weight32)]
        _compute(native.signum_step, columns, plan)

    def momentum_pack(self, job: MomentumPack) -> None:
        constants = _Constants(job.constants)

        def plan(kinds: Kinds) -> tuple:
            exact, grad = kinds[:2]
            search = _search(grad, job.found)
            own = _LIKE[exact], _LIKE[grad], job.new is not None, job.words, job.zeros, search
            return 2 * exact.itemsize + grad.itemsize, (*own, *constants.of(exact))

        _compute(native.momentum_pack, [job.mom, job.grad, *([job.new] if job.new else [])], plan)

    def apply_signs(self, job: ApplySigns) -> None:
        constants = _Constants(job.constants)

        def plan(kinds: Kinds) -> tuple:
            (own,) = kinds
            return 2 * own.itemsize, (_LIKE[own], job.words, *constants.of(own))

        _compute(native.apply_signs, [job.weight], plan)

    def pack(self, job: Pack) -> None:
        def plan(kinds: Kinds) -> tuple:
            (own,) = kinds
            return own.itemsize, (_LIKE[own], job.words, job.zeros, _search(own, job.found))

        _compute(native.pack, [job.x], plan)

    def unpack(self, job: Unpack) -> None:
        def plan(kinds: Kinds) -> tuple:
            (own,) = kinds
            return own.itemsize, (_LIKE[own], job.words)

        _compute(native.unpack, [job.x], plan)

    def nonfinite(self, job: NonFinite) -> None:
        def plan(kinds: Kinds) -> tuple:
            (own,) = kinds
            return own.itemsize, (_search(own, job.found),)

        _compute(native.nonfinite, [job.x], plan)

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


def _compute(kernel: Callable[..., object], columns: Sequence[Column], plan: Plan) -> None:
    """Call a kernel for all rows of the columns."""
    rows = Rows(*columns)  # which keeps copies alive until all threads are done
    share(_calls(kernel, columns, plan, rows))


def _calls(kernel: Callable[..., object], columns: Sequence[Column], plan: Plan, rows: Rows) -> Iterator[Call]:
    """Calls for so many rows each as make a part for a thread, of the same types, which are settled just before.

    Backward computes the gradients from the last layer to the first, so the rows are taken in that order.
    """
    kinds = [*zip(*(column.kinds.tolist() for column in columns))]
    room = PART  # the first part is soon ready; then each call is for several
    edges = [0, *(i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]), len(kinds)]
    for lowest, last in reversed([*zip(edges, edges[1:])]):
        if lowest == last:
            continue
        traffic, arguments = plan([column.dtype(lowest) for column in columns])
        while last > lowest:
            enough = rows.begins[last] - room // traffic
            first = max(lowest, int(np.searchsorted(rows.begins[:last], enough, side="right")) - 1)
            n = int(rows.begins[last] - rows.begins[first])
            if n:
                yield Call(kernel, n, traffic, (rows.settled(first, last), *arguments))
                room = 4 * PART
            last = first


@final
class _Constants:
    """Constants of rows, of which many may have the same, as the kernels take them: which, and a table of them."""

    def __init__(self, rows: Sequence[tuple[np.floating, ...]]) -> None:
        distinct = dict(zip(map(id, rows), rows))
        numbers = {key: number for number, key in enumerate(distinct)}
        self._which = np.array([numbers[id(row)] for row in rows], np.int64)
        self._table = np.array([*map(tuple, distinct.values())], np.float64)

    def of(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        """Both, for arrays of a type: float16 computes with constants in float32."""
        return self._which, self._table.astype(np.float64 if dtype == np.float64 else np.float32)


def _search(dtype: np.dtype, found: np.ndarray | None) -> tuple | None:
    """What a kernel takes to look for NaN and infinity."""
    if found is None:
        return None
    return *_BITS[dtype], found
