"""Hints of the exercises of `multi_gpu/parallelism`."""

from __future__ import annotations

import pytest

from gluonbook.theory import costs


def divide(P, A, B, equal="data"):
    return [("data" if p < B * a else "model") if p != B * a else equal for p, a in zip(P, A)]


def slowdown(p, factor, M):
    return factor - (factor - 1) * (1 - p) ** M


def best(C, d, network, limit, last=False, alpha=True):
    def seconds(M):
        ring = costs.mean_by_ring(M, d)
        return C / M + network.seconds(alpha * ring.messages, ring.bytes), -M * last

    return min(range(1, limit + 1), key=seconds)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("moneys-worth", 0.80),
        ("moneys-worth", 10.5 / 6.6 / 2),
        ("divide-which-way", divide),
        ("rare-and-long", slowdown),
        ("how-many-workers", best),
    ],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("moneys-worth", 0.55, "the fastest one"),
        ("moneys-worth", 0.75, "a better one"),
        ("moneys-worth", 2.19, "how many times faster"),
        ("moneys-worth", 0.4, "Then the largest"),
        ("divide-which-way", lambda P, A, B: ["data"], "for each of the 4"),
        ("divide-which-way", lambda P, A, B: divide(A, P, 1), "other way round"),
        ("divide-which-way", lambda P, A, B: divide(P, A, 1), "Does B come into it"),
        ("divide-which-way", lambda P, A, B: divide(P, A, B, equal="model"), "equal"),
        (
            "divide-which-way",
            lambda P, A, B: ["model" if way == "data" else "data" for way in divide(P, A, B)],
            "other way round",
        ),
        ("rare-and-long", lambda p, factor, M: 1 + p * (factor - 1), "average of one worker"),
        ("rare-and-long", lambda p, factor, M: 1 + M * p * (factor - 1), "once only"),
        ("rare-and-long", lambda p, factor, M: factor, "Nobody is ever delayed"),
        ("rare-and-long", lambda p, factor, M: 1 + (factor - 1) * p**M, "that nobody is delayed"),
        ("how-many-workers", lambda C, d, network, limit: limit, "Fewer are faster"),
        ("how-many-workers", lambda C, d, network, limit: 0, "whole number from 1"),
        ("how-many-workers", lambda C, d, network, limit: 1, "a better one"),
        ("how-many-workers", lambda *given: best(*given, alpha=False), "Fewer are faster"),
        ("how-many-workers", lambda *given: max(2, best(*given)), "a better one"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told


def test_of_equals_the_smallest(verdict):
    def largest_of_equals(C, d, network, limit):
        return limit - 1 if C == 0 else best(C, d, network, limit)

    assert "the smallest is asked for" in verdict("how-many-workers", largest_of_equals)[1]
