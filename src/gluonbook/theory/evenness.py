"""The density of a vector."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def density(v: ArrayLike) -> float:
    """φ(v) = ‖v‖₁² / (d·‖v‖₂²), with d elements in v, of any shape: 1 if all have the same size, 1/d if one is not 0.

    On average it is 2/π for many normal numbers, ¾ for uniform ones around 0, ½ for Laplace ones. It does not change
    when v is multiplied by a number other than 0.

    Raises:
        ValueError: v is empty, all zeros, or not finite; then the density is not defined.

    Source: Bernstein, Wang, Azizzadenesheli and Anandkumar, signSGD (2018), arXiv:1802.04434, section 3.1.
    """
    sizes = np.abs(np.asarray(v, dtype=np.float64))
    largest = sizes.max(initial=0.0)
    if not np.isfinite(largest) or largest == 0:
        raise ValueError(
            f"v must be finite and not all zeros, got {sizes.size} elements, the largest of size {largest}"
        )
    sizes = sizes / largest  # otherwise squares of tiny or huge numbers leave the range of floats
    return float(sizes.sum() ** 2 / (sizes.size * (sizes**2).sum()))
