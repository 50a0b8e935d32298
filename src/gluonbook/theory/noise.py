"""Families of noise, all with mean 0 and variance 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@final
@dataclass(frozen=True)
class Noise:
    """A distribution with mean 0 and variance 1; multiply what it gives by σ.

    `promised` says whether it is symmetric with one mode, as the sign-error lemma asks.
    """

    name: str
    distribution: Any  # a frozen distribution of scipy.stats
    promised: bool

    def sample(self, random: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
        """Independent draws in an array of `shape`, float64."""
        return np.asarray(self.distribution.rvs(size=shape, random_state=random), dtype=np.float64)

    def wrong_sign(self, snr: ArrayLike) -> np.ndarray:
        """P(S + noise ≤ 0), exactly: how often a gradient of S > 0 standard deviations does not show its sign."""
        return np.asarray(self.distribution.cdf(-np.asarray(snr, dtype=np.float64)))


NOISES = {
    noise.name: noise
    for noise in (
        Noise("normal", stats.norm(), promised=True),
        Noise("uniform", stats.uniform(loc=-np.sqrt(3), scale=2 * np.sqrt(3)), promised=True),
        Noise("Laplace", stats.laplace(scale=1 / np.sqrt(2)), promised=True),
        Noise("t3", stats.t(df=3, scale=1 / np.sqrt(3)), promised=True),
        Noise("skewed", stats.expon(loc=-1), promised=False),
        Noise("two points", stats.rv_discrete(values=([-1, 1], [0.5, 0.5]))(), promised=False),
    )
}
"""Families of noise by their names, each with mean 0 and variance 1.

t₃ has heavy tails: its fourth moment is infinite. The skewed family is an exponential, moved to mean 0: its mode is at
−1, so that more than half of its draws are negative. The two-point family is symmetric, with two modes.
"""
