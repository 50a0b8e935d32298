"""The exercises of `signum/majority_vote`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from scipy.stats import binom

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check


@exercises.judged("vote-by-hand", right=((1, -1, 1, -1), (-1, -1, -1, -1)))
def vote_by_hand(answer: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    verdicts = np.array(answer, object)
    if verdicts.shape != (2, 4) or not set(verdicts.flat) <= {1, -1}:
        raise Hint(f"Answer with two tuples of four numbers, each 1 or -1, not {answer!r:.60}.")
    if (verdicts[:, [1, 3]] != -1).any():
        raise Hint("Count heads, not sizes: three of four are negative for weight 1, and for weight 3.")
    if tuple(verdicts[:, 0]) != (1, -1):
        raise Hint("For weight 0 the votes are tied. In which step does a tie there count as plus?")
    if tuple(verdicts[:, 2]) != (1, -1):
        raise Hint(
            "A bit has no zero. What do the workers 0 and 2 vote, whose value for weight 2 is 0, in either step?"
        )


def voters(p, risk):
    M = 1
    while binom.cdf((M - 1) // 2, M, p) > risk:
        M += 2
    return M


def _not_so_many(p: float, risk: float, given: int, right: int) -> str:
    if given % 2 == 0:
        return f"voters({p}, {risk}) is {given}, which is even: such a vote may be a tie."
    much = "many" if given > right else "few"
    return f"voters({p}, {risk}) is {given}, which is too {much}. When is a majority of M wrong?"


exercises.add(
    Tried(
        "voters-needed",
        voters,
        [(0.9, 0.2), (0.9, 0.05), (0.7, 0.05), (0.6, 0.05), (0.6, 0.01)],
        otherwise=_not_so_many,
    )
)


def majority(a, b, c):
    return (a & b) | (c & (a | b))


def _ballots() -> list[tuple[np.ndarray, ...]]:
    """All eight combinations of three bits, and words that fill all 64."""
    few = tuple(np.array([word], np.uint64) for word in (0b00001111, 0b00110011, 0b01010101))
    luck = np.random.RandomState(0)
    many = tuple(luck.randint(0, 2**63, 50).astype(np.uint64) * np.uint64(2) + np.uint64(1) for _ in range(3))
    return [few, many]


def _voted(answer: Callable, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    found = answer(a, b, c)
    if not isinstance(found, np.ndarray) or found.dtype != np.uint64:
        raise Hint(f"majority must return an array of uint64; it returned {found!r:.60}.")
    return found


def _wrong_verdict(a: np.ndarray, b: np.ndarray, c: np.ndarray, given: np.ndarray, right: np.ndarray) -> str:
    wrong = given ^ right
    place = int(np.flatnonzero(wrong)[0])
    bit = int(wrong[place]).bit_length() - 1
    votes = [int(ballot[place]) >> bit & 1 for ballot in (a, b, c)]
    return f"Three voters with the bits {votes} get the verdict {int(given[place]) >> bit & 1}."


exercises.add(Tried("vote-of-three", majority, _ballots, otherwise=_wrong_verdict, trial=_voted))


@exercises.judged("vote-of-votes", right=[[1, 1, -1], [1, 1, -1], [-1, -1, -1]])
def vote_of_votes(answer: Any) -> None:
    votes = np.array(answer)
    if votes.shape != (3, 3) or not np.isin(votes, (-1, 1)).all():
        raise Hint("Answer with three lists of three numbers, each 1 or -1.")
    verdict, of_groups = np.sign(votes.sum()), np.sign(np.sign(votes.sum(axis=1)).sum())
    if verdict == of_groups:
        raise Hint(
            f"Of the nine, {int((votes == verdict).sum())} vote {verdict:+d}, and so do the groups. "
            "How few votes win a group, and how few groups win the vote?"
        )
