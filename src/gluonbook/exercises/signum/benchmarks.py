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
            20,
            [Mistake(5, hint="With five settings signSGD could try a quarter of what the others can.")],
            otherwise="How many settings does a grid of 5 step sizes and 4 betas have? signSGD gets as many.",
        ),
        Place(
            92,
            [
                Mistake(
                    80, hint="That is the tuning. Then the best setting of each method is trained under each seed."
                ),
                Mistake(
                    83,
                    240,
                    252,
                    hint="Each setting is tuned once, under one seed; "
                    "each *method* has a final run under each of three.",
                ),
            ],
            otherwise="Count the settings of all methods, and add a final run for each method and seed.",
        ),
    )
)

exercises.add(
    Numbers(
        "same-step",
        Place(
            0.01,
            [Mistake(1.0, hint="The other way round: with a longer memory SGD's steps pile up higher.")],
            otherwise="For SGD, η/(1 − β) must stay what it was: 0.1/0.1.",
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
