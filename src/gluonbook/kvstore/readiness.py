"""In which order backward makes gradients ready, so that those that are ready first travel first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import final

from gluonbook.kvstore.bucket import Bucket

UNSEEN = -1
_TOGETHER = 0.001  # seconds: gradients that are ready within them were so before somebody looked
_LOOKS = 8  # at so many steps: who waits for each loss before the step has nothing that could be hidden


@final
class Readiness:
    """The order of the buckets of a step: the one they come in, until it is known by which one they become ready.

    The order is no part of a store's method: it changes no bit of what comes out, only how long it takes. All ranks
    must follow the same one, so `look` says what this rank has seen, and `follow` what all do from then on.
    """

    def __init__(self) -> None:
        self._orders: dict[tuple, Sequence[int]] = {}
        self._looks: dict[tuple, int] = {}

    def ordered(self, parts: Sequence[Bucket]) -> list[Bucket]:
        """The buckets in the order that all ranks follow."""
        return [parts[place] for place in self._orders.get(_name(parts), range(len(parts)))]

    def sought(self, parts: Sequence[Bucket]) -> bool:
        """Whether the ranks are still to tell each other what they see; the same on all."""
        name = _name(parts)
        return len(parts) > 1 and name not in self._orders and self._looks.get(name, 0) < _LOOKS

    def look(self, parts: Sequence[Bucket]) -> Callable[[], list[int]]:
        """Begin to look when each bucket is ready; the function that is returned waits, and says in which order.

        If all were there from the beginning, it says UNSEEN for each. It raises what the engine says of a gradient.
        """
        pool = ThreadPoolExecutor(len(parts), "gluonbook-readiness")
        times = [pool.submit(_ready, part) for part in parts]
        pool.shutdown(wait=False)

        def seen() -> list[int]:
            at = [one.result() for one in times]
            if max(at) - min(at) < _TOGETHER:
                return [UNSEEN] * len(parts)
            return sorted(range(len(parts)), key=at.__getitem__)

        return seen

    def follow(self, parts: Sequence[Bucket], order: Sequence[int]) -> None:
        """From now on these buckets come in this order, if it is one."""
        name = _name(parts)
        if UNSEEN in order:
            self._looks[name] = self._looks.get(name, 0) + 1
        else:
            self._orders[name] = order


def _name(parts: Sequence[Bucket]) -> tuple:
    return tuple((part.keys[0], len(part.keys)) for part in parts)


def _ready(part: Bucket) -> float:
    for own in part.grads:
        for device in part.devices:
            own[device].wait_to_read()
    return time.perf_counter()
