"""What labels say of the class of each example: beliefs, of shape (n, K), whose rows sum to 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from gluonbook.checks import distributions
from gluonbook.crowd.labels import Labels


def votes(labels: Labels) -> np.ndarray:
    """The share of an example's labels that name each class: belief[i, k] = #{j: said[i, j] = k}/r."""
    return (labels.said[..., None] == np.arange(labels.classes)).mean(axis=1)


def majority(labels: Labels, random: np.random.RandomState) -> np.ndarray:
    """1 for the class that most labels of an example name, and 0 for all others; ties are broken at random."""
    shares = votes(labels)
    tied = (shares == shares.max(axis=1, keepdims=True)) * (1 + random.rand(*shares.shape))
    return np.eye(labels.classes)[tied.argmax(axis=1)]


def posterior(labels: Labels, confusion: Any, prior: Any = None) -> np.ndarray:
    """P(the class is k | the labels), for workers whose confusion matrices are known and who err independently:

        belief[i, k] ∝ prior[k] · Π_j confusion[who[i, j], k, said[i, j]]

    Args:
        confusion: P(worker a says s | the class is k), of shape (workers, classes, classes).
        prior: P(the class is k) before any label, of shape (classes,); by default all are equally probable.

    Raises:
        ValueError: the arrays do not go together, or no class can have had the labels of some example.
    """
    m, K = labels.workers, labels.classes
    confusion = distributions("confusion", confusion, (m, K, K))
    prior = distributions("prior", np.full(K, 1 / K) if prior is None else prior, (K,))
    with np.errstate(divide="ignore"):  # log 0 is −∞, and what that is added to stays impossible
        evidence = np.log(prior) + np.log(confusion)[labels.who, :, labels.said].sum(axis=1)
    top = evidence.max(axis=1, keepdims=True)
    if not np.isfinite(top).all():
        raise ValueError(f"example {np.argmin(np.isfinite(top))}: by confusion and prior, no class can have its labels")
    belief = np.exp(evidence - top)
    return belief / belief.sum(axis=1, keepdims=True)
