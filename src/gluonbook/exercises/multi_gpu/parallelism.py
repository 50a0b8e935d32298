"""The exercises of `multi_gpu/parallelism`."""

from __future__ import annotations

import itertools
import math
import operator
from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Within, near
from gluonbook.exercises.tried import Tried
from gluonbook.theory import costs

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "moneys-worth",
        near(0.80, 0.006),
        [
            Mistake(near(0.55, 0.01), hint="That is the fastest one. Is it also the one that uses its GPUs best?"),
            Mistake(near(0.75, 0.005), hint="That is two GPUs with data parallelism. There is a better one."),
            Mistake(
                Within(1, math.inf, example=2.19),
                hint="That is how many times faster. Divide by the number of GPUs.",
            ),
        ],
        otherwise="For each row: days of one GPU, over its days, over its GPUs. Then the largest.",
    )
)


def divide(P, A, B):
    return ["data" if p <= B * a else "model" for p, a in zip(P, A)]


def _divided(answer: Callable[[list[int], list[int], int], list[str]], P: list, A: list, B: int) -> list[str]:
    ways = list(answer(P, A, B))
    if len(ways) != len(P) or not set(ways) <= {"data", "model"}:
        raise Hint(f'There must be "data" or "model" for each of the {len(P)} layers; yours is {ways}.')
    return ways


def _divided_wrong(P: list[int], A: list[int], B: int, given: list[str], right: list[str]) -> str:
    if not any(map(operator.eq, given, right)):
        return "The other way round: data parallelism moves parameters."
    place = next(i for i, ways in enumerate(zip(given, right)) if ways[0] != ways[1])
    return f"With P={P[place]}, A={A[place]} and B={B} it should be {right[place]}. Does B come into it?"


exercises.add(
    Tried(
        "divide-which-way",
        divide,
        [([100, 500, 40_000, 600], [1000, 5, 10, 10], B) for B in (1, 64, 100, 10_000)],
        [
            Mistake(
                lambda P, A, B: ["data" if p < B * a else "model" for p, a in zip(P, A)],
                hint="Where both are equal, it should be data.",
            ),
        ],
        otherwise=_divided_wrong,
        trial=_divided,
    )
)


def slowdown(p, factor, M):
    """By counting a thousand workers."""
    return costs.expected_maximum([1.0] * round(1000 * (1 - p)) + [factor] * round(1000 * p), M)


_TOLD = "slowdown({p}, {factor}, {M}) gives {given:.4g}. "


def _no_such_slowdown(p: float, factor: float, M: int, given: float) -> str:
    told = _TOLD.format(p=p, factor=factor, M=M, given=given)
    if p == 0:
        return f"{told}Nobody is ever delayed."
    return f"{told}What is the probability that nobody is delayed?"


exercises.add(
    Tried(
        "rare-and-long",
        slowdown,
        [(0.0, 3, 8), (1.0, 3, 8), (0.5, 2, 1), (0.02, 3, 64), (0.1, 5, 4)],
        [
            Mistake(
                lambda p, factor, M: 1 + p * (factor - 1),
                hint=_TOLD + "That is the average of one worker, and the step waits for the slowest.",
            ),
            Mistake(
                lambda p, factor, M: 1 + M * p * (factor - 1),
                hint=_TOLD + "Two that are delayed in the same step are waited for once only.",
            ),
        ],
        otherwise=_no_such_slowdown,
    )
)


def small_batches(parts, share):
    """By trying one after the other."""
    return next(m for m in itertools.count(1) if parts - 1 <= share * (m + parts - 1))


_IDLE = "small_batches({parts}, {share}) gives {given}. "

exercises.add(
    Tried(
        "full-pipeline",
        small_batches,
        [(4, 0.25), (8, 0.125), (8, 0.1), (2, 0.5), (1, 0.5), (4, 0.75)],
        [
            Mistake(
                lambda parts, share: (parts - 1) / share - (parts - 1),
                hint=_IDLE + "Half a batch cannot be sent, and there is at least one.",
            ),
            Mistake(
                lambda parts, share: max(1, math.ceil(parts * (1 / share - 1))),
                hint=_IDLE + "One part is never kept waiting at first: count the other ones.",
            ),
            Mistake(
                lambda parts, share: max(1, math.ceil((parts - 1) / share)),
                hint=_IDLE + "All turns are counted there; some of them only fill the pipeline.",
            ),
        ],
        otherwise=_IDLE + "Of m + K − 1 turns, a part is idle in K − 1.",
    )
)


def best(C, d, network, limit):
    return 1 + int(np.argmin([_seconds(C, d, network, M) for M in range(1, limit + 1)]))


def _seconds(C: float, d: int, network: costs.AlphaBeta, M: int) -> float:
    return C / M + network.seconds(*costs.mean_by_ring(M, d)[:2])


def _not_the_best(C: float, d: int, network: costs.AlphaBeta, limit: int, given: Any, right: int) -> str:
    told = f"With C={C:g}, d={d:,}, α={network.alpha:g}, β={network.beta:g}, up to {limit}: you say {given!r}."
    if given not in range(1, limit + 1):
        return f"{told} It must be a whole number from 1 to {limit}."
    if given == limit:
        return f"{told} Fewer are faster. Do you count both messages and bytes?"
    if C == 0:
        return f"{told} All are equally good, and the smallest is asked for."
    fastest, yours = (_seconds(C, d, network, M) for M in (right, given))
    return f"{told} There is a better one: it takes {fastest:.4g} s, yours {yours:.4g} s."


exercises.add(
    Tried(
        "how-many-workers",
        best,
        [
            (1.0, 1000, costs.AlphaBeta(alpha=1e-3, beta=0.0), 100),
            (0.25, 25_600_000, costs.AlphaBeta(alpha=50e-6, beta=8e-9), 64),
            (0.25, 25_600_000, costs.AlphaBeta(alpha=50e-6, beta=8e-11), 200),
            (1.0, 1000, costs.AlphaBeta(alpha=0.0, beta=0.0), 30),
            (0.0, 1000, costs.AlphaBeta(alpha=0.0, beta=0.0), 30),
        ],
        otherwise=_not_the_best,
    )
)
