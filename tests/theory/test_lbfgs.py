"""The two loops of L-BFGS, beside the matrix that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from gluonbook.theory import two_loop


def pairs(m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Steps, and what they change in the gradient of a quadratic function."""
    random = np.random.RandomState(seed)
    A = random.normal(size=(d, d))
    S = random.normal(size=(m, d))
    return S, S @ (A @ A.T + np.eye(d))


def dense(S: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """The matrix H of BFGS, written down."""
    H = np.eye(S.shape[1]) * (S[-1] @ Y[-1] / (Y[-1] @ Y[-1]))
    for s, y in zip(S, Y):
        rho = 1 / (s @ y)
        left = np.eye(len(s)) - rho * np.outer(s, y)
        H = left @ H @ left.T + rho * np.outer(s, s)
    return H


@pytest.mark.parametrize("m", [1, 2, 5, 20])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_dense_matrix_times_g(m, seed):
    S, Y = pairs(m, 12, seed)
    H, g = dense(S, Y), np.random.RandomState(99).normal(size=12)
    assert two_loop(g, S, Y) == pytest.approx(H @ g, rel=1e-9, abs=1e-9)
    assert two_loop(g, list(S), list(Y)) == pytest.approx(H @ g, rel=1e-9, abs=1e-9)
    columns = np.array([two_loop(e, S, Y) for e in np.eye(12)])
    assert columns == pytest.approx(columns.T, rel=1e-8, abs=1e-8)
    assert np.linalg.eigvalsh(columns).min() > 0
    assert two_loop(Y[-1], S, Y) == pytest.approx(S[-1])


def test_the_order_of_pairs_counts():
    S, Y = pairs(3, 6)
    g = np.ones(6)
    assert not np.allclose(two_loop(g, S, Y), two_loop(g, S[::-1], Y[::-1]))


@pytest.mark.parametrize("none", [[], np.zeros((0, 4)), ()])
def test_without_pairs_it_is_the_gradient_itself_and_a_copy(none):
    g = np.arange(4, dtype="float32")
    product = two_loop(g, none, none)
    assert product.dtype == np.float64
    assert np.array_equal(product, g)
    product[:] = 7
    assert np.array_equal(g, np.arange(4))


def test_nothing_that_it_is_given_changes():
    S, Y = pairs(4, 6)
    given = (np.ones(6), S, Y)
    before = [array.copy() for array in given]
    two_loop(*given)
    assert all(np.array_equal(a, b) for a, b in zip(given, before))


@pytest.mark.parametrize(
    ("g", "S", "Y", "told"),
    [
        (np.ones((2, 2)), [], [], r"g must be a vector of shape \(d,\), got shape \(2, 2\)"),
        (
            np.ones(2),
            np.ones((3, 2)),
            np.ones((2, 2)),
            r"S and Y must have the shape \(m, 2\).*got \(3, 2\) and \(2, 2\)",
        ),
        (np.ones(2), np.ones((1, 3)), np.ones((1, 3)), r"S and Y must have the shape \(m, 2\).*got \(1, 3\)"),
        (np.ones(2), np.ones(2), np.ones(2), r"S and Y must have the shape \(m, 2\)"),
        (np.ones(2), [[1, 0], [0, 1]], [[1, 0], [0, -2]], r"s·y > 0, got -2.0 in pair 1"),
        (np.ones(2), [[0, 1]], [[1, 0]], r"s·y > 0, got 0.0 in pair 0"),
        (np.ones(2), [[1, 0]], [[np.nan, 0]], r"s·y > 0, got nan in pair 0"),
    ],
)
def test_what_is_no_pair_is_told(g, S, Y, told):
    with pytest.raises(ValueError, match=told):
        two_loop(g, S, Y)
