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
