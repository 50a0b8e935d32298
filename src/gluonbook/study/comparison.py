"""Which methods differ, which are as good as equal, and which pairs a study cannot decide."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import stats

from gluonbook.checks import real
from gluonbook.study.results import Outcome, Results
from gluonbook.tables import Table


@final
@dataclass(frozen=True)
class Pair:
    """Two methods. `differ` and `equal` are p-values, each corrected for the number of pairs; NaN for a single seed.

    A method that broke down under a seed is the worse one, and all three numbers are NaN.
    """

    better: str
    worse: str
    difference: float  # of the mean accuracies, from 0 to 1
    differ: float  # small: they are not equally good
    equal: float  # small: they are equally good, up to the margin


@final
@dataclass(frozen=True)
class Comparison:
    """All pairs of a study's methods, the most different first, and those that broke down last.

    `verdict` puts them into words.
    """

    pairs: tuple[Pair, ...]
    margin: float
    level: float

    def apart(self) -> list[tuple[str, str]]:
        """The pairs (better, worse) that are told apart."""
        return [(pair.better, pair.worse) for pair in self.pairs if pair.differ < self.level]

    def alike(self) -> list[tuple[str, str]]:
        """The pairs (better, worse) that are shown to be equally good, up to the margin."""
        return [(pair.better, pair.worse) for pair in self.pairs if pair.equal < self.level]

    def verdict(self) -> Table:
        """A row a pair."""
        within = f"equal within {100 * self.margin:g} points"
        head = ["pair", "points", "p, if they were equal", f"p, if not {within}", "verdict"]
        return Table(head, [self._row(pair, within) for pair in self.pairs], right=head[1:4])

    def _row(self, pair: Pair, within: str) -> list[str]:
        differ, equal = pair.differ < self.level, pair.equal < self.level
        neither = "undecided: a run broke down" if np.isnan(pair.difference) else "undecided"
        told = [f"{pair.better} is better"] * differ + [within] * equal or [neither]
        numbers = [f"{100 * pair.difference:.2f}", f"{pair.differ:.3f}", f"{pair.equal:.3f}"]
        return [f"{pair.better}, {pair.worse}", *numbers, " and ".join(told)]


def compare(results: Results, *, margin: float, level: float = 0.05) -> Comparison:
    """Compare the test accuracies of each two methods, over the seeds, which make the pairs.

    With the differences x_1, …, x_n of n seeds, of mean x̄ and standard error s = sd(x)/√n, both by Student's t with
    n − 1 degrees of freedom:

        differ: P(|t| ≥ |x̄|/s)                                               they are not equally good
        equal:  P(t ≥ (margin − |x̄|)/s)                                      two one-sided tests: |E x| < margin

    Each kind of p-value is corrected for the number of pairs by Holm's method, so that a study in which all methods are
    equally good tells any two of them apart with a probability of at most `level`. That no difference is shown does not
    show that there is none: that is what the second test is for.

    Args:
        margin: an accuracy, from 0 to 1, that makes no difference to the reader.

    Raises:
        ValueError: margin or level is not in (0, 1); or no seed has the final runs of all methods.

    Sources: Holm, A simple sequentially rejective multiple test procedure (1979); Schuirmann, A comparison of the two
    one-sided tests procedure and the power approach (1987).
    """
    margin, level = real("margin", margin, "(0, 1)"), real("level", level, "(0, 1)")
    ends = sorted(results.outcomes(), key=lambda outcome: _downwards(outcome.mean))
    couples = list(itertools.combinations(ends, 2))
    tests = [_tests(*couple, margin) for couple in couples]
    corrected = map(_holm, zip(*tests))
    pairs = [
        Pair(better.method, worse.method, better.mean - worse.mean, differ, equal)
        for (better, worse), differ, equal in zip(couples, *corrected)
    ]
    return Comparison(tuple(sorted(pairs, key=lambda pair: _downwards(pair.difference))), margin, level)


def _downwards(value: float) -> float:
    """By what to sort from the largest down, with NaN, which compares with nothing, at the end."""
    return np.inf if np.isnan(value) else -value


def _tests(better: Outcome, worse: Outcome, margin: float) -> tuple[float, float]:
    """The two p-values of one pair."""
    x = np.subtract(better.test, worse.test)
    if len(x) < 2:
        return float("nan"), float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        error = x.std(ddof=1) / np.sqrt(len(x))
        differ = 2 * stats.t.sf(abs(x.mean()) / error, len(x) - 1)
        equal = stats.t.sf((margin - abs(x.mean())) / error, len(x) - 1)
    # Equal under every seed: 0/0.
    return (float(differ) if x.any() else 1.0), float(equal)


def _holm(values: Sequence[float]) -> list[float]:
    """p-values times the number of those that are not smaller, and none below a smaller one's."""
    p = np.asarray(values)
    order = np.argsort(p)
    stepped = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    out = np.empty_like(p)
    out[order] = stepped
    return out.tolist()
