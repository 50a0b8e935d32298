"""Races: works that take turns in one run, so that what slows the machine slows them all."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Callable

import numpy as np
from mxnet import nd

Work = Callable[[], object]


def race(works: Mapping[str, Work], repeat: int) -> dict[str, np.ndarray]:
    """The seconds of each work in each of `repeat` rounds, its operations computed; one more round warms up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    for turn in range(repeat + 1):
        for name, work in works.items():
            nd.waitall()
            start = time.perf_counter()
            work()
            nd.waitall()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: np.array(seconds) for name, seconds in times.items()}


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio, measured once a round, and its bound."""

    work: str
    against: str
    parameters: str
    milliseconds: float  # the median of our time
    lower: float
    median: float
    upper: float
    bound: float
    at_least: bool  # the ratio must be at least the bound; else at most

    @property
    def met(self) -> bool:
        return self.median >= self.bound if self.at_least else self.median <= self.bound

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "met": self.met}


def row(
    work: str,
    against: str,
    parameters: str,
    seconds: np.ndarray,
    ratio: np.ndarray,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """A row from our seconds and the ratio of each round."""
    lower, median, upper = np.percentile(ratio, [25, 50, 75])
    bound = at_least if at_least is not None else at_most
    return Row(
        work=work,
        against=against,
        parameters=parameters,
        milliseconds=round(float(np.median(seconds)) * 1e3, 3),
        lower=round(float(lower), 3),
        median=round(float(median), 3),
        upper=round(float(upper), 3),
        bound=bound,
        at_least=at_least is not None,
    )
