"""What checkpoints ask of the store of a trainer, and what many ranks that save each its own agree on."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from mxnet.gluon import Trainer
from mxnet.optimizer import Optimizer

from gluonbook import checks
from gluonbook.checkpoint.record import glance
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

    @abstractmethod
    def accept(self, optimizer: Optimizer | None) -> None:
        """Raise ValueError for an optimizer that would not do what it says; None: the trainer runs it, out of reach."""


@contextmanager
def raised_on_all(store: Any, act: str) -> Iterator[None]:
    """Each rank does something of its own in this block, and where one fails, all raise: none waits for another.

    The `act`, such as "read its checkpoints", is called the same on all ranks.

    Raises:
        ValueError: on the others; it says what has happened to whom. These raise that itself.
    """
    agree = store.agree if isinstance(store, Collective) else lambda what: None
    try:
        yield
    except Exception as error:
        with suppress(ValueError):
            agree(f"{type(error).__name__}: {error}")
        raise
    agree(act)


def store_of(trainer: Trainer) -> Any:
    """The store that a trainer was made with: an object, a name for MXNet to make one by, or None."""
    return trainer._kvstore_params["kvstore"]


def ranks_of(store: Any) -> int:
    """How many ranks a store serves; MXNet's own distributed ones say so in the environment until they are made."""
    if isinstance(store, str):
        return int(os.environ.get("DMLC_NUM_WORKER", 1)) if "dist" in store else 1
    return getattr(store, "num_workers", 1)


def own_folder(folder: str | Path, store: Any) -> Path:
    """Where this rank saves, of a run whose checkpoints are in `folder`: in `rank-2`, say, if there are several.

    Raises ValueError where there are several whose store does not let them talk, as MXNet's own: they could not find
    out which step all of them have saved.
    """
    folder, ranks = checks.path("folder", folder), ranks_of(store)
    if ranks == 1:
        return folder
    if not isinstance(store, Collective):
        name = store if isinstance(store, str) else store.type
        raise ValueError(
            f"{ranks} ranks with MXNet's store {name!r} cannot agree on checkpoints: use one of this book's"
        )
    return folder / f"rank-{store.rank}"


def latest_common(folder: str | Path, store: Any) -> Path | None:
    """The newest sound checkpoint of this rank of a step that every rank has one of, each in its `own_folder`.

    When a run is killed, some ranks have saved a step that others have not. All ranks call this, and load what it
    gives (their weights are the same, but not what their stores remember), or begin anew where it gives None: when
    some had saved once, and others never. A trainer without a store of several ranks is the only rank there is.

    Raises:
        ValueError: the checkpoints are those of another number of ranks; or there is no such step, though ranks have
            saved more than once; or another rank raises one of the following; on every rank.
        Damaged: every checkpoint of this rank is damaged, or every one up to the newest step that another has.
        StorageError: one cannot be read.
    """
    _refuse_other_ranks(checks.path("folder", folder), store)
    own = own_folder(folder, store)
    if not isinstance(store, Collective):
        return folders.latest(own)
    bound = None
    while True:
        with raised_on_all(store, "go on from its checkpoints"):
            path, saved = folders.latest(own, until=bound), len(folders.steps(own))
        newest = -1 if path is None else folders.step_of(path)
        told = store.all_gather(np.array([newest, saved], np.int64))
        bound = int(told[:, 0].min())
        if (told[:, 0] == bound).all() or bound < 0:
            break
    if bound >= 0:
        return path
    if told[:, 1].max() > 1:
        listed = "; ".join(f"rank {ranges(r)}: {n}" for n, r in grouped(told[:, 1].tolist()).items())
        raise ValueError(f"no step has a checkpoint on every rank; there are, in {own} and its likes, {listed}")
    return None


def _refuse_other_ranks(folder: Path, store: Any) -> None:
    """Raise ValueError, on every rank, if one finds a checkpoint in `folder` that another number of ranks has saved."""
    ranks = ranks_of(store)
    with raised_on_all(store, "read all checkpoints"):
        other = max((found for found in _ranks_in(folder) if found != ranks), default=0)
    if isinstance(store, Collective):
        other = int(store.all_gather(np.array([other], np.int64)).max())
    if other:
        raise ValueError(
            f"the run in {folder} had num_workers={other}, and this one has num_workers={ranks}: go on with as many, "
            "or choose another folder"
        )


def _ranks_in(folder: Path) -> Iterator[int]:
    """How many ranks had saved what lies in `folder`, by each checkpoint that says so."""
    for one in (folder, *filter(Path.is_dir, folder.glob("rank-*"))):
        for path in folders.checkpoints(one):
            if "ranks" in (record := glance(path)):
                yield record["ranks"]
