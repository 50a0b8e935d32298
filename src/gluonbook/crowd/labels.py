"""Who has said what of which example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from gluonbook.checks import whole_number


@final
@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of n examples, r of each: worker `who[i, j]` has said class `said[i, j]` of example i.

    Args:
        who: whole numbers of shape (n, r), from 0 to workers - 1.
        said: whole numbers of the same shape, from 0 to classes - 1.
        workers: m, how many workers there are, those without a label among them.
        classes: K, from 2.

    Raises:
        ValueError: the arrays are of other kinds, shapes or ranges, or there is no label.
    """

    who: np.ndarray
    said: np.ndarray
    workers: int
    classes: int

    def __post_init__(self) -> None:
        workers, classes = whole_number("workers", self.workers, 1), whole_number("classes", self.classes, 2)
        who, said = whole_numbers("who", self.who, "n, r", workers), whole_numbers("said", self.said, "n, r", classes)
        if who.shape != said.shape or not who.size:
            raise ValueError(f"who and said must have one shape (n, r), with labels, got {who.shape}, {said.shape}")
        for name, value in {"who": who, "said": said, "workers": workers, "classes": classes}.items():
            object.__setattr__(self, name, value)  # the one way into what is frozen

    def __len__(self) -> int:
        return len(self.who)


def whole_numbers(name: str, value: Any, shape: str, count: int) -> np.ndarray:
    """`value` as an array of whole numbers from 0 to count - 1, with as many axes as `shape` names; else ValueError."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.ndim != shape.count(",") + 1:
        raise ValueError(f"{name} must be whole numbers of shape ({shape}), got {array.dtype} of shape {array.shape}")
    if array.size and not 0 <= array.min() <= array.max() < count:
        raise ValueError(f"{name} must be from 0 to {count - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.intp)
