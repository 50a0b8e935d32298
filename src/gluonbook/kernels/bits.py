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


def begins(sizes: np.ndarray) -> np.ndarray:
    """The number of the first word of each array, and that after the last, as int64."""
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(-(-sizes // BITS), out=starts[1:])
    return starts


def lots(step: int) -> np.uint64:
    """The word of the signs that are drawn where there is none: + for coordinate i of an array if step + i is even.

    No bit has to be sent for it, every worker draws the same, and each coordinate gets both signs in turn.
    """
    return np.uint64(0xAAAA_AAAA_AAAA_AAAA if step % 2 else 0x5555_5555_5555_5555)


def tally(M: int, step: int) -> tuple[int, int, np.uint64]:
    """How M votes are counted in binary: the offset where counts begin, one higher at the bits of a word, and the word.

    Also the digit, before the word, that then says whether a majority is reached: more than half of the votes, or half
    of them where the lot says +. An odd number of votes has no tie.
    """
    top = (M // 2).bit_length()
    return (1 << top) - M // 2 - 1, top, np.uint64(0) if M % 2 else lots(step)
