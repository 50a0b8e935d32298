"""Timing that waits for MXNet's engine, for ratios within one run."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from typing import Callable

import numpy as np
from mxnet import nd

Work = Callable[[], object]


def fastest(work: Work, *, repeat: int = 5) -> float:
    """The shortest of `repeat` times of `work()`, in seconds, all of its operations computed.

    The shortest, because other programs on the machine can only add to a time, never take from it.

    Raises:
        ValueError: `repeat` is not positive.
    """
    if repeat < 1:
        raise ValueError(f"repeat is {repeat}; it must be at least 1")
    return min(_seconds(work) for _ in range(repeat))


def race(works: Mapping[str, Work], repeat: int) -> dict[str, np.ndarray]:
    """The seconds of each work in each of `repeat` rounds, all of its operations computed; one more round warms up.

    In each round every work has its turn, so that what slows the machine slows them all: divide round by round.

    Raises:
        ValueError: `repeat` is not positive.
    """
    if repeat < 1:
        raise ValueError(f"repeat is {repeat}; it must be at least 1")
    gc.collect()
    rounds = [{name: _seconds(work) for name, work in works.items()} for _ in range(repeat + 1)][1:]
    return {name: np.array([seconds[name] for seconds in rounds]) for name in works}


def _seconds(work: Work) -> float:
    nd.waitall()
    start = time.perf_counter()
    work()
    nd.waitall()
    return time.perf_counter() - start
