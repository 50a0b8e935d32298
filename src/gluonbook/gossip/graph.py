"""Who may average with whom: a graph of two sides, in which one asks and the other answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gluonbook.checks import whole_number

Graph = dict[int, list[int]]  # whom each rank that asks may ask


def complete(size: int) -> Graph:
    """The even ranks ask, each any of the odd ones."""
    return {rank: list(range(1, size, 2)) for rank in range(0, size, 2)}


def checked(neighbours: Mapping[int, Sequence[int]] | None, size: int) -> Graph:
    """The graph, by default the complete one; raises ValueError unless each rank is on one side, and has a neighbour.

    With one side that only asks and one that only answers, no two ranks can wait for each other.
    """
    if neighbours is None:
        return complete(size)
    wanted = f"neighbours must say whom each rank that asks may ask, of {size} ranks, such as {complete(size)}"
    try:
        graph = {
            whole_number("rank", asks, 0, size - 1): [whole_number("rank", one, 0, size - 1) for one in whom]
            for asks, whom in neighbours.items()
        }
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"{wanted}, got {neighbours!r}") from None
    answering = {rank for whom in graph.values() for rank in whom}
    if both := sorted(graph.keys() & answering):
        raise ValueError(f"{wanted}: rank {both[0]} both asks and answers, and might wait for one that waits for it")
    alone = sorted(set(range(size)) - {rank for rank, whom in graph.items() if whom} - answering)
    if alone and size > 1:
        raise ValueError(f"{wanted}: rank {alone[0]} has no neighbour")
    return graph
