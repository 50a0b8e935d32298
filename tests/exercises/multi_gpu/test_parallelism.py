"""Hints of the exercises of `multi_gpu/parallelism`."""

from __future__ import annotations

import math
from fractions import Fraction

from answers import hints, right_answers

from gluonbook.theory import costs


def divide(P, A, B):
    return ["model" if p > B * a else "data" for p, a in zip(P, A)]


def slowdown(p, factor, M):
    return factor - (factor - 1) * (1 - p) ** M


def best(C, d, network, limit, alpha=True):
    def seconds(M):
        ring = costs.mean_by_ring(M, d)
        return C / M + network.seconds(alpha * ring.messages, ring.bytes)

    return min(range(1, limit + 1), key=seconds)


def small_batches(parts, share):
    return max(1, math.ceil((parts - 1) * (1 / Fraction(share).limit_denominator(1000) - 1)))


test_right_answers_are_right = right_answers(
    ("moneys-worth", 10.5 / 6.6 / 2),
    ("divide-which-way", divide),
    ("rare-and-long", slowdown),
    ("full-pipeline", small_batches),
    ("how-many-workers", best),
)


test_hints_fit_the_mistake = hints(
    ("divide-which-way", lambda P, A, B: ["data"], "for each of the 4"),
    ("divide-which-way", lambda P, A, B: divide(A, P, 1), "other way round"),
    ("divide-which-way", lambda P, A, B: divide(P, A, 1), "Does B come into it"),
    (
        "divide-which-way",
        lambda P, A, B: ["model" if way == "data" else "data" for way in divide(P, A, B)],
        "other way round",
    ),
    ("rare-and-long", lambda p, factor, M: factor, "Nobody is ever delayed"),
    ("rare-and-long", lambda p, factor, M: 1 + (factor - 1) * p**M, "that nobody is delayed"),
    ("full-pipeline", lambda parts, share: (parts - 1) / share - parts + 1, "Half a batch"),
    ("full-pipeline", lambda parts, share: max(1, math.ceil(parts / share - parts)), "count the other ones"),
    ("full-pipeline", lambda parts, share: max(1, math.ceil((parts - 1) / share)), "fill the pipeline"),
    ("full-pipeline", lambda parts, share: parts, "a part is idle in K"),
    ("how-many-workers", lambda C, d, network, limit: limit, "Fewer are faster"),
    ("how-many-workers", lambda C, d, network, limit: 0, "whole number from 1"),
    ("how-many-workers", lambda C, d, network, limit: 1, "a better one"),
    ("how-many-workers", lambda *given: best(*given, alpha=False), "Fewer are faster"),
    ("how-many-workers", lambda *given: max(2, best(*given)), "a better one"),
)


def test_of_equals_the_smallest(verdict):
    def largest_of_equals(C, d, network, limit):
        return limit - 1 if C == 0 else best(C, d, network, limit)

    assert "the smallest is asked for" in verdict("how-many-workers", largest_of_equals)[1]
