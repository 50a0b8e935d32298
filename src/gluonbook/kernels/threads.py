"""Share the elements of long arrays among threads.

The threads are plain ones of Python that run compiled kernels, which release its lock. Numba's own parallel loops are
not used: on top of GNU OpenMP they end the process in a child made by fork, as the workers of a DataLoader are, and on
numba's own queue two threads that call kernels at the same time do.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from queue import SimpleQueue
from typing import Callable, NamedTuple, final

from gluonbook.machine import facts

PART = 1 << 22  # bytes: one core moves so many in some 100 µs, and to wake a thread takes some 20 µs
_UNIT = 1 << 11  # parts begin at multiples of it: whole words, whole cache lines

Part = list  # of (kernel, start, stop, args)


@cache
def count() -> int:
    """How many threads a kernel uses: NUMBA_NUM_THREADS, else OMP_NUM_THREADS, else the number of usable cores."""
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        number = os.environ.get(variable, "").partition(",")[0].strip()  # OpenMP allows a list, one a nested level
        if number.isdigit() and int(number):
            return int(number)
    return facts.cores()


@final
class Call(NamedTuple):
    """A kernel to be called as `kernel(start, stop, *args)` for shares of the range(n)."""

    kernel: Callable[..., object]
    n: int
    traffic: int  # bytes that an element makes go from or to memory
    args: tuple


def share(calls: Iterable[Call]) -> None:
    """Do the work of all calls in several threads, and return when it is done. An exception in any of them is raised.

    The calls may be a generator, which runs in this thread: other threads compute the first while it prepares the next.
    """
    waiting: deque[Part] = deque()  # whoever is free takes the next
    done: SimpleQueue = SimpleQueue()
    helpers = count() - 1
    tasks = _tasks(helpers)
    elsewhere = 0  # parts that other threads have taken, once `waiting` is empty
    try:
        for part in _parts(calls):
            waiting.append(part)
            elsewhere += 1
            if helpers and elsewhere > 1:  # the first is for this thread
                tasks.put((done, waiting))
        while taken := _next(waiting):
            elsewhere -= 1
            _run(taken)
    finally:
        while _next(waiting):
            elsewhere -= 1
        failures = [done.get() for _ in range(elsewhere)]  # None for a part that went well
    for failure in filter(None, failures):
        raise failure


def _next(waiting: deque[Part]) -> Part | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _parts(calls: Iterable[Call]) -> Iterator[Part]:
    """The calls in parts of at least PART bytes each, but for the last."""
    part: Part = []
    room = PART
    for kernel, n, traffic, args in calls:
        start = 0
        while start < n:
            stop = min(n, start + -(-room // (traffic * _UNIT)) * _UNIT)
            part.append((kernel, start, stop, args))
            room -= (stop - start) * traffic
            start = stop
            if room <= 0:
                yield part
                part, room = [], PART
    if part:
        yield part


def _run(part: Part) -> None:
    for kernel, start, stop, args in part:
        kernel(start, stop, *args)


@cache
def _tasks(threads: int) -> SimpleQueue:
    """The queue that this process's threads take their work from."""
    tasks: SimpleQueue = SimpleQueue()
    for number in range(threads):
        threading.Thread(target=_work, args=(tasks,), name=f"gluonbook-kernel-{number}", daemon=True).start()
    return tasks


def _work(tasks: SimpleQueue) -> None:
    while True:
        done, waiting = tasks.get()
        part = _next(waiting)
        if part:  # else others were faster
            try:
                _run(part)
            except BaseException as failure:
                done.put(failure)
            else:
                done.put(None)
        del part, waiting  # a thread that waits for work must not keep arrays alive


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tasks.cache_clear)  # a child has none of its parent's threads
