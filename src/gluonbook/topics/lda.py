"""Documents of which the topics are known."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gluonbook.checks import real, whole_number


def sample_lda(
    documents: int,
    vocabulary: int,
    topics: int,
    length: float,
    alpha0: float,
    random: np.random.RandomState,
    *,
    eta: float = 0.1,
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Word counts drawn from latent Dirichlet allocation, of shape (documents, vocabulary), and its topics.

    Each topic, a row of the second array of shape (topics, vocabulary), is drawn from a Dirichlet distribution with all
    parameters `eta`; the smaller that is, the fewer words make up a topic. A document's shares of the topics are drawn
    with all parameters α0/topics, its length from a Poisson distribution with the mean `length`, in words (but three
    at least), and its words from the mixture.

    Raises:
        ValueError: a count is no whole number from 1, `alpha0` or `eta` not above 0, or `length` not in (0, 1e9).
    """
    documents, vocabulary = whole_number("documents", documents, 1), whole_number("vocabulary", vocabulary, 1)
    topics, length = whole_number("topics", topics, 1), real("length", length, "(0, 1e9)")
    alpha0, eta = real("alpha0", alpha0, "(0, inf)"), real("eta", eta, "(0, inf)")
    mu, shares = _dirichlet(eta, vocabulary, topics, random), _dirichlet(alpha0 / topics, topics, documents, random)
    lengths = np.maximum(random.poisson(length, documents), 3)
    words, values = [], []
    for n, h in zip(lengths, shares):
        counts = random.multinomial(n, h @ mu)
        words.append(np.flatnonzero(counts))
        values.append(counts[words[-1]])
    ends = np.cumsum([0, *map(len, words)])
    table = (np.concatenate(values).astype(np.float64), np.concatenate(words), ends)
    return sparse.csr_matrix(table, shape=(documents, vocabulary)), mu


def _dirichlet(parameter: float, length: int, rows: int, random: np.random.RandomState) -> np.ndarray:
    """Rows drawn from the Dirichlet distribution with all parameters alike.

    NumPy divides gamma variates by their sum, and small parameters make all of a row 0. But then one of them is larger
    than all others by more than float64 can say, any with the same probability.
    """
    drawn = random.dirichlet(np.full(length, parameter), rows)
    lost = ~np.isfinite(drawn).all(axis=1)
    drawn[lost] = np.eye(length)[random.randint(length, size=lost.sum())]
    return drawn
