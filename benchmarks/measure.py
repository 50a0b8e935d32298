"""The rows of the bench: a ratio, measured in races, and its bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from gluonbook.measure import timing
from gluonbook.measure.timing import Work

__all__ = ["Row", "Work", "race", "row"]


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
    bound: float | None  # None: there is no goal
    at_least: bool  # the ratio must be at least the bound; else at most

    @property
    def met(self) -> bool | None:
        if self.bound is None:
            return None
        return self.median >= self.bound if self.at_least else self.median <= self.bound

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "met": self.met}


def race(works: Mapping[str, Work], repeat: int) -> dict[str, np.ndarray]:
    """The seconds on the wall of each work in each round of `timing.race`: the bench has the machine for itself."""
    return {name: times.wall for name, times in timing.race(works, repeat).items()}


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
