"""Checks of the exercises of `signum/benchmarks`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises, Hint, numbers

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("equal-budget")
def equal_budget(answer: tuple[int, int]) -> None:
    steps, trainings = numbers(answer, 2)
    if steps == 5:
        raise Hint("With five settings signSGD could try a quarter of what the others can.")
    if steps != 20:
        raise Hint("How many settings does a grid of 5 step sizes and 4 betas have? signSGD gets as many.")
    if trainings == 80:
        raise Hint("That is the tuning. Then the best setting of each method is trained under each seed.")
    if trainings in (83, 240, 252):
        raise Hint("Each setting is tuned once, under one seed; each *method* has a final run under each of three.")
    if trainings != 92:
        raise Hint("Count the settings of all methods, and add a final run for each method and seed.")


@exercises.add("same-step")
def same_step(answer: tuple[float, float]) -> None:
    sgd, signum = numbers(answer, 2)
    if math.isclose(sgd, 1.0):
        raise Hint("The other way round: with a longer memory SGD's steps pile up higher.")
    if not math.isclose(sgd, 0.01):
        raise Hint("For SGD, η/(1 − β) must stay what it was: 0.1/0.1.")
    if math.isclose(signum, 0.0001):
        raise Hint("Signum's memory is a mean, and only its sign is taken. How long is a step of Signum?")
    if not math.isclose(signum, 0.001):
        raise Hint("Whatever β is, Signum moves each weight by its step size.")


@exercises.add("winners-luck")
def winners_luck(luck: Callable[[int], float]) -> None:
    for n, truth in ((1, 0.0), (2, 0.5642), (24, 1.9477), (100, 2.5076)):
        value = float(luck(n))
        if n == 1 and abs(value) > 0.05:
            raise Hint(f"Who tries a single setting has no choice, and no luck on average; luck(1) is {value:.2f}.")
        if n == 100 and value > 3.2:
            raise Hint("luck(100) is the largest of all numbers that you drew; average the maxima of many trials.")
        if not abs(value - truth) <= 0.05 * truth + 0.05:
            raise Hint(
                f"luck({n}) is {value:.2f}; it should be near {truth:.2f}, the mean of the largest over many trials."
            )


@exercises.add("decided")
def decided(answer: Callable[[Sequence[float], Sequence[float]], bool]) -> None:
    one = answer([0.9], [0.5])
    if one is not False and not (isinstance(one, np.bool_) and not one):
        raise Hint("A single pair has no spread to compare with: the answer is False.")
    if answer([0.90, 0.95, 0.99], [0.89, 0.94, 0.98]) != True:  # noqa: E712  (a np.bool_ is welcome)
        raise Hint("Here every seed gives the same difference: it is decided, although seeds differ widely. Pair them.")
    if answer([0.89, 0.941, 0.979], [0.90, 0.95, 0.99]) != True:  # noqa: E712
        raise Hint("It must not matter which of the two is better.")
    # Twice the standard error is 0.0115 here, and would be 0.0100 with n in the variance: the mean lies between them.
    gap = [0.0005, 0.0005, 0.0205, 0.0205]
    if answer(gap, [0.0] * 4) != False:  # noqa: E712
        raise Hint(f"For the differences {gap} nothing is decided. Is there n − 1 in the variance, and √n below s?")
    if answer([0.9, 0.91, 0.92, 0.93] * 10, [0.9] * 40) != True:  # noqa: E712
        raise Hint("Forty pairs decide what four cannot: divide s by the square root of n.")
