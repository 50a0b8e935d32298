"""Workers judged by a belief: how often each has said what, of examples that are believed to be of which class.

The belief may come from the labels themselves, as in `dawid_skene`, or from a network that was trained on them, which
sees what the workers saw. Both functions take `smooth`, how many labels of pure chance each row is given on top.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from gluonbook.checks import distributions, real, whole_number
from gluonbook.crowd.beliefs import posterior, votes
from gluonbook.crowd.labels import Labels

Judge = Callable[[Labels, np.ndarray], np.ndarray]


def matrices(labels: Labels, belief: Any, smooth: float = 1.0) -> np.ndarray:
    """A confusion matrix for each worker, shape (m, K, K); sums go over the labels (i, j) of worker a:

        C[a, k, s] = (Σ belief[i, k]·[said = s] + smooth/K) / (Σ belief[i, k] + smooth)

    A row without a label, and without smoothing, is 1/K everywhere.

    Raises:
        ValueError: `belief` is no belief about these labels, or `smooth` is negative.
    """
    belief, smooth = _belief(labels, belief), real("smooth", smooth, "[0, inf)")
    counts = np.zeros((labels.workers, labels.classes, labels.classes))  # worker, what is said, class
    np.add.at(counts, (labels.who, labels.said), belief[:, None, :])
    counts = counts.transpose(0, 2, 1)
    return _shares(counts, counts.sum(axis=2, keepdims=True), smooth, labels.classes)


def one_number(labels: Labels, belief: Any, smooth: float = 1.0) -> np.ndarray:
    """Confusion matrices of one number a worker, the share p of her labels that are right; errors are spread evenly:

        p[a] = (Σ belief[i, said] + smooth/K) / (labels of a + smooth),   C[a] = p·I + (1 − p)/(K − 1)·(1 − I)

    K² − K times fewer numbers than `matrices` to learn from as many labels, and it cannot see who errs in one way.

    Raises:
        ValueError: as `matrices`.
    """
    belief, smooth = _belief(labels, belief), real("smooth", smooth, "[0, inf)")
    hits = np.take_along_axis(belief, labels.said, axis=1)
    right = np.bincount(labels.who.ravel(), hits.ravel(), labels.workers)
    given = np.bincount(labels.who.ravel(), minlength=labels.workers)
    p = _shares(right, given, smooth, labels.classes)[:, None, None]
    same = np.eye(labels.classes)
    return p * same + (1 - p) / (labels.classes - 1) * (1 - same)


def dawid_skene(labels: Labels, judge: Judge = matrices, rounds: int = 20, prior: Any = None) -> np.ndarray:
    """The belief, shape (n, K), after `rounds` of: judge the workers by the belief, then believe by the workers.

    It begins with `votes`, and is expectation maximization on the labels alone. With one label an example, nobody
    disagrees with anybody: what it then believes of a worker depends on how she spreads her labels, never on whether
    they are right. `prior` is that of `posterior`, and stays as it is; the original estimates it in each round, too.

    Raises:
        ValueError: `rounds` is no whole number from 0, or as `posterior`.

    Source: Dawid and Skene, Maximum likelihood estimation of observer error-rates using the EM algorithm, Applied
    Statistics 28 (1979), 20-28.
    """
    belief = votes(labels)
    for _ in range(whole_number("rounds", rounds, 0)):
        belief = posterior(labels, judge(labels, belief), prior)
    return belief


def _belief(labels: Labels, belief: Any) -> np.ndarray:
    belief = distributions("belief", belief, (len(labels), labels.classes))
    return belief / belief.sum(axis=1, keepdims=True)  # those of a network in float32 may be above 1


def _shares(part: np.ndarray, whole: np.ndarray, smooth: float, classes: int) -> np.ndarray:
    """(part + smooth/K)/(whole + smooth), and chance, 1/K, where there is nothing to go by."""
    whole = whole + smooth
    return np.where(whole > 0, (part + smooth / classes) / np.where(whole > 0, whole, 1), 1 / classes)
