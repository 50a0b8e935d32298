"""How the workers of a run talk: what a store asks of an engine, and the engine of a worker that is alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np


class Link(ABC):
    """The connection of one worker, the `rank`, with all `size` of them.

    All operations are collective: every rank calls the same ones in the same order, with arrays of the same length and
    type, and all get the same result. Arrays are contiguous numpy arrays with one axis.
    """

    engine: ClassVar[str]  # the last word of a store's `type`
    rank: int
    size: int
    patient: bool = False  # whether who waits should leave the core to others, even if that takes a little longer

    @abstractmethod
    def vote(self, ballot: np.ndarray, voters: Sequence[int], step: int) -> None:
        """Replace a ballot, in place, by the majority of those of the ranks in `voters`: `kernels.vote` of this step.

        A ballot and the majority are words of uint64, as `kernels.pack` makes them. `voters` holds one rank or more,
        and `step`, the same on all ranks, is a whole number from 0, below 2³¹. A rank that is not among the voters
        hands in a ballot all the same, of which only the length counts.
        """

    @abstractmethod
    def all_gather(self, values: np.ndarray) -> np.ndarray:
        """The arrays of all ranks, (size, length), for short arrays of any type."""

    @abstractmethod
    def all_reduce(self, values: np.ndarray) -> None:
        """Replace float32 values, in place, by their sums over all ranks, the same bits on each."""

    @abstractmethod
    def sendrecv(self, values: np.ndarray, to: int, source: int) -> np.ndarray:
        """Send values to the rank `to`, and return those that the rank `source` sends; of any type.

        Over all ranks, `to` takes each rank once: neighbours of a ring, or pairs, or this rank itself.
        """

    @abstractmethod
    def broadcast(self, values: np.ndarray) -> None:
        """Replace bytes (uint8), in place, by those of rank 0."""


@final
class LocalLink(Link):
    """The one worker of a run in a single process: every operation is the identity."""

    engine = "local"
    rank = 0
    size = 1

    def vote(self, ballot: np.ndarray, voters: Sequence[int], step: int) -> None:
        pass

    def all_gather(self, values: np.ndarray) -> np.ndarray:
        return values[None]

    def all_reduce(self, values: np.ndarray) -> None:
        pass

    def sendrecv(self, values: np.ndarray, to: int, source: int) -> np.ndarray:
        return values.copy()

    def broadcast(self, values: np.ndarray) -> None:
        pass
