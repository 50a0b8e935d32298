"""That all ranks are about to do the same, before they do it."""

from __future__ import annotations

import hashlib
from typing import final

import numpy as np

from gluonbook.kvstore.link import Link
from gluonbook.rank.ranks import grouped, ranges

NUMBERS = 6  # that go along, whatever is about to be done: all notes are of one length
_ROOM = 256  # bytes of a description that ranks show each other when they do not agree


@final
class Consent:
    """Compares, before each exchange, what every rank takes it to be.

    Without it a rank with other parameters would not be noticed: MPI delivers shifted data for a longer buffer and ends
    with status 0, and a server of ps-lite dies while its workers wait.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def reach(self, what: str, *numbers: int) -> np.ndarray:
        """Find that all ranks say the same `what`, and return the numbers of each: int64, (size, NUMBERS).

        Raises:
            ValueError: they do not; on every rank, with what each says.
        """
        digest = hashlib.blake2b(what.encode(), digest_size=8).digest()
        note = np.zeros(1 + NUMBERS, np.int64)
        note[0] = int.from_bytes(digest, "little", signed=True)
        note[1 : 1 + len(numbers)] = numbers
        notes = self._link.all_gather(note)
        if (notes[:, 0] != note[0]).any():
            said = np.frombuffer(what.encode()[:_ROOM].ljust(_ROOM), np.uint8).copy()
            texts = [bytes(row).decode(errors="replace").strip() for row in self._link.all_gather(said)]
            listed = "; ".join(f"rank {ranges(ranks)}: {text}" for text, ranks in grouped(texts).items())
            raise ValueError(f"the ranks must all do the same, and do not: {listed}")
        return notes[:, 1:]
