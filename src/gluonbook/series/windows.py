"""What a forecaster learns from: pieces of a series."""

from __future__ import annotations

import numpy as np

from gluonbook.checks import whole_number


def windows(x: np.ndarray, length: int) -> np.ndarray:
    """All pieces of `length` values of a series of shape (n,), in float32, of shape (n − length + 1, length).

    Neighbours share all values but one. So split the series first, and then cut: windows that are dealt out at random
    to training and test have the same values in both.

    Raises:
        ValueError: the series has another number of dimensions, or `length` is no whole number from 1 to n.
    """
    x = np.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"a series has the shape (n,), got {x.shape}")
    length = whole_number("length", length, 1, len(x))
    return np.lib.stride_tricks.sliding_window_view(x, length).astype("float32")
