"""A part of a training set that is held back, to choose by."""

from __future__ import annotations

import numpy as np
from mxnet.gluon.data import ArrayDataset

from gluonbook.checks import whole_number


def hold_out(train: ArrayDataset, count: int, seed: int = 0) -> tuple[ArrayDataset, ArrayDataset]:
    """Split a training set in two: what is left to train on, and a validation set of `count` samples.

        train, held = hold_out(load("digits").train, 300)

    No sample is in both parts and none is lost; which go where depends on `seed` and the labels alone. Labels of an
    integer type are classes: each has its share in both parts, to within one sample. Other labels are drawn at random.
    Both parts hold copies, in a random order. Hold out first and augment then, or the parts share images after all.

    Args:
        train: pairs (X, y) in NumPy arrays, as `load` gives them: X of shape (n, ...), y of shape (n,).
        count: of the validation set, from 1 to n - 1; with classes, at least one a class in either part.

    Raises:
        ValueError: `count` or `seed` is out of range, the data set is none of that form, or a class is too small.
    """
    from sklearn.model_selection import train_test_split  # takes a second that `load` need not wait for

    pair = train[:] if isinstance(train, ArrayDataset) and len(train) else None
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, np.ndarray) for part in pair)):
        raise ValueError(f"train must be an ArrayDataset of two NumPy arrays, got {type(train).__name__}")
    X, y = pair
    if y.ndim != 1:
        raise ValueError(f"the labels of train must have shape ({len(y)},), got {y.shape}")
    count = whole_number("count", count, 1, len(y) - 1)
    seed = whole_number("seed", seed, 0, 2**32 - 1)
    classes = y if np.issubdtype(y.dtype, np.integer) else None
    rest, held = train_test_split(np.arange(len(y)), test_size=count, stratify=classes, random_state=seed)
    return ArrayDataset(X[rest], y[rest]), ArrayDataset(X[held], y[held])
