"""The step of L-BFGS: curvature from the last few steps, in two loops over vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

import numpy as np

Vectors = Union[np.ndarray, Sequence[np.ndarray]]


def two_loop(g: np.ndarray, S: Vectors, Y: Vectors) -> np.ndarray:
    """H·g of shape (d,), float64, where H is what BFGS makes of the pairs (S[k], Y[k]), the oldest first:

        H_0 = γ·I,   γ = s·y / y·y of the newest pair, or 1 without any
        H_{k+1} = (I − ρ·s·yᵀ)·H_k·(I − ρ·y·sᵀ) + ρ·s·sᵀ,   ρ = 1 / s·y

    A pair is a step s and what the gradient changed by, y. H is symmetric and positive, and H·y = s for the newest
    pair. With m pairs it takes 4·m·d multiplications, and no d × d matrix. `S` and `Y` have shape (m, d), m from 0.

    After Nocedal, "Updating quasi-Newton matrices with limited storage" (1980); Liu and Nocedal (1989).

    Raises ValueError where g has not one axis, pairs are not shaped like it, or a pair has not s·y > 0.
    """
    g, S, Y = (np.asarray(given, dtype=np.float64) for given in (g, S, Y))
    if g.ndim != 1:
        raise ValueError(f"g must be a vector of shape (d,), got shape {g.shape}")
    if not len(S) == len(Y) == 0 and not (S.shape == Y.shape and S.shape[1:] == g.shape):
        raise ValueError(f"S and Y must have the shape (m, {len(g)}), as g has {g.shape}; got {S.shape} and {Y.shape}")
    curvature = [float(s @ y) for s, y in zip(S, Y)]
    for k, value in enumerate(curvature):
        if not value > 0:  # NaN is not, either
            raise ValueError(f"each pair must have s·y > 0, got {value} in pair {k}")
    product, shares = g.copy(), []
    for s, y, c in zip(S[::-1], Y[::-1], curvature[::-1]):
        shares.append(s @ product / c)
        product -= shares[-1] * y
    if curvature:
        product *= curvature[-1] / (Y[-1] @ Y[-1])
    for s, y, c, share in zip(S, Y, curvature, shares[::-1]):
        product += (share - y @ product / c) * s
    return product
