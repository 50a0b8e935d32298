"""Checks of the exercises of `signum/majority_vote`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises, Hint

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("vote-by-hand")
def vote_by_hand(answer: tuple[int, int, int, int]) -> None:
    if not isinstance(answer, (tuple, list)) or len(answer) != 4 or not set(answer) <= {1, -1}:
        raise Hint(f"Answer with four numbers, each 1 or -1, not {answer!r:.60}.")
    if answer[1] != -1 or answer[3] != -1:
        raise Hint("Count heads, not sizes: three of four are negative in the second column, and in the fourth.")
    if answer[0] != 1:
        raise Hint("The first column is a tie. Which way do ties go?")
    if answer[2] != 1:
        raise Hint("A bit has no zero. What does a worker whose value is 0 vote?")


@exercises.add("voters-needed")
def voters_needed(voters: Callable[[float, float], int]) -> None:
    for p, risk, expected in [(0.9, 0.2, 1), (0.9, 0.05, 3), (0.7, 0.05, 17), (0.6, 0.05, 67), (0.6, 0.01, 133)]:
        found = voters(p, risk)
        if found == expected:
            continue
        if found % 2 == 0:
            raise Hint(f"voters({p}, {risk}) is {found}, which is even: such a vote may be a tie.")
        much = "many" if found > expected else "few"
        raise Hint(f"voters({p}, {risk}) is {found}, which is too {much}. When is a majority of M wrong?")


@exercises.add("vote-of-three")
def vote_of_three(majority: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> None:
    # All eight combinations of three bits, and words that fill all 64.
    few = [np.array([word], np.uint64) for word in (0b00001111, 0b00110011, 0b01010101)]
    luck = np.random.RandomState(0)
    many = [luck.randint(0, 2**63, 50).astype(np.uint64) * np.uint64(2) + np.uint64(1) for _ in range(3)]
    for a, b, c in (few, many):
        found = majority(a.copy(), b.copy(), c.copy())
        if not isinstance(found, np.ndarray) or found.dtype != np.uint64:
            raise Hint(f"majority must return an array of uint64; it returned {found!r:.60}.")
        wrong = found ^ ((a & b) | (a & c) | (b & c))
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            bit = int(wrong[place]).bit_length() - 1
            votes = [int(ballot[place]) >> bit & 1 for ballot in (a, b, c)]
            raise Hint(f"Three voters with the bits {votes} get the verdict {int(found[place]) >> bit & 1}.")


@exercises.add("vote-of-votes")
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
