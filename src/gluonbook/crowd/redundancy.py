"""One label of each example, or several of fewer: what a bound on the error of the learner says of it."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from gluonbook.checks import flag, whole_number


def redundancy_factor(p: ArrayLike, redundancy: int, by_majority: bool = False) -> np.ndarray:
    """√r/(1 − 2β): what a bound on the excess risk is proportional to, for r labels of each of N/r examples.

    There are two classes, and all workers are right with probability p, independently. β is the mean belief in the
    wrong class. A belief τ in the right one weighs the 0-1 loss ℓ of a prediction into τ·ℓ + (1 − τ)·(1 − ℓ), so the
    weighted risk is β + (1 − 2β)·risk. Where N/r weighted examples tell weighted risks to within ε = c·√(r/N), the
    minimizer's risk exceeds the smallest by at most 2ε/(1 − 2β). With u labels of r wrong, ρ = 1 − p,

        1 − 2β = Σ_u C(r, u)·p^(r−u)·ρ^u · (2τ_u − 1),   τ_u = p^(r−u)ρ^u / (p^(r−u)ρ^u + p^u ρ^(r−u))

    for the posterior τ, so that one label counts 1/(2p − 1)²; by majority τ_u is 1, ½ or 0, and one counts 1/(2p − 1).

    Args:
        p: probabilities in (½, 1], of any shape; the factors come in the same shape, float64.
        redundancy: r, from 1.
        by_majority: labels are the majority, ties broken at random, in place of the posterior.

    Raises:
        ValueError: an argument is out of range.
    """
    p, r = np.asarray(p, dtype=np.float64), whole_number("redundancy", redundancy, 1)
    by_majority = flag("by_majority", by_majority)
    if not ((p > 0.5) & (p <= 1)).all():
        raise ValueError(f"p must be in (0.5, 1], got {p[~((p > 0.5) & (p <= 1))].flat[0]}")
    u = np.arange(r + 1)
    rho = 1 - p[..., None]
    doubt = (rho / (1 - rho)) ** np.abs(r - 2 * u)  # how probable the side of fewer labels is, against the other
    certain = np.sign(r - 2 * u) * (1 if by_majority else (1 - doubt) / (1 + doubt))
    return np.asarray(sqrt(r) / (binom.pmf(u, r, rho) * certain).sum(axis=-1))
