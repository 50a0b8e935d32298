"""Workers that are ranks of MPI: on one machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gluonbook import kernels
from gluonbook.kvstore.link import Link

if TYPE_CHECKING:
    from mpi4py import MPI

_SHORT = 1 << 10  # words: so few are gathered by all, in one round of messages, rather than two


class MPILink(Link):
    """The ranks of an MPI communicator, all of `MPI.COMM_WORLD` unless another is given.

    A vote takes one of two ways with the same result. Two workers, and any number with a short ballot, *gather*: each
    gets the ballots of the others, (M − 1)·d/8 bytes in and out for d coordinates and M workers. More workers *shard*:
    each counts the votes of one M-th of the coordinates, and sends the outcome to all others, which is
    2·(M − 1)/M·d/8 bytes in and out, less than d/4 however many they are.

    Raises:
        ImportError: mpi4py is not installed (`pip install gluonbook[dist]`).
    """

    engine = "mpi"

    def __init__(self, comm: MPI.Comm | None = None) -> None:
        from mpi4py import MPI  # at the first use: to import it starts MPI

        # A communicator of its own: messages of the caller can never be taken for the store's.
        self._comm = (MPI.COMM_WORLD if comm is None else comm).Dup()
        self._mpi = MPI
        self.rank, self.size = self._comm.rank, self._comm.size

    def exchange(self, ballot: np.ndarray, voters: Sequence[int]) -> np.ndarray:
        if self.size <= 2 or len(ballot) <= _SHORT:
            return kernels.vote(list(self.gather(ballot)[list(voters)]))
        edges = np.linspace(0, len(ballot), self.size + 1).astype(int)
        counts, starts = np.diff(edges), edges[:-1]
        mine = int(counts[self.rank])
        word = self._mpi.UINT64_T
        shares = np.empty((self.size, mine), np.uint64)
        self._comm.Alltoallv([ballot, counts, starts, word], [shares, [mine] * self.size, None, word])
        verdict = np.empty_like(ballot)
        own = kernels.vote([shares[voter] for voter in voters])
        self._comm.Allgatherv([own, mine, word], [verdict, counts, starts, word])
        return verdict

    def gather(self, values: np.ndarray) -> np.ndarray:
        table = np.empty((self.size, len(values)), values.dtype)
        self._comm.Allgather(values.view(np.uint8), table.view(np.uint8))
        return table

    def add(self, values: np.ndarray) -> None:
        self._comm.Allreduce(self._mpi.IN_PLACE, values, op=self._mpi.SUM)

    def broadcast(self, values: np.ndarray) -> None:
        self._comm.Bcast(values, root=0)
