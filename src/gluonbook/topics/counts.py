"""The table of word counts that all others begin with."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def counted(X: Any) -> sparse.csr_matrix:
    """Word counts as a float64 matrix in CSR form, of shape (documents, words), without zeros and without doubles.

    Raises:
        ValueError: X is no table of two axes, is empty, or holds what is no count, such as weights or a value below 0.
    """
    if not sparse.issparse(X) and np.ndim(X) != 2:
        raise ValueError(f"X must be a table of counts of shape (documents, words), got shape {np.shape(X)}")
    X = sparse.csr_matrix(X, dtype=np.float64, copy=True)
    X.sum_duplicates()
    X.eliminate_zeros()
    if not min(X.shape):
        raise ValueError(f"X must hold a document and a word at least, got shape {X.shape}")
    wrong = ~((X.data >= 0) & (X.data == np.floor(X.data)) & np.isfinite(X.data))
    if wrong.any():
        raise ValueError(f"X must hold counts, which are whole numbers from 0, got {X.data[wrong.argmax()]!r}")
    return X


def distributions(name: str, topics: Any, words: int | None = None) -> np.ndarray:
    """Topics as a float64 array of shape (k, words), each row a distribution.

    Raises:
        ValueError: which names `name`, where that is something else.
    """
    topics = np.asarray(topics, dtype=np.float64)
    if topics.ndim != 2 or not topics.size or (words is not None and topics.shape[1] != words):
        raise ValueError(f"{name} must have a row a topic and {words or 'one or more'} columns, got {topics.shape}")
    if not (topics >= 0).all() or not np.allclose(topics.sum(axis=1), 1):
        raise ValueError(f"{name} must be distributions: nothing below 0, and each row with the sum 1")
    return topics
