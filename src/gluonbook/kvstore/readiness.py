"""When backward has made gradients ready, and in which order, so that those that are ready first travel first."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from threading import Event
from typing import final

from mxnet import ndarray as nd
from mxnet.base import _LIB, check_call
from mxnet.ndarray import NDArray

from gluonbook.kernels import native
from gluonbook.kvstore.bucket import Bucket

UNSEEN = -1
_LOOKS = 8  # at so many steps, of which the last counts: the first ones may do more than others
_HOST = ctypes.byref((ctypes.c_int * 2)(1, 0))  # the engine's Context: type CPU, number 0
_KIND = ctypes.byref(ctypes.c_int(7))  # its FnProperty::kNoSkip: also where an operation before has failed
_FIRST = 1 << 20  # its priority: before what backward has in the queue
_waiting: dict[int, Callable[[], object]] = {}  # what the engine is still to call
_numbers = count(1)


@final
class Watch:
    """Sees the gradients of buckets become ready.

    To wait by MXNet's own function is an operation, too, and comes into the queue of the engine at the time at which
    backward's next operation does. Which of the two runs first is luck, so half of the time one waits for both.
    """

    def __init__(self, parts: Sequence[Bucket]) -> None:
        self._ready = [Event() for _ in parts]
        self._order: list[int] = []
        for place, part in enumerate(parts):
            grads = [own[device] for own in part.grads for device in part.devices]
            _after(grads, partial(self._see, place))
        self._seen_before = len(self._order)

    def _see(self, place: int) -> None:
        self._order.append(place)
        self._ready[place].set()

    def wait(self, place: int) -> None:
        """Wait for the gradients of a bucket; what has failed in the engine is raised by who reads them."""
        self._ready[place].wait()

    @property
    def order(self) -> list[int]:
        """In which order they became ready; UNSEEN for each, if all were so from the beginning."""
        every = len(self._ready)
        return [UNSEEN] * every if self._seen_before == every else self._order


@final
class Readiness:
    """The order of the buckets of a step: the one they come in, until it is known by which one they become ready.

    The order is no part of a store's method: it changes no bit of what comes out, only how long it takes. All ranks
    must follow the same one, that which rank 0 has seen.
    """

    def __init__(self) -> None:
        self._orders: dict[tuple, Sequence[int]] = {}
        self._looks: dict[tuple, int] = {}

    def order(self, parts: Sequence[Bucket]) -> Sequence[int]:
        """The places of the buckets, in the order that all ranks follow."""
        return self._orders.get(_name(parts), range(len(parts)))

    def sought(self, parts: Sequence[Bucket]) -> bool:
        """Whether rank 0 is still to tell what it sees; the same on all."""
        return len(parts) > 1 and self._looks.get(_name(parts), 0) < _LOOKS

    def follow(self, parts: Sequence[Bucket], order: Sequence[int]) -> None:
        """From now on these buckets come in this order, if it is one."""
        name = _name(parts)
        self._looks[name] = self._looks.get(name, 0) + 1
        if UNSEEN not in order:
            self._orders[name] = order


def _name(parts: Sequence[Bucket]) -> tuple:
    return tuple((part.keys[0], len(part.keys)) for part in parts)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
def _call(context: int, number: int | None) -> None:
    _waiting.pop(number or 0)()


def _after(arrays: Sequence[NDArray], call: Callable[[], object]) -> None:
    """Let the engine call a function, in a thread of its own, when it is done with all that writes arrays.

    It does so in two operations. While one that has to do with the arrays is not quite over, whoever gets to know of it
    could come too early, and would have to wait in the queue.
    """
    number, done = next(_numbers), nd.empty(1)
    _waiting[number] = call
    _push(ctypes.c_void_p(native.nothing.address), None, arrays, [done])
    _push(_call, ctypes.c_void_p(number), [done], [])


def _push(function: object, argument: object, read: Sequence[NDArray], changed: Sequence[NDArray]) -> None:
    handles = [(ctypes.c_void_p * len(arrays))(*(array.handle for array in arrays)) for arrays in (read, changed)]
    dependencies = (place for one in handles for place in (one, len(one)))
    check_call(_LIB.MXEnginePushSyncND(function, argument, None, _HOST, *dependencies, _KIND, _FIRST, None))
