"""What the tests of topic models compare with: sums over all pairs and triples of places, and exact moments."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np


def brute_force(X, alpha0):
    """M1, M2 and M3 of documents, place by place."""
    documents = [np.repeat(np.arange(X.shape[1]), row.astype(int)) for row in X if row.sum() >= 3]
    V, D = X.shape[1], len(documents)
    M1, E2, E3 = np.zeros(V), np.zeros((V, V)), np.zeros((V, V, V))
    for words in documents:
        n = len(words)
        for a in words:
            M1[a] += 1 / n / D
        for a, b in itertools.permutations(range(n), 2):
            E2[words[a], words[b]] += 1 / (n * (n - 1)) / D
        for a, b, c in itertools.permutations(range(n), 3):
            E3[words[a], words[b], words[c]] += 1 / (n * (n - 1) * (n - 2)) / D
    M2 = E2 - alpha0 / (alpha0 + 1) * np.einsum("a,b->ab", M1, M1)
    mixed = sum(np.einsum(f"ab,c->{order}", E2, M1) for order in ("abc", "acb", "cab"))
    cube = np.einsum("a,b,c->abc", M1, M1, M1)
    M3 = E3 - alpha0 / (alpha0 + 2) * mixed + 2 * alpha0**2 / ((alpha0 + 1) * (alpha0 + 2)) * cube
    return SimpleNamespace(M1=M1, M2=M2, M3=M3)


def exact(mu, alpha):
    """M2 and M3 of a model, by what they are the sums of."""
    alpha0 = alpha.sum()
    M2 = np.einsum("i,ia,ib->ab", alpha / (alpha0 * (alpha0 + 1)), mu, mu)
    M3 = np.einsum("i,ia,ib,ic->abc", 2 * alpha / (alpha0 * (alpha0 + 1) * (alpha0 + 2)), mu, mu, mu)
    return SimpleNamespace(M2=M2, M3=M3)
