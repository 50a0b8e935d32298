"""The exercises of `frontier/gradient_compression`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers

from gluonbook.exercises.frontier.gradient_compression import best_alpha, largest, ternary
from gluonbook.kvstore import Levels, TopK
from gluonbook.theory import costs


def by_partition(v, k):
    out = v.copy()
    out[np.argpartition(abs(v), len(v) - k)[: len(v) - k]] = 0
    return out


def by_levels(v, random):
    size = np.max(np.abs(v))
    return np.where(random.uniform(0, size, v.shape) <= np.abs(v), np.copysign(size, v), 0.0)


def test_so_many_workers_make_a_gather_as_long_as_a_ring():
    for M in (8, 15, 16, 17):
        assert (costs.gathered(M, 1000, 4).bytes >= costs.mean_by_ring(M, 1000).bytes) == (M >= 16)
        assert (costs.gathered(M, 1000, 4).bytes >= costs.mean_by_ring(M, 1000).bytes / 2) == (M >= 8)


def test_the_largest_are_those_of_the_codec():
    v, random = np.random.RandomState(0).normal(size=50).astype(np.float32), np.random.default_rng(0)
    codec = TopK(0.1)
    assert (codec.decode(codec.encode(v, v.shape, random), v.shape) == largest(v, 5)).all()


def test_a_ternary_has_the_error_of_the_codec():
    v, random, codec = np.array([2.0, -1.0, 0.5], np.float32), np.random.default_rng(0), Levels(1, "max")
    draws = {
        "codec": [codec.decode(codec.encode(v, v.shape, random), v.shape) for _ in range(4000)],
        "answer": [ternary(v, random) for _ in range(4000)],
    }
    for found in draws.values():
        assert np.allclose(((np.array(found) - v) ** 2).mean(axis=0), abs(v) * (2 - abs(v)), atol=0.1)


def test_no_other_alpha_is_better():
    for beta, gamma in ((1.0, 9.0), (0.7, 0.5)):
        alphas = np.linspace(0, 1, 10_001)
        rho = (beta - alphas) ** 2 + alphas**2 * gamma
        assert abs(alphas[rho.argmin()] - best_alpha(beta, gamma)) < 1e-4


test_right_answers_are_right = right_answers(
    ("too-many-workers", [16.0, 8]),
    ("what-adds-up", ["yes", "no", "yes", "yes", "no"]),
    ("keep-the-largest", by_partition),
    ("draw-a-ternary", by_levels),
    ("smallest-memory", lambda beta, gamma: 1 / (1 / beta + gamma / beta)),
)

test_wrong_answers_get_their_hint = hints(
    ("too-many-workers", 16, "2 numbers"),
    ("too-many-workers", (20, 8), "What cancels?"),
    ("too-many-workers", (16, 16), "half as much"),
    ("what-adds-up", ("yes", "yes", "yes", "yes", "no"), "(b)"),
    ("what-adds-up", ("yes", "no", "no", "yes", "no"), "(c)"),
    ("what-adds-up", ("yes", "no", "yes", "no", "no"), "(d)"),
    ("what-adds-up", ("yes", "no", "yes", "yes", "yes"), "(e)"),
    ("keep-the-largest", lambda v, k: v, "it should be"),
    ("draw-a-ternary", lambda v, random: v, "alone"),
    ("draw-a-ternary", lambda v, random: v[:2], "shape"),
    ("smallest-memory", lambda beta, gamma: 0.5, "derivative"),
)
