"""Checks of the exercises of `signum/adversaries`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises, Hint

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("workers-to-match")
def workers_to_match(answer: Any) -> None:
    if isinstance(answer, bool) or not isinstance(answer, (int, np.integer)):
        raise Hint(f"Answer with one whole number, not {answer!r:.40}.")
    if answer == 49:
        raise Hint("That is how many times more workers it takes. How many are there at the start?")
    if answer in (12, 13):  # 7·7/4: so that seven are honest
        raise Hint("Inverters are not merely absent: each cancels an honest vote.")
    if answer != 343:
        raise Hint("The term is 1/((1 − 2α)·√M). By which factor has the first part grown? So how must √M grow?")


@exercises.add("newest-of-all")
def newest_of_all(newest: Callable[[list[list[int]]], int | None]) -> None:
    cases = [
        ([[44, 48], [44, 48], [44, 48]], 48, "All have the same steps"),
        ([[44, 48], [40, 44], [44]], 44, "Some are ahead of others"),
        ([[40, 48], [44, 48], [40, 44]], None, "No step is on every worker, though each has two"),
        ([[40, 44, 48], [40, 48], [40, 44]], 40, "The smallest of the newest steps, 44, is missing on a worker"),
        ([[8, 4], [4, 8]], 8, "The order of a list says nothing"),
        ([[4], []], None, "A worker has saved nothing"),
        ([[12, 16]], 16, "There is a single worker"),
        ([[0], [0]], 0, "Step 0 is a step, too"),
    ]
    for saved, expected, why in cases:
        found = newest([list(own) for own in saved])
        if found != expected or (found is None) != (expected is None):
            raise Hint(f"{why}: newest({saved}) must be {expected}, and is {found}.")


@exercises.add("vote-is-right")
def vote_is_right(right: Callable[[int, int, float], float]) -> None:
    for M, bad, p in [(1, 0, 0.7), (7, 0, 0.6), (7, 3, 0.6), (7, 4, 0.6), (5, 1, 1.0), (21, 6, 0.8)]:
        expected, found = _right(M, bad, p), right(M, bad, p)
        if abs(found - expected) < 1e-6:
            continue
        if abs(found - _right(M, 0, p)) < 1e-6:
            raise Hint(f"right({M}, {bad}, {p}) is as if nobody lied.")
        if abs(found - (1 - expected)) < 1e-6:
            raise Hint(f"right({M}, {bad}, {p}) is the probability that the majority is wrong.")
        raise Hint(
            f"right({M}, {bad}, {p}) must be {expected:.4f}, and is {found:.4f}. The right votes are the sum of two "
            "binomial numbers: of the honest, and of the liars."
        )


def _right(M: int, bad: int, p: float) -> float:
    """By adding one voter after the other to the distribution of the number of right votes."""
    votes = np.ones(1)
    for worker in range(M):
        own = 1 - p if worker < bad else p
        votes = np.convolve(votes, [1 - own, own])
    return float(votes[M // 2 + 1 :].sum())


@exercises.add("find-inverters")
def find_inverters(suspects: Callable[[np.ndarray], set[int]]) -> None:
    luck = np.random.RandomState(0)
    for M, liars in [(7, {5, 6}), (7, {0, 3}), (7, set()), (5, {2}), (3, set()), (9, {0, 1, 8})]:
        truth = luck.choice([-1, 1], (100, 1, 200))
        ballots = np.where(luck.rand(100, M, 200) < 0.65, truth, -truth)
        ballots[:, sorted(liars)] *= -1
        found = suspects(ballots.copy())
        if not isinstance(found, (set, frozenset)):
            raise Hint(f"suspects must return a set of ranks; it returned a {type(found).__name__}.")
        if found == liars:
            continue
        if accused := set(found) - liars:
            raise Hint(f"Of {M} workers with the inverters {liars or 'none'}, you accuse the honest {accused}.")
        raise Hint(
            f"Of {M} workers with the inverters {liars}, you miss {liars - set(found)}. Does a worker's own vote "
            "hide in the verdict that you compare it with?"
        )
