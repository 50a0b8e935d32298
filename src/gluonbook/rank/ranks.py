"""Sets of ranks, as people say them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def grouped(said: Sequence[T]) -> dict[T, list[int]]:
    """Which ranks say what, given what each says: first what most say, and of equals that of the lowest rank."""
    groups: dict[T, list[int]] = {}
    for rank, one in enumerate(said):
        groups.setdefault(one, []).append(rank)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def ranges(numbers: Sequence[int]) -> str:
    """Numbers as people write them: 0-3, 5."""
    ends: list[list[int]] = []
    for number in numbers:
        if ends and number == ends[-1][1] + 1:
            ends[-1][1] = number
        else:
            ends.append([number, number])
    return ", ".join(f"{low}-{high}" if low < high else str(low) for low, high in ends)
