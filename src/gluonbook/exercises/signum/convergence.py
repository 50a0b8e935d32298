"""The exercises of `signum/convergence`."""

from __future__ import annotations

from itertools import count
from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "price-of-a-half",
        16,
        [
            Mistake(4, hint="That halves the square of the norm. And the norm itself?"),
            Mistake(2, hint="The bound falls with the root of N, and it bounds a square."),
        ],
        otherwise="The square of the norm is at most a constant times N to the power −½. What of the norm?",
    )
)

exercises.add(
    Number(
        "where-it-rests",
        1,
        [
            Mistake(0, hint="At g = 0, what share of the noisy gradients is negative?"),
            Mistake(-1, hint="That is the median of the noise. What must be added to it to make it 0?"),
        ],
        otherwise="More than half of the draws are one single number, so you know the median without the interval.",
    )
)


def warm_up(beta):
    return next(C for C in count(1) if _settled(C, beta) and _forgotten(C, beta))


def _settled(C: int, beta: float) -> bool:
    return C / 2 * beta**C <= 1 / (1 - beta**2) / (C + 1)


def _forgotten(C: int, beta: float) -> bool:
    return beta ** (C + 1) <= 1 / (C + 1)


exercises.add(
    Tried(
        "warm-up-steps",
        warm_up,
        [(0.5,), (0.9,), (0.99,)],
        [
            Mistake(
                lambda beta: next(C for C in count(1) if _settled(C, beta)),
                hint="For β = {beta}, {given} steps leave the second condition out: both must hold.",
            ),
            Mistake(
                lambda beta: next(C for C in count(1) if _forgotten(C, beta)),
                hint="For β = {beta}, {given} steps leave the first condition out: both must hold.",
            ),
            Mistake(
                lambda beta: warm_up(beta) + 1,
                lambda beta: warm_up(beta) - 1,
                hint="For β = {beta} you are off by one: put {given} into both conditions.",
            ),
        ],
        otherwise="For β = {beta}, warm_up returned {given!r}, which is not the smallest number that fits.",
    )
)


def worst(random, n):
    wide = random.uniform(-3, 3, size=n)
    return np.where(random.uniform(size=n) < 1 / 3, wide, 0)


@exercises.judged("worst-noise", right=worst)
def worst_noise(answer: Callable[[np.random.RandomState, int], np.ndarray]) -> None:
    n = 400_000
    draws = np.asarray(answer(np.random.RandomState(7), n), dtype=float)
    if draws.shape != (n,):
        raise Hint(f"worst(random, n) must return n numbers; it returned shape {draws.shape} for n = {n}.")
    if abs(draws.mean()) > 0.02:
        raise Hint(f"The mean of your draws is {draws.mean():.3f}; it must be 0.")
    if abs(draws.var() - 1) > 0.03:
        raise Hint(f"The variance of your draws is {draws.var():.3f}; it must be 1.")
    sides = [np.histogram(side[side > 0], bins=np.linspace(0, 6, 25))[0] / n for side in (draws, -draws)]
    if abs(sides[0] - sides[1]).max() > 0.005:
        raise Hint("Your noise is not symmetric: a value and its opposite must be equally likely.")
    if (np.diff(sides[0]) > 0.003).any():
        raise Hint("Your noise has more than one mode: away from 0, the density must never rise.")
    share = (draws < -2).mean()
    if share < 0.053:
        raise Hint(f"A share of {share:.4f} lies below −2. Put more into the middle, and spread the rest more evenly.")
