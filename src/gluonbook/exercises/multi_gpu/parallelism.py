"""Checks of the exercises of `multi_gpu/parallelism`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises, Hint
from gluonbook.theory import costs

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("moneys-worth")
def moneys_worth(number: float) -> None:
    if abs(number - 0.55) < 0.01:
        raise Hint("That is the fastest one. Is it also the one that uses its GPUs best?")
    if abs(number - 0.75) < 0.005:
        raise Hint("That is two GPUs with data parallelism. There is a better one.")
    if number > 1:
        raise Hint("That is how many times faster. Divide by the number of GPUs.")
    if abs(number - 0.80) > 0.006:
        raise Hint("For each row: days of one GPU, over its days, over its GPUs. Then the largest.")


@exercises.add("divide-which-way")
def divide_which_way(divide: Callable[[Sequence[int], Sequence[int], int], list[str]]) -> None:
    P, A = [100, 500, 40_000, 600], [1000, 5, 10, 10]
    for B, right in [
        (1, ["data", "model", "model", "model"]),
        (64, ["data", "model", "model", "data"]),
        (100, ["data", "data", "model", "data"]),
        (10_000, ["data"] * 4),
    ]:
        got = list(divide(list(P), list(A), B))
        if len(got) != len(P) or not set(got) <= {"data", "model"}:
            raise Hint(f'There must be "data" or "model" for each of the {len(P)} layers; yours is {got}.')
        if got == [{"data": "model", "model": "data"}[way] for way in right]:
            raise Hint("The other way round: data parallelism moves parameters.")
        if got != right:
            place = next(i for i, (a, b) in enumerate(zip(got, right)) if a != b)
            if P[place] == B * A[place]:
                raise Hint("Where both are equal, it should be data.")
            raise Hint(f"With P={P[place]}, A={A[place]} and B={B} it should be {right[place]}. Does B come into it?")


@exercises.add("rare-and-long")
def rare_and_long(slowdown: Callable[[float, float, int], float]) -> None:
    for p, factor, M in [(0.0, 3, 8), (1.0, 3, 8), (0.5, 2, 1), (0.02, 3, 64), (0.1, 5, 4)]:
        right = costs.expected_maximum([1.0] * round(1000 * (1 - p)) + [factor] * round(1000 * p), M)
        got = slowdown(p, factor, M)
        if np.isclose(got, right):
            continue
        told = f"slowdown({p}, {factor}, {M}) gives {got:.4g}."
        if np.isclose(got, 1 + p * (factor - 1)):
            raise Hint(f"{told} That is the average of one worker, and the step waits for the slowest.")
        if np.isclose(got, 1 + M * p * (factor - 1)):
            raise Hint(f"{told} Two that are delayed in the same step are waited for once only.")
        if p == 0:
            raise Hint(f"{told} Nobody is ever delayed.")
        raise Hint(f"{told} What is the probability that nobody is delayed?")


@exercises.add("how-many-workers")
def how_many_workers(best: Callable[[float, int, costs.AlphaBeta, int], int]) -> None:
    for C, d, alpha, beta, limit in [
        (1.0, 1000, 1e-3, 0.0, 100),
        (0.25, 25_600_000, 50e-6, 8e-9, 64),
        (0.25, 25_600_000, 50e-6, 8e-11, 200),
        (1.0, 1000, 0.0, 0.0, 30),
        (0.0, 1000, 0.0, 0.0, 30),
    ]:
        network = costs.AlphaBeta(alpha=alpha, beta=beta)
        seconds = [C / M + network.seconds(*costs.mean_by_ring(M, d)[:2]) for M in range(1, limit + 1)]
        right, got = 1 + int(np.argmin(seconds)), best(C, d, network, limit)
        told = f"With C={C:g}, d={d:,}, α={alpha:g}, β={beta:g}, up to {limit}: you say {got!r}."
        if got not in range(1, limit + 1):
            raise Hint(f"{told} It must be a whole number from 1 to {limit}.")
        if got == right:
            continue
        if got == limit:
            raise Hint(f"{told} Fewer are faster. Do you count both messages and bytes?")
        if C == 0:
            raise Hint(f"{told} All are equally good, and the smallest is asked for.")
        raise Hint(
            f"{told} There is a better one: it takes {seconds[right - 1]:.4g} s, yours {seconds[got - 1]:.4g} s."
        )
