"""What checkpoints ask of the store of a trainer, and what many ranks that save each its own agree on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from mxnet.gluon import Trainer

from gluonbook import checks
from gluonbook.rank.ranks import grouped, ranges
from gluonbook.storage import folders


class Collective(ABC):
    """A store that serves one trainer on each of several ranks, and lets them talk beside the gradients.

    Its operations are collective: every rank calls the same ones in the same order. `rank` is the number of this one,
    from 0, of `num_workers`.
    """

    @property
    @abstractmethod
    def rank(self) -> int: ...

    @property
    @abstractmethod
    def num_workers(self) -> int: ...

    @abstractmethod
    def agree(self, what: str) -> None:
        """Find that all ranks say the same `what`; raises ValueError on every rank, with what each says, if not."""

    @abstractmethod
    def all_gather(self, values: np.ndarray) -> np.ndarray:
        """The arrays of all ranks, (num_workers, length), for short arrays of one axis."""


def store_of(trainer: Trainer) -> Any:
    """The store that a trainer was made with: an object, a name for MXNet to make one by, or None."""
    return trainer._kvstore_params["kvstore"]


def own_folder(folder: str | Path, store: Any) -> Path:
    """Where this rank saves, of a run whose checkpoints are in `folder`: in `rank-2`, say, if there are several."""
    several = isinstance(store, Collective) and store.num_workers > 1
    folder = checks.path("folder", folder)
    return folder / f"rank-{store.rank}" if several else folder


def latest_common(folder: str | Path, store: Collective) -> Path | None:
    """The newest sound checkpoint in this rank's `folder` of a step that every rank has one of, each in its own.

    When a run is killed, some ranks have saved a step that others have not. All ranks call this, and load what it
    gives (their weights are the same, but not what their stores remember), or begin anew where it gives None: when
    some had saved once, and others never.

    Raises:
        ValueError: there is no such step, though ranks have saved more than once; on every rank.
        Damaged: every checkpoint in `folder` is damaged.
    """
    saved, bound = len(folders.steps(folder)), None
    while True:
        path = folders.latest(folder, until=bound)
        own = -1 if path is None else folders.step_of(path)
        told = store.all_gather(np.array([own, saved], np.int64))
        bound = int(told[:, 0].min())
        if (told[:, 0] == bound).all() or bound < 0:
            break
    if bound >= 0:
        return path
    if told[:, 1].max() > 1:
        listed = "; ".join(f"rank {ranges(r)}: {n}" for n, r in grouped(told[:, 1].tolist()).items())
        raise ValueError(f"no step has a checkpoint on every rank; there are, in {folder} and its likes, {listed}")
    return None
