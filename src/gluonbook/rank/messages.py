"""Messages of MPI for which one waits asleep.

The blocking calls of MPICH spin: who waits takes a processor from those it waits for, where there are fewer of these
than ranks. Here it looks, sleeps, and looks again, after at most 2 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

import numpy as np

if TYPE_CHECKING:
    from mpi4py import MPI

_SHORTEST, _LONGEST = 5e-5, 2e-3  # seconds of a nap: an answer that comes soon is found soon


def until(ask: Callable[[], Any]) -> Any:
    """The first answer that is true; `ask` is called again and again, and should cost little."""
    nap = _SHORTEST
    while not (answer := ask()):
        time.sleep(nap)
        nap = min(2 * nap, _LONGEST)
    return answer


@final
class Mailbox:
    """The messages between the ranks of a communicator, in the order in which each has sent them to each.

    A message is None or a NumPy array of any shape and type. To send returns at once, and what was sent may be changed
    then. All is done by the thread that calls, and by one at a time.
    """

    def __init__(self, comm: MPI.Comm) -> None:
        self._comm = comm
        self._going: list[MPI.Request] = []

    def send(self, message: np.ndarray | None, to: int, tag: int = 0) -> None:
        """Let a message go to a rank, whether it asks for one yet or not."""
        self._going = [request for request in self._going if not request.test()[0]]
        self._going.append(self._comm.isend(message, to, tag))

    def receive(self, source: int, tag: int = 0) -> np.ndarray | None:
        """The next message from a rank."""
        return self._taken(until(lambda: self._comm.improbe(source, tag)))

    def receive_any(self, tag: int = 0) -> tuple[int, np.ndarray | None]:
        """The next message from whichever rank, and from which."""
        from mpi4py import MPI

        status = MPI.Status()
        found = until(lambda: self._comm.improbe(MPI.ANY_SOURCE, tag, status))
        return status.source, self._taken(found)

    def flush(self) -> None:
        """Return when all that was sent has been taken."""
        while self._going:
            until(lambda: self._going[0].test()[0])
            del self._going[0]

    def _taken(self, found: MPI.Message) -> np.ndarray | None:
        # A large one comes only while its sender is inside of MPI, so that, too, is not waited for in a blocking call.
        request = found.irecv()
        return until(lambda: (done := request.test())[0] and done)[1]
