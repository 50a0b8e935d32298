"""How well topics fit documents, and how to make them fit better."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from gluonbook.checks import distributions, real, whole_number
from gluonbook.topics.counts import counted


def perplexity(
    topics: Any, X: Any, random: np.random.RandomState, *, updates: int = 50, smoothing: float = 1e-3
) -> float:
    """How many equally probable words the topics leave to choose from, in documents that they have not seen.

    Document completion: each word of X, counts of shape (documents, V), goes by a toss of a coin to one of two halves.
    To the first half the shares h of the topics in each document are fitted, by `updates` steps of

        h_i ← Σ_v x_v h_i μ_iv/(h·μ)_v + 1/k,   then scaled to the sum 1

    and the second half is predicted: exp(−Σ x_v log (h·μ)_v / Σ x_v). Before, each topic gives `smoothing` of its mass
    to all words alike, so that a word that occurs in no topic costs something finite.

    Raises:
        ValueError: X is no table of counts; topics are no distributions over its words; the second half has no word;
            `updates` is no whole number from 1, or `smoothing` not in (0, 1).
    """
    X = counted(X)
    mu = distributions("topics", topics, (None, X.shape[1]))
    updates, smoothing = whole_number("updates", updates, 1), real("smoothing", smoothing, "(0, 1)")
    mu = (1 - smoothing) * mu + smoothing / X.shape[1]
    documents, words = X.nonzero()
    shown = random.binomial(X.data.astype(int), 0.5)
    hidden = X.data - shown
    if not hidden.any():
        raise ValueError("X must have words enough to be divided into two halves")
    h, likely = np.full((X.shape[0], len(mu)), 1 / len(mu)), mu.T[words]
    for _ in range(updates):
        share = sparse.csr_matrix((shown / (h[documents] * likely).sum(axis=1), (documents, words)), shape=X.shape)
        h = h * (share @ mu.T) + 1 / len(mu)
        h /= h.sum(axis=1, keepdims=True)
    return float(np.exp(-(hidden @ np.log((h[documents] * likely).sum(axis=1))) / hidden.sum()))


def refine(topics: Any, X: Any, *, updates: int = 10) -> np.ndarray:
    """Topics after some steps towards the largest likelihood of the counts X, of shape (documents, V).

    The likelihood is that of mixtures without a prior (probabilistic latent semantic analysis). To maximise it is to
    factorise X into non-negative factors with the smallest Kullback–Leibler divergence (Gaussier and Goutte 2005), and
    scikit-learn's `NMF` does that, by `updates` multiplicative steps in which the likelihood never falls. It ends in
    a local optimum, so it is the start that matters. Each topic gives a tenth of its mass to all words alike first,
    because what is 0 stays 0.

    Raises:
        ValueError: X is no table of counts, topics are no distributions over its words, or `updates` is no whole
            number from 1.
    """
    from sklearn.decomposition import NMF  # takes a second that the others need not wait for

    X = counted(X)
    if not X.nnz:
        raise ValueError("X must have words, got none")
    start = distributions("topics", topics, (None, X.shape[1]))
    updates = whole_number("updates", updates, 1)
    k, V = start.shape
    shares = np.repeat(np.asarray(X.sum(axis=1)) / k, k, axis=1)
    factors = NMF(k, init="custom", beta_loss="kullback-leibler", solver="mu", max_iter=updates, tol=0)
    factors.fit_transform(X, W=shares, H=0.9 * start + 0.1 / V)
    return factors.components_ / factors.components_.sum(axis=1, keepdims=True)
