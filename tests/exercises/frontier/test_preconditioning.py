"""The exercises of `frontier/preconditioning`: answers written otherwise, and hints for some wrong ones."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def by_roots(G):
    """(G·Gᵀ)^(−1/2)·G, on the side that has an inverse."""
    if G.shape[0] > G.shape[1]:
        return by_roots(G.T).T
    values, U = np.linalg.eigh(G @ G.T)
    return U / np.sqrt(values) @ U.T @ G


def by_einsum(G, i):
    others = [axis for axis in range(G.ndim) if axis != i]
    return np.tensordot(G, G, axes=(others, others))


test_right_answers_are_right = right_answers(
    ("which-turns", {"SGD": "any", "Adam": "none", "Shampoo": "rows and columns", "GGT": "any"}),
    ("numbers-to-keep", [131072**2, 2621440, 327680]),
    ("as-long-as-it-gets", (500, 1)),
    ("sign-of-a-matrix", by_roots),
    ("along-an-axis", by_einsum),
)

test_wrong_answers_get_their_hint = hints(
    ("which-turns", {"SGD": "none", "Adam": "none", "Shampoo": "any", "GGT": "any"}, "SGD: its step"),
    ("which-turns", {"SGD": "any", "Adam": "none", "Shampoo": "any", "GGT": "any"}, "mix the two"),
    ("numbers-to-keep", (131072**2, 400, 327680), "made anew"),
    ("numbers-to-keep", (131072**2, 2621440, 655360), "With the roots"),
    ("as-long-as-it-gets", (15.811388, 1), "Two roots"),
    ("as-long-as-it-gets", (500, 2), "what is multiplied"),
    ("sign-of-a-matrix", lambda G: by_roots(G).ravel(), "needs a sign of that shape"),
    ("sign-of-a-matrix", lambda G: 2 * by_roots(G), "it should be"),
    ("along-an-axis", lambda G, i: by_einsum(G, 0), "as many rows"),
)
