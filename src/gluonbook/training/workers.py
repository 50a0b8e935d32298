"""Processes that load batches ahead, and what is said when one of them dies."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, final

import mxnet as mx
import numpy as np

from gluonbook.machine import limits
from gluonbook.rank import lifeline

_GLANCE = 0.5  # seconds between two looks at workers that say nothing
_GRACE = 1.0  # seconds in which workers may end by themselves


@final
class WorkerError(RuntimeError):
    """A process that loads batches could not be started, or has ended by itself."""


@final
class Workers:
    """`count` processes, each a fork of this one, that share the items of a series.

    Worker k makes items k, k + count, … and has one of them ready while the next is asked for. `series(place)` gives
    the functions that make them, one an item, from a place on. The items travel through pipes: neither /dev/shm nor
    a temporary folder is needed, and nothing is left in one. A slow item is waited for as long as it takes.
    """

    def __init__(self, count: int, series: Callable[[Any], Iterator[Callable[[], Any]]]) -> None:
        mx.nd.waitall()  # MXNet's engine stops for a fork
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        try:
            for k in range(count):
                mine, its = context.Pipe()
                self._pipes.append(mine)
                with its:
                    work = (its, list(self._pipes), os.getpid(), k, count, series)
                    process = context.Process(target=_work, args=work, daemon=True)
                    process.start()
                self._processes.append(process)
        except OSError as error:
            self.close()
            said = f"worker {k} of {count} that load batches cannot be started: {error}. {limits.behind_error(error)}"
            raise WorkerError(said.rstrip()) from error

    def items(self, place: Any, length: int) -> Iterator[Any]:
        """The next `length` items from `place` on, in order.

        Raises WorkerError as soon as a worker has ended, and what making an item raises. After an error, or where the
        items are not taken to the end, the workers are of no more use: close them.
        """
        for pipe in self._pipes:
            try:
                pipe.send(place)
            except OSError:  # it has died since
                self._look()
        for i in range(length):
            item, error, stack = self._received(self._pipes[i % len(self._pipes)])
            if error is not None:
                raise error from RuntimeError(f"in a worker that loads batches:\n{stack}")
            yield item

    def close(self) -> None:
        """End them, by force where they have not ended after a second."""
        for pipe in self._pipes:
            pipe.close()
        until = time.monotonic() + _GRACE
        for process in self._processes:
            process.join(max(0.0, until - time.monotonic()))
            process.kill()
            process.join()
            process.close()
        self._pipes, self._processes = [], []

    def _received(self, pipe: Connection) -> Any:
        while not pipe.poll(_GLANCE):
            self._look()
        try:
            return _receive(pipe)
        except (EOFError, OSError):  # cut off, in the middle of an item or before one
            self._processes[self._pipes.index(pipe)].join(_GRACE)
            self._look()
            raise

    def _look(self) -> None:
        for k, process in enumerate(self._processes):
            if process.exitcode is not None:
                said = f"worker {k} of {len(self._processes)} that load batches {_end(process.exitcode)}"
                raise WorkerError(said)


def _end(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}. {limits.behind_signal(status)}".rstrip()
    return f"ended with exit status {status}, without an error in Python"


def _work(pipe: Connection, others: list[Connection], parent: int, first: int, stride: int, series: Any) -> None:
    lifeline.tie(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's, which ends its workers
    for other in others:
        other.close()  # else no worker would see that the parent has closed its end
    try:
        while True:
            for i, make in enumerate(series(pipe.recv())):
                if i % stride == first:
                    _send(pipe, _made(make))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _send(pipe: Connection, item: Any) -> None:
    """A pickle of the item without its arrays, their sizes, and then each of them as it lies in memory."""
    buffers: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(item, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    pipe.send((rest, [view.nbytes for view in views]))
    for view in views:
        while view.nbytes:
            view = view[os.write(pipe.fileno(), view) :]


def _receive(pipe: Connection) -> Any:
    """What `_send` has sent; arrays come straight to where they stay. Raises EOFError where it ends too early."""
    rest, sizes = pipe.recv()
    arrays = [np.empty(size, np.uint8) for size in sizes]
    for array in arrays:
        view = array.data
        while view.nbytes:
            if not (count := os.readv(pipe.fileno(), [view])):
                raise EOFError("an item has ended before its last byte")
            view = view[count:]
    return pickle.loads(rest, buffers=arrays)


def _made(make: Callable[[], Any]) -> tuple[Any, Exception | None, str]:
    try:
        return make(), None, ""
    except Exception as error:
        stack = traceback.format_exc()
        try:
            return None, pickle.loads(pickle.dumps(error)), stack
        except Exception:  # not every exception survives that
            return None, RuntimeError(f"{type(error).__name__}: {error}"), stack
