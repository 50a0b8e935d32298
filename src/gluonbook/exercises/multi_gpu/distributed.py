"""Checks of the exercises of `multi_gpu/distributed`."""

from __future__ import annotations

import collections
import datetime
import pickle
from typing import Any, Callable

from gluonbook.exercises.checking import Exercises, Hint, numbers

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("head-count")
def head_count(answer: tuple[int, int]) -> None:
    server, mpi = numbers(answer, 2)
    if server == 11:
        raise Hint("First number: somebody has to introduce them to each other.")
    if server != 12:
        raise Hint("First number: three roles. How many processes has each?")
    if mpi == 9:
        raise Hint("Second number: the launcher does not count, and there is no scheduler.")
    if mpi != 8:
        raise Hint("Second number: with MPI the workers add up among themselves.")


@exercises.add("sum-or-mean")
def sum_or_mean(answer: tuple[int, int]) -> None:
    summed, mean = numbers(answer, 2)
    if (summed, mean) == (32, 128):
        raise Hint("The other way round.")
    if summed == 32:
        raise Hint("dist_sync: the server adds the gradients of all samples, and divides by nothing.")
    if summed != 128:
        raise Hint("dist_sync: how many samples are in the sum?")
    if mean == 128:
        raise Hint("MeanStore: it has divided by the number of workers already.")
    if mean != 32:
        raise Hint("MeanStore: the step divides by what the store has not yet divided by.")


_STORIES = [
    ([("pull", 0), ("push", 0), ("pull", 0), ("push", 0)], [0, 0]),
    ([("pull", 0), ("pull", 1), ("push", 1), ("pull", 1), ("push", 1), ("push", 0)], [0, 0, 2]),
    ([("pull", 0), ("pull", 1), ("push", 0), ("push", 0), ("push", 1)], [0, 0, 2]),
    ([("pull", 2), ("pull", 7), ("push", 7), ("pull", 2), ("push", 2), ("push", 7)], [0, 0, 1]),
]


@exercises.add("how-stale")
def how_stale(staleness: Callable) -> None:
    for events, right in _STORIES:
        got = staleness(list(events))
        told = ", ".join(f"{kind} {worker}" for kind, worker in events)
        if not isinstance(got, (list, tuple)) or len(got) != len(right):
            raise Hint(f"After “{told}” there must be a list of {len(right)} numbers, one a push; yours is {got!r}.")
        if list(got) != right:
            raise Hint(f"After “{told}” it is {right}, and yours is {list(got)}. Own pushes do not count.")


class _Trap:
    """A pickle of it calls `_spring`, if its reader lets it."""

    def __reduce__(self) -> tuple:
        return _spring, ("sprung",)


_SPRUNG: list[str] = []


def _spring(word: str) -> list[str]:
    _SPRUNG.append(word)
    return _SPRUNG


@exercises.add("safe-reader")
def safe_reader(loads: Callable[[bytes], Any]) -> None:
    good = [3, -1.5, "text", [1, (2, "x")], {"a": [None, True]}, collections.OrderedDict(b=1, a=2)]
    for protocol in (0, 2, 4):
        for thing in good:
            try:
                back = loads(pickle.dumps(thing, protocol))
            except pickle.UnpicklingError as error:
                raise Hint(f"{thing!r} is harmless, and refused: {error}") from None
            if back != thing or type(back) is not type(thing):
                raise Hint(f"{thing!r} comes back as {back!r}.")
        _SPRUNG.clear()
        for thing in (_Trap(), [_Trap()], print, datetime.date(2020, 1, 1), collections.Counter("aab")):
            try:
                loads(pickle.dumps(thing, protocol))
            except pickle.UnpicklingError:
                pass
            except Exception as error:
                raise Hint(f"A bad pickle must raise pickle.UnpicklingError, not {type(error).__name__}.") from None
            else:
                raise Hint(f"A pickle that names {type(thing).__qualname__} was loaded. List what is allowed.")
            if _SPRUNG:
                raise Hint("It was refused too late: a function in it has been called already.")
