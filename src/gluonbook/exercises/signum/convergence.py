"""Checks of the exercises of `signum/convergence`."""

from __future__ import annotations

from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises, Hint, number

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("price-of-a-half")
def price_of_a_half(answer: float) -> None:
    factor = number(answer)
    if factor == 4:
        raise Hint("That halves the square of the norm. And the norm itself?")
    if factor == 2:
        raise Hint("The bound falls with the root of N, and it bounds a square.")
    if factor != 16:
        raise Hint("The square of the norm is at most a constant times N to the power −½. What of the norm?")


@exercises.add("where-it-rests")
def where_it_rests(answer: float) -> None:
    gradient = number(answer)
    if gradient == 0:
        raise Hint("At g = 0, what share of the noisy gradients is negative?")
    if gradient == -1:
        raise Hint("That is the median of the noise. What must be added to it to make it 0?")
    if gradient != 1:
        raise Hint("More than half of the draws are one single number, so you know the median without the interval.")


@exercises.add("warm-up-steps")
def warm_up_steps(warm_up: Callable[[float], int]) -> None:
    for beta in (0.5, 0.9, 0.99):
        wanted = next(C for C in range(1, 10_000) if _settled(C, beta) and _forgotten(C, beta))
        given = warm_up(beta)
        if given == wanted:
            continue
        for condition, name in ((_settled, "second"), (_forgotten, "first")):
            if given == next(C for C in range(1, 10_000) if condition(C, beta)):
                raise Hint(f"For β = {beta}, {given} steps leave the {name} condition out: both must hold.")
        if abs(given - wanted) == 1:
            raise Hint(f"For β = {beta} you are off by one: put {given} into both conditions.")
        raise Hint(f"For β = {beta}, warm_up returned {given!r}, which is not the smallest number that fits.")


def _settled(C: int, beta: float) -> bool:
    return C / 2 * beta**C <= 1 / (1 - beta**2) / (C + 1)


def _forgotten(C: int, beta: float) -> bool:
    return beta ** (C + 1) <= 1 / (C + 1)


@exercises.add("worst-noise")
def worst_noise(worst: Callable[[np.random.RandomState, int], np.ndarray]) -> None:
    n = 400_000
    draws = np.asarray(worst(np.random.RandomState(7), n), dtype=float)
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
