"""Timing that waits for MXNet's engine, for ratios within one run, by two clocks.

A time on the wall grows with whatever else the machine does; it is what a reader waits for. Processor time is what the
cores worked for this process, in all of its threads. Neighbours do not add to it, except through caches that they fill
and cores that they share, by a third at most: so it is processor time that a claim is about.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from typing import Callable, NamedTuple, final

import numpy as np
from mxnet import nd

from gluonbook.checks import whole_number

Work = Callable[[], object]


@final
class Times(NamedTuple):
    """The seconds that a work took, a number for each round: on the wall, and of processor time in all its threads."""

    wall: np.ndarray
    processor: np.ndarray


def fastest(work: Work, *, repeat: int = 5) -> float:
    """The shortest of `repeat` times of `work()` on the wall, in seconds, all of its operations computed.

    The shortest, because other programs on the machine can only add to a time, never take from it.

    Raises:
        ValueError: `repeat` is not a whole number from 1.
    """
    return min(_seconds(work)[0] for _ in range(whole_number("repeat", repeat, 1)))


def race(works: Mapping[str, Work], repeat: int) -> dict[str, Times]:
    """The times of each work in each of `repeat` rounds, all of its operations computed; one more round warms up.

    In each round every work has its turn, so that what slows the machine slows them all: divide round by round, or
    compare the shortest of each.

    Raises:
        ValueError: `repeat` is not a whole number from 1.
    """
    repeat = whole_number("repeat", repeat, 1)
    gc.collect()
    rounds = [[_seconds(work) for work in works.values()] for _ in range(repeat + 1)][1:]
    return {name: Times(*map(np.array, zip(*seconds))) for name, seconds in zip(works, zip(*rounds))}


def _seconds(work: Work) -> tuple[float, float]:
    """On the wall, and of processor time."""
    nd.waitall()
    start, busy = time.perf_counter(), time.process_time()
    work()
    nd.waitall()
    return time.perf_counter() - start, time.process_time() - busy
