"""How often noise turns the sign of a gradient: the lemma on which the small-batch theorem and the vote rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

CRITICAL_SNR = 2 / np.sqrt(3)
"""The signal-to-noise ratio at which the two branches of `sign_error_bound` meet, at 1/6."""


def signal_to_noise(grad: ArrayLike, sigma: ArrayLike) -> np.ndarray:
    """S = |grad|/sigma for each coordinate: inf where there is a gradient and no noise, NaN where there is neither.

    Raises:
        ValueError: a sigma is negative.
    """
    grad, sigma = np.asarray(grad, dtype=np.float64), np.asarray(sigma, dtype=np.float64)
    if (sigma < 0).any():
        raise ValueError(f"sigma is a standard deviation, from 0, got {sigma.min()}")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(grad) / sigma


def sign_error_bound(snr: ArrayLike) -> np.ndarray:
    """An upper bound of P(sign(g + noise) ≠ sign(g)), for the signal-to-noise ratio S = |g|/σ of each coordinate:

        2/(9·S²)        if S > 2/√3
        1/2 − S/(2·√3)  otherwise

    It holds if the noise has mean 0, variance σ², is symmetric, and has one mode. Both branches are 1/6 at 2/√3.

    Raises:
        ValueError: a ratio is negative or NaN.

    Source: Bernstein, Wang, Azizzadenesheli and Anandkumar (2018), arXiv:1802.04434, Lemma D.1; from Gauß's inequality.
    """
    snr = np.asarray(snr, dtype=np.float64)
    if not (snr >= 0).all():
        raise ValueError(f"a signal-to-noise ratio must be a number from 0, got {snr[~(snr >= 0)].flat[0]}")
    above = 2 / (9 * np.maximum(snr, CRITICAL_SNR) ** 2)
    return np.where(snr > CRITICAL_SNR, above, 0.5 - np.minimum(snr, CRITICAL_SNR) / (2 * np.sqrt(3)))
