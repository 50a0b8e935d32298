"""A simulated crowd: what each worker says of each class, and labels drawn from that."""

from __future__ import annotations

from typing import Any

import numpy as np

from gluonbook.checks import distributions, real, whole_number
from gluonbook.crowd.labels import Labels, whole_numbers


def hammers_and_spammers(
    workers: int, classes: int, hammers: int, random: np.random.RandomState, *, leak: float = 0.01
) -> np.ndarray:
    """Confusion matrices of a crowd in which exactly `hammers` workers look at what they label, and the others do not.

        confusion[a, k, s] = P(worker a says s | the class is k), shape (workers, classes, classes)

    A hammer's matrix is (1 − leak)·I + leak/K, a spammer's 1/K everywhere; which workers are hammers is drawn. To draw
    each worker by itself instead makes their number a matter of luck, and with few workers that outweighs all else.

    Raises:
        ValueError: a number is out of range; hammers is one from 0 to workers.

    Source: the hammer-spammer distribution of Khetan, Lipton and Anandkumar, Learning from noisy singly-labeled data
    (ICLR 2018), arXiv:1712.04577, and of their code, which draws each worker by itself.
    """
    workers, classes = whole_number("workers", workers, 1), whole_number("classes", classes, 2)
    hammers, leak = whole_number("hammers", hammers, 0, workers), real("leak", leak, "[0, 1]")
    confusion = np.full((workers, classes, classes), 1 / classes)
    confusion[random.permutation(workers)[:hammers]] = (1 - leak) * np.eye(classes) + leak / classes
    return confusion


def annotate(confusion: Any, y: Any, redundancy: int, random: np.random.RandomState) -> Labels:
    """Labels of examples with the classes y, shape (n,), each by `redundancy` different workers, drawn for each anew.

    `confusion` has shape (m, K, K), as that of `hammers_and_spammers`.

    Raises:
        ValueError: the arrays do not go together, or `redundancy` is not from 1 to m.
    """
    shape = np.shape(confusion)
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"confusion must have the shape (workers, classes, classes), got {shape}")
    confusion, (workers, classes, _) = distributions("confusion", confusion, shape), shape
    y = whole_numbers("y", y, "n", classes)
    redundancy = whole_number("redundancy", redundancy, 1, workers)
    who = random.rand(len(y), workers).argsort(axis=1)[:, :redundancy]
    below = confusion[who, y[:, None]].cumsum(axis=2)  # of each label, P(said ≤ s)
    said = (random.rand(*who.shape, 1) >= below).sum(axis=2)
    return Labels(who, np.minimum(said, classes - 1), workers, classes)
