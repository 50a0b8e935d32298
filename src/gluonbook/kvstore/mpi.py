"""Workers that are ranks of MPI: on one machine, or on a cluster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, final

import numpy as np

from gluonbook import kernels
from gluonbook.kvstore.link import Link
from gluonbook.rank import heartbeat

if TYPE_CHECKING:
    from mpi4py import MPI

_NAP = 5e-5  # seconds
_SHORT = 1 << 10  # words: so few are gathered by all, in one round of messages, rather than two


@final
class MPILink(Link):
    """The ranks of an MPI communicator, all of `MPI.COMM_WORLD` unless another is given.

    A vote takes one of two ways with the same result. Short ballots are *gathered*: each worker gets those of all
    others, (M − 1)·d/8 bytes in and out for d coordinates and M workers. Longer ones are *sharded*: each worker counts
    the votes of one M-th of the coordinates, and sends the outcome to all others, which is 2·(M − 1)/M·d/8 bytes in and
    out, less than d/4 however many they are.

    Raises:
        ImportError: mpi4py is not installed (`pip install gluonbook[dist]`).
    """

    engine = "mpi"

    def __init__(self, comm: MPI.Comm | None = None) -> None:
        from mpi4py import MPI  # at the first use: to import it starts MPI

        with heartbeat.waiting():
            # A communicator of its own: messages of the caller can never be taken for the store's.
            self._comm = (MPI.COMM_WORLD if comm is None else comm).Dup()
        self._mpi = MPI
        self.rank, self.size = self._comm.rank, self._comm.size
        self._room = np.empty(0, np.uint64)

    def vote(self, ballot: np.ndarray, voters: Sequence[int], step: int) -> None:
        if len(ballot) <= _SHORT:
            ballots = self.all_gather(ballot)
            kernels.vote([ballots[voter] for voter in voters], step=step, out=ballot)
            return
        shards = np.array_split(ballot, self.size)  # views: shard r is for rank r to count
        own = shards[self.rank]
        votes = [own if rank == self.rank else room for rank, room in enumerate(self._rooms(len(own)))]
        self._swap(shards, votes)
        kernels.vote([votes[voter] for voter in voters], step=step, out=own)
        self._swap([own] * self.size, shards)

    def _swap(self, out: Sequence[np.ndarray], into: Sequence[np.ndarray]) -> None:
        """Send out[r] to each other rank r, and receive into[r] from it."""
        others = [rank for rank in range(self.size) if rank != self.rank]
        coming = [self._comm.Irecv(into[rank], rank) for rank in others]
        going = [self._comm.Isend(out[rank], rank) for rank in others]
        self._finish(coming + going)

    def _finish(self, requests: list[MPI.Request]) -> None:
        """Wait for all. MPI takes a core while it waits; who is patient looks from time to time."""
        while self.patient and not self._mpi.Request.Testall(requests):
            time.sleep(_NAP)  # other ranks are not there yet: a report of what hangs shows this line
        self._mpi.Request.Waitall(requests)

    def _rooms(self, words: int) -> np.ndarray:
        """Room for so many words of each rank, the same at every call: to get new memory takes longer than a vote."""
        if self._room.size < self.size * words:
            self._room = np.empty(self.size * words, np.uint64)
        return self._room[: self.size * words].reshape(self.size, words)

    def all_gather(self, values: np.ndarray) -> np.ndarray:
        table = np.empty((self.size, len(values)), values.dtype)
        self._finish([self._comm.Iallgather(values.view(np.uint8), table.view(np.uint8))])
        return table

    def all_reduce(self, values: np.ndarray) -> None:
        self._finish([self._comm.Iallreduce(self._mpi.IN_PLACE, values, op=self._mpi.SUM)])

    def sendrecv(self, values: np.ndarray, to: int, source: int) -> np.ndarray:
        received = np.empty_like(values)
        coming = self._comm.Irecv(received.view(np.uint8), source)
        self._finish([coming, self._comm.Isend(values.view(np.uint8), to)])
        return received

    def broadcast(self, values: np.ndarray) -> None:
        self._finish([self._comm.Ibcast(values, root=0)])
