"""The tensor power method, on tensors whose components are known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from gluonbook.topics import tensor_power


def orthogonal(values, n, random):
    V = np.linalg.qr(random.normal(size=(n, n)))[0][: len(values)]
    return np.einsum("i,ia,ib,ic->abc", values, V, V, V), V


@pytest.mark.parametrize("values", [[1.0], [3.0, 2.0, 0.5], [1.0, 1.0, 1.0, 1.0], [1e-8, 2e-8], [1e8, 2e8]])
def test_it_finds_the_components_and_their_signs(values):
    random = np.random.RandomState(len(values))
    T, V = orthogonal(values, 6, random)
    found = tensor_power(T, len(values), random)
    order = (found.vectors @ V.T).argmax(axis=0)
    assert sorted(order) == list(range(len(values)))
    assert found.vectors[order] == pytest.approx(V, abs=1e-10)
    assert found.values[order] == pytest.approx(values, rel=1e-10)


def test_the_best_of_so_many_starts_goes_on_for_as_many_steps_again():
    """Few of them, so that each start and each step shows; against loops over the numbers of T."""
    T, _ = orthogonal([2.0, 1.9, 1.8, 1.7], 4, np.random.RandomState(2))

    def applied(theta):
        out = np.zeros(4)
        for a, b, c in product(range(4), repeat=3):
            out[a] += T[a, b, c] * theta[b] * theta[c]
        return out

    def walked(theta, steps):
        for _ in range(steps):
            theta = applied(theta) / np.linalg.norm(applied(theta))
        return theta

    for seed in range(5):
        ends = [walked(start, 2) for start in np.random.RandomState(seed).normal(size=(3, 4))]
        best = walked(max(ends, key=lambda end: end @ applied(end)), 2)
        found = tensor_power(T, 1, np.random.RandomState(seed), restarts=3, steps=2)
        assert found.vectors[0] == pytest.approx(best, abs=1e-12)
        assert found.values[0] == pytest.approx(best @ applied(best))


def test_with_noise_the_error_is_of_the_order_of_the_noise():
    random = np.random.RandomState(0)
    T, V = orthogonal([2.0, 1.5, 1.0], 3, random)
    noise = random.normal(size=(3, 3, 3))
    noise = sum(noise.transpose(p) for p in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))) / 6
    for size in (1e-2, 1e-4, 1e-6):
        found = tensor_power(T + size * noise, 3, np.random.RandomState(1))
        assert abs(found.vectors[(found.vectors @ V.T).argmax(axis=0)] - V).max() < 5 * size


def test_t_stays_as_it_is():
    T, _ = orthogonal([2.0, 1.0], 2, np.random.RandomState(0))
    before = T.copy()
    tensor_power(T, 2, np.random.RandomState(0))
    assert (before == T).all()


def test_what_is_left_of_nothing_is_nothing():
    assert tensor_power(np.zeros((3, 3, 3)), 2, np.random.RandomState(0)).values.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("T", "words"),
    [
        (np.ones((2, 2)), r"got \(2, 2\)"),
        (np.ones((2, 2, 3)), r"got \(2, 2, 3\)"),
        (np.ones((0, 0, 0)), r"got \(0, 0, 0\)"),
        (np.full((2, 2, 2), np.nan), "finite"),
        (np.arange(8.0).reshape(2, 2, 2), "symmetric"),
    ],
)
def test_what_has_no_such_components_is_refused(T, words):
    with pytest.raises(ValueError, match=words):
        tensor_power(T, 1, np.random.RandomState(0))
