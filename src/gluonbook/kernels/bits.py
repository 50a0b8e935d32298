"""How signs lie in words, and how votes on them are counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

BITS = 64  # signs in a word


def words_for(n: int) -> int:
    """How many words hold n signs."""
    return -(-n // BITS)


def pieces(words: np.ndarray, sizes: Sequence[int]) -> Iterator[np.ndarray]:
    """The words of each array, as views; `sizes` are the numbers of elements."""
    start = 0
    for n in sizes:
        stop = start + words_for(n)
        yield words[start:stop]
        start = stop


def tally(M: int) -> tuple[int, int]:
    """How M votes are counted in binary: from which offset, and which digit then says that a majority is reached.

    A majority is half of the votes, rounded up, since a tie counts as +.
    """
    top = (M // 2).bit_length()
    return (1 << top) - (M + 1) // 2, top
