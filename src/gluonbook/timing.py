"""Timing that waits for MXNet's engine, for ratios within one run."""

from __future__ import annotations

import time
from typing import Callable

from mxnet import nd


def fastest(work: Callable[[], object], *, repeat: int = 5) -> float:
    """The shortest of `repeat` times of `work()`, in seconds, all of its operations computed.

    The shortest, because other programs on the machine can only add to a time, never take from it.

    Raises:
        ValueError: `repeat` is not positive.
    """
    if repeat < 1:
        raise ValueError(f"repeat is {repeat}; it must be at least 1")
    return min(_seconds(work) for _ in range(repeat))


def _seconds(work: Callable[[], object]) -> float:
    nd.waitall()
    start = time.perf_counter()
    work()
    nd.waitall()
    return time.perf_counter() - start
