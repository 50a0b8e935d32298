"""The exercises of `signum/benchmarks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "equal-budget",
        Place(
            5,
            [
                Mistake(
                    20,
                    hint="Then signSGD could search four times as finely as the others in the only dimension it has.",
                )
            ],
            otherwise="Every method gets as many step sizes as every other; some have betas besides.",
        ),
        Place(
            101,
            [
                Mistake(65, hint="Those are the grids. The closer look and the final runs are still to come."),
                Mistake(77, hint="And the closer look, at four methods?"),
                Mistake(
                    89,
                    hint="Are the final runs in it? And does the closer look take each step size under two seeds?",
                ),
                Mistake(
                    93, hint="The best setting of the grid is tried again in the closer look, under its two seeds."
                ),
                Mistake(116, hint="signSGD has no beta, and its grid no more than its step sizes."),
            ],
            otherwise="Add the settings of four grids, three step sizes under two seeds for each method, and a final "
            "run for each method and seed.",
        ),
    )
)

exercises.add(
    Numbers(
        "same-step",
        Place(
            0.01,
            [Mistake(1.0, hint="The other way round: with a longer memory the gradients of `sgd` pile up higher.")],
            otherwise="For `sgd`, η/(1 − β) must stay what it was: 0.1/0.1.",
        ),
        Place(
            0.001,
            [
                Mistake(
                    0.0001,
                    hint="Signum's memory is a mean, and only its sign is taken. How long is a step of Signum?",
                ),
            ],
            otherwise="Whatever β is, Signum moves each weight by its step size.",
        ),
    )
)


def luck(n):
    return np.random.RandomState(0).normal(size=(20_000, n)).max(axis=1).mean()


@exercises.judged("winners-luck", right=luck)
def winners_luck(answer: Callable[[int], float]) -> None:
    for n, truth in ((1, 0.0), (2, 0.5642), (24, 1.9477), (100, 2.5076)):
        value = float(answer(n))
        if n == 1 and abs(value) > 0.05:
            raise Hint(f"Who tries a single setting has no choice, and no luck on average; luck(1) is {value:.2f}.")
        if n == 100 and value > 3.2:
            raise Hint("luck(100) is the largest of all numbers that you drew; average the maxima of many trials.")
        if not abs(value - truth) <= 0.05 * truth + 0.05:
            raise Hint(
                f"luck({n}) is {value:.2f}; it should be near {truth:.2f}, the mean of the largest over many trials."
            )


def decided(a, b):
    gap = np.asarray(a) - np.asarray(b)
    if len(gap) < 2:
        return False
    return abs(gap.mean()) > 2 * gap.std(ddof=1) / len(gap) ** 0.5


# Twice the standard error is 0.0115 here, and would be 0.0100 with n in the variance: the mean lies between them.
_GAP = [0.0005, 0.0005, 0.0205, 0.0205]


def _decided(
    answer: Callable[[Sequence[float], Sequence[float]], bool], a: list[float], b: list[float], why: str
) -> bool:
    return answer(a, b)


exercises.add(
    Tried(
        "decided",
        decided,
        [
            ([0.9], [0.5], "A single pair has no spread to compare with: the answer is False."),
            (
                [0.90, 0.95, 0.99],
                [0.89, 0.94, 0.98],
                "Here every seed gives the same difference: it is decided, although seeds differ widely. Pair them.",
            ),
            ([0.89, 0.941, 0.979], [0.90, 0.95, 0.99], "It must not matter which of the two is better."),
            (
                _GAP,
                [0.0] * 4,
                f"For the differences {_GAP} nothing is decided. Is there n − 1 in the variance, and √n below s?",
            ),
            (
                [0.9, 0.91, 0.92, 0.93] * 10,
                [0.9] * 40,
                "Forty pairs decide what four cannot: divide s by the square root of n.",
            ),
        ],
        otherwise="{why}",
        trial=_decided,
    )
)
