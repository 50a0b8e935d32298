"""The exercises of `signum/adversaries`."""

from __future__ import annotations

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
        "workers-to-match",
        343,
        [
            Mistake(49, hint="That is how many times more workers it takes. How many are there at the start?"),
            # 7·7/4: so that seven are honest
            Mistake(12, 13, hint="Inverters are not merely absent: each cancels an honest vote."),
        ],
        otherwise="The term is 1/((1 − 2α)·√M). By which factor has the first part grown? So how must √M grow?",
        whole=True,
    )
)


def newest(saved):
    return max(set(saved[0]).intersection(*saved[1:]), default=None)


def _newest(answer: Callable[[list[list[int]]], int | None], saved: list[list[int]], why: str) -> int | None:
    return answer(saved)


exercises.add(
    Tried(
        "newest-of-all",
        newest,
        [
            ([[44, 48], [44, 48], [44, 48]], "All have the same steps"),
            ([[44, 48], [40, 44], [44]], "Some are ahead of others"),
            ([[40, 48], [44, 48], [40, 44]], "No step is on every worker, though each has two"),
            ([[40, 44, 48], [40, 48], [40, 44]], "The smallest of the newest steps, 44, is missing on a worker"),
            ([[8, 4], [4, 8]], "The order of a list says nothing"),
            ([[4], []], "A worker has saved nothing"),
            ([[12, 16]], "There is a single worker"),
            ([[0], [0]], "Step 0 is a step, too"),
        ],
        otherwise="{why}: newest({saved}) must be {right}, and is {given}.",
        trial=_newest,
    )
)


def right(M, bad, p):
    """By adding one voter after the other to the distribution of the number of right votes."""
    votes = np.ones(1)
    for worker in range(M):
        own = 1 - p if worker < bad else p
        votes = np.convolve(votes, [1 - own, own])
    return float(votes[M // 2 + 1 :].sum())


exercises.add(
    Tried(
        "vote-is-right",
        right,
        [(1, 0, 0.7), (7, 0, 0.6), (7, 3, 0.6), (7, 4, 0.6), (5, 1, 1.0), (21, 6, 0.8)],
        [
            Mistake(lambda M, bad, p: right(M, 0, p), hint="right({M}, {bad}, {p}) is as if nobody lied."),
            Mistake(
                lambda M, bad, p: 1 - right(M, bad, p),
                hint="right({M}, {bad}, {p}) is the probability that the majority is wrong.",
            ),
        ],
        otherwise="right({M}, {bad}, {p}) must be {right:.4f}, and is {given:.4f}. The right votes are the sum of two "
        "binomial numbers: of the honest, and of the liars.",
        rtol=0,
        atol=1e-6,
    )
)


def suspects(ballots):
    return _suspects(ballots, ballots.sum(axis=1, keepdims=True) - ballots)


def _suspects(ballots, others):
    agreement = (ballots * np.sign(others)).mean(axis=(0, 2))
    return set(np.flatnonzero(agreement < 0).tolist())


def _rounds() -> list[tuple[np.ndarray, set[int]]]:
    luck, cases = np.random.RandomState(0), []
    for M, liars in [(7, {5, 6}), (7, {0, 3}), (7, set()), (5, {2}), (3, set()), (9, {0, 1, 8})]:
        truth = luck.choice([-1, 1], (100, 1, 200))
        ballots = np.where(luck.rand(100, M, 200) < 0.65, truth, -truth)
        ballots[:, sorted(liars)] *= -1
        cases.append((ballots, liars))
    return cases


def _suspected(answer: Callable[[np.ndarray], set[int]], ballots: np.ndarray, liars: set[int]) -> set[int]:
    found = answer(ballots)
    if not isinstance(found, (set, frozenset)):
        raise Hint(f"suspects must return a set of ranks; it returned a {type(found).__name__}.")
    return set(found)


def _falsely(ballots: np.ndarray, liars: set[int], given: set[int]) -> str:
    M = ballots.shape[1]
    if accused := given - liars:
        return f"Of {M} workers with the inverters {liars or 'none'}, you accuse the honest {accused}."
    return (
        f"Of {M} workers with the inverters {liars}, you miss {liars - given}. Does a worker's own vote "
        "hide in the verdict that you compare it with?"
    )


exercises.add(Tried("find-inverters", suspects, _rounds, otherwise=_falsely, trial=_suspected))
