"""A master that answers its workers one by one, as they come: nobody waits for anybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast, final

import numpy as np

from gluonbook.checks import whole_number
from gluonbook.gossip.masters import Master
from gluonbook.rank import heartbeat
from gluonbook.rank.messages import Mailbox, until

if TYPE_CHECKING:
    from mpi4py import MPI


def serve(master: Master, comm: MPI.Comm | None = None) -> list[int]:
    """Be the master, on rank 0, until all workers have closed: which worker came, in the order in which they came.

    The other ranks are workers 0, 1, ... in their order, and each is a `Worker`. Each gets `master.point` at the
    beginning, and for each message an answer. Raises ValueError on another rank, or where there is no worker, and for a
    message that is not shaped as a point; FloatingPointError for one that is not finite.
    """
    comm = _connected(comm, master=True)
    mail, order, working = Mailbox(comm), [], comm.size - 1
    for rank in range(1, comm.size):
        mail.send(master.point, rank)
    while working:
        heartbeat.pause()  # the workers have a deadline each
        rank, message = mail.receive_any()
        if message is None:
            working -= 1
            continue
        heartbeat.step()
        order.append(rank - 1)
        mail.send(_answer(master, message, rank - 1), rank)
    mail.flush()
    _left(comm)
    return order


@final
class Worker:
    """The connection of a worker with the master: a message, and the point that comes back.

        with Worker() as worker:
            for _ in range(steps):
                worker.send(gradient(worker.point))

    A `send` is one of `heartbeat.step`, and sleeps until the answer is there.

    Args:
        comm: the ranks, `MPI.COMM_WORLD` by default, of which rank 0 calls `serve`.

    Attributes:
        point: what the master has sent last.
    """

    def __init__(self, comm: MPI.Comm | None = None) -> None:
        self._comm = _connected(comm, master=False)
        self._mail = Mailbox(self._comm)
        self.point = self._received()
        self._is_closed = False

    def send(self, message: np.ndarray) -> np.ndarray:
        """Send a vector, such as a gradient at `point`; returns the new `point`."""
        heartbeat.step()
        self._mail.send(np.asarray(message), 0)
        self.point = self._received()
        return self.point

    def close(self) -> None:
        """Tell the master that no more will come, and wait for the others. May be called again."""
        if not self._is_closed:
            self._is_closed = True
            heartbeat.pause()
            self._mail.send(None, 0)
            self._mail.flush()
            _left(self._comm)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:  # else this rank ends, and with it the run
            self.close()

    def _received(self) -> np.ndarray:
        return cast("np.ndarray", self._mail.receive(0))  # None is what workers say


def replay(
    master: Master, workers: Sequence[Callable[[np.ndarray], np.ndarray]], order: Iterable[int]
) -> list[np.ndarray]:
    """The same in one process, for the `order` in which workers come: the point after each message.

    `workers[i](point)` is the message of worker i, made of the last point that it was sent. Given the order of a run in
    processes, it is that run, bit for bit.

    Raises:
        ValueError: there is no such worker, or its message is not shaped as a point.
        FloatingPointError: a message is not finite.
    """
    seen, points = [master.point] * len(workers), []
    for worker in order:
        i = whole_number("worker", worker, 0, len(workers) - 1)
        message = workers[i](seen[i])
        seen[i] = _answer(master, message, i)
        points.append(seen[i])
    return points


def staleness(order: Sequence[int]) -> list[int]:
    """For each message, how many of others the master has answered since it had sent the point that this one is of."""
    last: dict[int, int] = {}
    ages = []
    for now, worker in enumerate(order):
        ages.append(now - last.get(worker, 0))
        last[worker] = now + 1
    return ages


def _answer(master: Master, message: np.ndarray, worker: int) -> np.ndarray:
    if np.shape(message) != master.point.shape:
        found = f"got {np.shape(message)} from worker {worker}"
        raise ValueError(f"a message has the shape of a point, {master.point.shape}, {found}")
    if not np.isfinite(message).all():
        raise FloatingPointError(f"the message of worker {worker} is not finite")
    return master.answer(message, worker)


def _connected(comm: MPI.Comm | None, *, master: bool) -> MPI.Comm:
    from mpi4py import MPI  # at the first use: to import it starts MPI

    comm = MPI.COMM_WORLD if comm is None else comm
    if master != (comm.rank == 0):
        raise ValueError(f"rank 0 calls serve, and all others are a Worker; this is rank {comm.rank}")
    if comm.size == 1:
        raise ValueError("a master needs a worker: start two ranks or more")
    with heartbeat.waiting():
        return comm.Dup()  # no message of the caller's is taken for one of these


def _left(comm: MPI.Comm) -> None:
    until(comm.Ibarrier().Test)
    comm.Free()
