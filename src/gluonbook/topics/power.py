"""The robust tensor power method."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np

from gluonbook.checks import whole_number


@final
class Components(NamedTuple):
    """Values λᵢ of shape (k,), in the order in which they were found, and unit vectors as rows, (k, n)."""

    values: np.ndarray
    vectors: np.ndarray


def tensor_power(T: Any, k: int, random: np.random.RandomState, *, restarts: int = 10, steps: int = 30) -> Components:
    """The components of T ≈ Σᵢ λᵢ vᵢ⊗vᵢ⊗vᵢ, symmetric, of shape (n, n, n), with orthonormal vᵢ and λᵢ > 0.

    For each of the k components: `restarts` random directions θ go `steps` times

        θ ← T(I, θ, θ)/‖T(I, θ, θ)‖,   where T(I, θ, θ)_a = Σ_bc T_abc θ_b θ_c

    the one with the largest λ = T(θ, θ, θ) goes as many again, and λ·θ⊗θ⊗θ is taken away from T. If T is orthogonal
    and θ has the shares cᵢ of the vᵢ, then λᵢcᵢ is squared at each step, but for the length: the largest one is soon
    the only one, and the digits that are right double. Unlike a matrix, T says with λᵢ = λⱼ as well which vᵢ and vⱼ
    are meant, and it says their sign.

    Source: Algorithm 1 of Anandkumar et al., JMLR 15 (2014).

    Raises:
        ValueError: T is not of shape (n, n, n), or not finite, or differs from itself with two axes swapped by more
            than rounding; k is no whole number from 1 to n, or `restarts` or `steps` none from 1.
    """
    T = np.array(T, dtype=np.float64)
    if T.ndim != 3 or not len(T) or T.shape != (len(T),) * 3:
        raise ValueError(f"T must have the shape (n, n, n), got {T.shape}")
    if not np.isfinite(T).all():
        raise ValueError("T must be finite")
    if max(abs(T - T.swapaxes(0, axis)).max() for axis in (1, 2)) > 1e-8 * abs(T).max():
        raise ValueError("T must be symmetric")
    k = whole_number("k", k, 1, len(T))
    restarts, steps = whole_number("restarts", restarts, 1), whole_number("steps", steps, 1)
    values, vectors = [], []
    for _ in range(k):
        theta = _unit(random.normal(size=(restarts, len(T))))
        for _ in range(steps):
            theta = _unit(_applied(T, theta))
        best = theta[[np.argmax(_value(T, theta))]]
        for _ in range(steps):
            best = _unit(_applied(T, best))
        values.append(_value(T, best)[0])
        vectors.append(best[0])
        T -= values[-1] * np.einsum("a,b,c->abc", *best, *best, *best)
    return Components(np.array(values), np.array(vectors))


def _applied(T: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """T(I, θ, θ) for each row θ, of shape (rows, n)."""
    return np.einsum("abc,rb,rc->ra", T, theta, theta, optimize=True)


def _value(T: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """T(θ, θ, θ) for each row θ."""
    return (_applied(T, theta) * theta).sum(axis=1)


def _unit(theta: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros, which a tensor without any component left makes, stays one."""
    lengths = np.linalg.norm(theta, axis=1, keepdims=True)
    return np.divide(theta, lengths, out=np.zeros_like(theta), where=lengths > 0)
