"""Share the elements of long arrays among threads.

The threads are plain ones of Python that run compiled kernels, which release its lock. Numba's own parallel loops are
not used: on top of GNU OpenMP they end the process in a child made by fork, as the workers of a DataLoader are, and on
numba's own queue two threads that call kernels at the same time do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cache
from queue import SimpleQueue
from typing import Callable, NamedTuple

from gluonbook import environment

_WORTH = 1 << 22  # bytes: one core moves so many in some 100 µs, and to wake a thread takes some 20 µs
_UNIT = 1 << 11  # shares begin at multiples of it: whole words, whole cache lines


@cache
def count() -> int:
    """How many threads a kernel uses: NUMBA_NUM_THREADS, else OMP_NUM_THREADS, else the number of usable cores."""
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        number = os.environ.get(variable, "").partition(",")[0].strip()  # OpenMP allows a list, one a nested level
        if number.isdigit() and int(number):
            return int(number)
    return environment.cores()


class Call(NamedTuple):
    """A kernel to be called as `kernel(start, stop, *args)` for shares of the range(n)."""

    kernel: Callable[..., object]
    n: int
    traffic: int  # bytes that an element makes go from or to memory
    args: tuple

    @property
    def work(self) -> int:
        """The bytes that go from or to memory in all."""
        return self.n * self.traffic


def share(calls: Sequence[Call]) -> None:
    """Share the work of all calls among threads, and return when it is done. An exception in any of them is raised."""
    work = sum(call.work for call in calls)
    threads = min(count(), -(-work // _WORTH))
    if threads <= 1:
        _run([(call.kernel, 0, call.n, call.args) for call in calls])
        return
    own, *others = _shares(calls, -(-work // threads))
    done: SimpleQueue = SimpleQueue()
    tasks = _tasks(count() - 1)
    for part in others:
        tasks.put((done, part))
    try:
        _run(own)
    finally:
        failures = [failure for _ in others for failure in [done.get()] if failure]
    if failures:
        raise failures[0]


def enough() -> int:
    """The bytes that are work for all threads."""
    return count() * _WORTH


def _shares(calls: Sequence[Call], size: int) -> list[list[tuple]]:
    """The calls cut into parts of at least `size` bytes each, but for the last."""
    parts: list[list[tuple]] = []
    room = 0
    for kernel, n, traffic, args in calls:
        start = 0
        while start < n:
            if room <= 0:
                parts.append([])
                room = size
            stop = min(n, start + -(-room // (traffic * _UNIT)) * _UNIT)
            parts[-1].append((kernel, start, stop, args))
            room -= (stop - start) * traffic
            start = stop
    return parts


def _run(part: list[tuple]) -> None:
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
        done, part = tasks.get()
        try:
            _run(part)
        except BaseException as failure:
            done.put(failure)
        else:
            done.put(None)
        del part  # a thread that waits for work must not keep arrays alive


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tasks.cache_clear)  # a child has none of its parent's threads
