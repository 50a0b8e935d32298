"""The moments of words in documents, whitened, without an object that is as large as a table of all pairs of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from gluonbook.checks import real, whole_number
from gluonbook.topics.counts import counted

SHORTEST = 3  # words of a document: the third moment is about three different places


@final
@dataclass(frozen=True)
class WhitenedMoments:
    """What `topics_from` needs to know of the documents; V words, k topics.

    Attributes:
        alpha0: α0, the sum of the parameters of the Dirichlet distribution, as it was given.
        eigenvalues: the k largest of M2, falling, shape (k,).
        W: the whitening matrix U·Λ^(−½), for which WᵀM2W is the identity, shape (V, k).
        unwhiten: the pseudo-inverse of Wᵀ, U·Λ^½, which leads back to words, shape (V, k).
        T: the third moment M3(W, W, W), symmetric, shape (k, k, k).
    """

    alpha0: float
    eigenvalues: np.ndarray
    W: np.ndarray
    unwhiten: np.ndarray
    T: np.ndarray


def whitened_moments(X: Any, k: int, alpha0: float) -> WhitenedMoments:
    """The whitened second and third moment of the words of documents, X their counts, of shape (documents, V).

    With x₁, x₂, x₃ the unit vectors of words at three different places of a document, and M1 = E x₁,

        M2 = E[x₁⊗x₂] − α0/(α0 + 1) · M1⊗M1
        M3 = E[x₁⊗x₂⊗x₃] − α0/(α0 + 2) · (E[x₁⊗x₂⊗M1] + E[x₁⊗M1⊗x₂] + E[M1⊗x₁⊗x₂])
             + 2α0²/((α0 + 1)(α0 + 2)) · M1⊗M1⊗M1

    which for latent Dirichlet allocation with topics μᵢ and parameters αᵢ of the sum α0 are

        M2 = Σᵢ αᵢ/(α0(α0 + 1)) · μᵢ⊗μᵢ,   M3 = Σᵢ 2αᵢ/(α0(α0 + 1)(α0 + 2)) · μᵢ⊗μᵢ⊗μᵢ

    Expectations are means over documents, and in each of them over all its pairs and triples of places, exactly:
    a document with the counts x and n words has (x⊗x − diag x)/(n(n − 1)), and for triples likewise.

    M2 is only ever multiplied with vectors, and M3 is made with k values in the place of V. Time is in proportion to
    (stored counts)·k + (documents + V)·k³, memory to stored counts + (documents + V)·k. Documents of fewer than three
    words have no triple and are left out. The search for eigenvectors has a fixed start, so the same X gives the
    same result.

    Source: Anandkumar et al., Tensor Decompositions for Learning Latent Variable Models, JMLR 15 (2014); the constants
    are tested here against the exact moments of a model, and the sums against all triples one by one.

    Raises:
        ValueError: X is no table of counts, or no document has three words; k is no whole number from 1 to V − 1, or
            more than the documents show, so that M2 has fewer than k positive eigenvalues; or α0 is not above 0.
    """
    X = counted(X)
    k, alpha0 = whole_number("k", k, 1, X.shape[1] - 1), real("alpha0", alpha0, "(0, inf)")
    X = X[np.asarray(X.sum(axis=1)).ravel() >= SHORTEST]
    D, V = X.shape
    if not D:
        raise ValueError(f"no document has {SHORTEST} words or more, so there is no third moment")
    n, columns = np.asarray(X.sum(axis=1)).ravel(), X.T.tocsr()
    pairs, triples = 1 / (n * (n - 1)), 1 / (n * (n - 1) * (n - 2))
    M1, once = columns @ (1 / n) / D, columns @ pairs / D

    def mean_pair(v: np.ndarray) -> np.ndarray:
        """E[x₁⊗x₂]·v, for v of shape (V, m)."""
        return columns @ (pairs[:, None] * (X @ v)) / D - once[:, None] * v

    def second(v: np.ndarray) -> np.ndarray:
        v = v.reshape(V, -1)
        return mean_pair(v) - alpha0 / (alpha0 + 1) * np.outer(M1, M1 @ v)

    # Fixed, and such that no symmetry of documents keeps it in a subspace: there ARPACK would draw a new one by itself.
    start = np.random.RandomState(0).normal(size=V)
    values, U = eigsh(LinearOperator((V, V), matvec=second, matmat=second, dtype=np.float64), k=k, which="LA", v0=start)
    values, U = values[::-1], U[:, ::-1]
    if values[-1] <= V * np.finfo(float).eps * abs(values[0]):
        raise ValueError(
            f"k is {k}, but the second moment of these {D} documents of {SHORTEST} words or more has only "
            f"{(values > V * np.finfo(float).eps * abs(values[0])).sum()} positive eigenvalues; "
            "ask for fewer topics, or bring more documents"
        )
    W = U / np.sqrt(values)

    # The sum over triples of different places is that over all triples, less those that have a place twice.
    Y = X @ W
    T = _cubes(triples, Y, Y, Y)
    T -= _three_ways(_cubes(np.ones(V), W, W, columns @ (triples[:, None] * Y)))
    T += 2 * _cubes(columns @ triples, W, W, W)
    T /= D

    m = W.T @ M1
    T -= alpha0 / (alpha0 + 2) * _three_ways(np.multiply.outer(W.T @ mean_pair(W), m))
    T += 2 * alpha0**2 / ((alpha0 + 1) * (alpha0 + 2)) * np.einsum("a,b,c->abc", m, m, m)
    return WhitenedMoments(alpha0, values, W, U * np.sqrt(values), T)


def _cubes(weights: np.ndarray, A: np.ndarray, B: np.ndarray, C: np.ndarray) -> np.ndarray:
    """Σ_r weights_r · A_r⊗B_r⊗C_r over the rows of three tables, a slice at a time: no (rows, k, k) is written down."""
    return np.stack([((weights * a)[:, None] * B).T @ C for a in A.T])


def _three_ways(P: np.ndarray) -> np.ndarray:
    """P, symmetric in its first two axes, with the third one in each of the three places, summed."""
    return P + P.transpose(0, 2, 1) + P.transpose(2, 1, 0)
