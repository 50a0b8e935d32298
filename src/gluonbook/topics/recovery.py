"""From whitened moments back to topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from gluonbook.topics.moments import WhitenedMoments
from gluonbook.topics.power import tensor_power


@final
@dataclass(frozen=True)
class Topics:
    """k topics over V words.

    Attributes:
        words: a row a topic, each a distribution over the words, shape (k, V).
        alpha: the parameters of the Dirichlet distribution, shape (k,).
        negative: how much below 0 the estimates of each topic added up to before they were cut, by how much they had
            above 0, shape (k,). It is 0 for exact moments; a large one says that there are too few documents, or that
            these were not written as the model writes.
    """

    words: np.ndarray
    alpha: np.ndarray
    negative: np.ndarray


def topics_from(
    moments: WhitenedMoments, random: np.random.RandomState, *, restarts: int = 10, steps: int = 30
) -> Topics:
    """The topics with these moments. For the component (λᵢ, vᵢ) of the whitened third moment,

        λᵢ = 2/(α0 + 2) · √(α0(α0 + 1)/αᵢ),   so   αᵢ = 4α0(α0 + 1)/((α0 + 2)²λᵢ²)
        μᵢ = (α0 + 2)/2 · λᵢ · (Wᵀ)⁺vᵢ

    Estimates below 0 become 0, and each topic gets the sum 1. `restarts` and `steps` are those of `tensor_power`.

    Raises:
        ValueError: as `tensor_power` does; or a component is not positive, so that there are fewer topics than k.
    """
    alpha0 = moments.alpha0
    values, vectors = tensor_power(moments.T, len(moments.T), random, restarts=restarts, steps=steps)
    if not (values > 0).all():
        raise ValueError(f"the third moment has {(values > 0).sum()} positive components, fewer than k = {len(values)}")
    alpha = 4 * alpha0 * (alpha0 + 1) / ((alpha0 + 2) ** 2 * values**2)
    mu = (alpha0 + 2) / 2 * values[:, None] * (vectors @ moments.unwhiten.T)
    words = np.maximum(mu, 0)
    total = words.sum(axis=1)
    return Topics(words / total[:, None], alpha, (words - mu).sum(axis=1) / total)
