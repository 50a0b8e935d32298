"""The exercises of `multi_gpu/distributed`."""

from __future__ import annotations

import collections
import datetime
import io
import pickle
from typing import Any, Callable, final

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "head-count",
        Place(
            12,
            [Mistake(11, hint="First number: somebody has to introduce them to each other.")],
            otherwise="First number: three roles. How many processes has each?",
        ),
        Place(
            8,
            [Mistake(9, hint="Second number: the launcher does not count, and there is no scheduler.")],
            otherwise="Second number: with MPI the workers add up among themselves.",
        ),
    )
)

exercises.add(
    Numbers(
        "sum-or-mean",
        Place(
            128,
            [
                Mistake(
                    32,
                    hint="dist_sync: the server adds the gradients of all samples, and divides by nothing.",
                ),
            ],
            otherwise="dist_sync: how many samples are in the sum?",
        ),
        Place(
            32,
            [Mistake(128, hint="MeanStore: it has divided by the number of workers already.")],
            otherwise="MeanStore: the step divides by what the store has not yet divided by.",
        ),
        mistakes=[Mistake((32, 128), hint="The other way round.")],
    )
)


def staleness(events):
    ages, found = {}, []
    for kind, worker in events:
        if kind == "pull":
            ages[worker] = 0
            continue
        found.append(ages[worker])
        for other in ages:
            if other != worker:
                ages[other] += 1
    return found


_STORIES = [
    ([("pull", 0), ("push", 0), ("pull", 0), ("push", 0)],),
    ([("pull", 0), ("pull", 1), ("push", 1), ("pull", 1), ("push", 1), ("push", 0)],),
    ([("pull", 0), ("pull", 1), ("push", 0), ("push", 0), ("push", 1)],),
    ([("pull", 2), ("pull", 7), ("push", 7), ("pull", 2), ("push", 2), ("push", 7)],),
]


def _not_so_stale(events: list[tuple[str, int]], given: Any, right: list[int]) -> str:
    told = ", ".join(f"{kind} {worker}" for kind, worker in events)
    if not isinstance(given, (list, tuple)) or len(given) != len(right):
        return f"After “{told}” there must be a list of {len(right)} numbers, one a push; yours is {given!r}."
    return f"After “{told}” it is {right}, and yours is {list(given)}. Own pushes do not count."


exercises.add(Tried("how-stale", staleness, _STORIES, otherwise=_not_so_stale))


@final
class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def safe_loads(blob):
    return _Reader(io.BytesIO(blob)).load()


@final
class _Trap:
    """A pickle of it calls `_spring`, if its reader lets it."""

    def __reduce__(self) -> tuple:
        return _spring, ("sprung",)


_SPRUNG: list[str] = []


def _spring(word: str) -> list[str]:
    _SPRUNG.append(word)
    return _SPRUNG


@exercises.judged("safe-reader", right=safe_loads)
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
