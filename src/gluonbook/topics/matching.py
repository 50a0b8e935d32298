"""Which topic is which, and how far off."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from gluonbook.checks import distributions


def match(found: Any, true: Any) -> np.ndarray:
    """The order in which `found` topics stand beside the `true` ones: `found[match(found, true)]`, shape (k,).

    Among all k! orders it is one with the smallest sum of the L1 distances Σ_v |found_v − true_v|.

    Raises:
        ValueError: the two are not as many distributions over as many words.
    """
    true = distributions("true", true, (None, None))
    found = distributions("found", found, true.shape)
    distances = np.stack([abs(found - topic).sum(axis=1) for topic in true])
    return linear_sum_assignment(distances)[1]


def topic_error(found: Any, true: Any) -> float:
    """The L1 distance of a found topic from the true one it stands for, in the mean: from 0 to 2.

    Raises ValueError as `match` does.
    """
    order = match(found, true)
    return float(abs(np.asarray(found)[order] - np.asarray(true)).sum(axis=1).mean())
