"""Ranks that are threads of one process: for what ranks do together, without the seconds that a launch takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from gluonbook import kernels
from gluonbook.kvstore import Link

_PATIENCE = 60  # seconds, after which a rank that waits for another has hung


class Threads(Link):
    """The link of one thread; all ranks have the same table and barrier."""

    engine = "threads"

    def __init__(self, rank: int, table: list, barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, len(table)
        self._table, self._barrier = table, barrier

    def all_gather(self, values):
        self._table[self.rank] = values.copy()
        self._barrier.wait(_PATIENCE)
        gathered = np.stack(self._table)
        self._barrier.wait(_PATIENCE)
        return gathered

    def vote(self, ballot, voters, step):
        ballots = self.all_gather(ballot)
        kernels.vote([ballots[voter] for voter in voters], out=ballot)

    def all_reduce(self, values):
        values[:] = self.all_gather(values).sum(axis=0)

    def sendrecv(self, values, to, source):
        return self.all_gather(values)[source]

    def broadcast(self, values):
        values[:] = self.all_gather(values)[0]


def ranks(size: int, work: Callable[[Link], Any]) -> list:
    """What `work(link)` returns on each of `size` ranks."""
    table, barrier = [None] * size, threading.Barrier(size)

    def on(rank: int) -> Any:
        try:
            return work(Threads(rank, table, barrier))
        except BaseException:
            barrier.abort()  # else the others would wait
            raise

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(on, range(size)))
