"""Eigenvalues of a symmetric matrix that may have lost its numbers."""

from __future__ import annotations

import math

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray


def eigh(matrix: NDArray) -> tuple[NDArray, NDArray]:
    """U and the eigenvalues of a symmetric matrix, Uᵀ·diag(eigenvalues)·U; all NaN if it is not finite.

    Of such a matrix LAPACK makes an error, or numbers that may be finite.
    """
    # A wait for one number costs less than operators that would make the matrix finite without one.
    if not nd.all_finite(matrix).asscalar():
        lost = nd.full(matrix.shape, math.nan, matrix.context, matrix.dtype)
        return lost, lost[0]
    return nd.linalg.syevd(matrix)


def rounding(eigenvalues: NDArray, dtype: type | np.dtype) -> float:
    """Eigenvalues below this say nothing: they are the rounding of a matrix that was computed in `dtype`."""
    return np.finfo(dtype).eps * eigenvalues.max().asscalar()
