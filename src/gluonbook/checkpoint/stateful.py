"""What remembers something from step to step, besides the net and its optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from mxnet.gluon import Trainer

from gluonbook.checkpoint.stores import store_of


@runtime_checkable
class Stateful(Protocol):
    """Something whose memory is its attribute `states`: a checkpoint saves it, and puts a dict in its place.

    `states` is a dict of what `gluonbook.checkpoint.packing.pack` knows: numbers, strings, arrays, and tuples, lists
    and dicts of these. A dict by parameter position (as in `trainer.optimizer.param_dict`) is kept by parameter name,
    as MXNet's updaters' states are.
    """

    states: dict[Any, Any]


def memories(trainer: Trainer, others: Mapping[str, Stateful] | None) -> dict[str, Stateful]:
    """All that remembers, by name: the trainer's store, if it has states, and the others."""
    store = store_of(trainer)
    return {**({"store": store} if isinstance(store, Stateful) else {}), **(others or {})}
