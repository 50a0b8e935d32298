"""What of a trainer's optimizer a checkpoint keeps: its settings and state by parameter name, and its counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mxnet as mx
from mxnet.gluon import Trainer
from mxnet.optimizer import Optimizer

from gluonbook.checkpoint.packing import leaves, pack, qualified_name

# What a trainer or a symbol wires into an optimizer when it is made (no state), and the counters (kept by name).
_WIRING = {"idx2name", "sym_info", "lr_mult", "wd_mult", "allow_np_array"}
_COUNTERS = {"_index_update_count", "_all_index_update_counts"}
_MOVING = {"rescale_grad", "num_update"}  # the trainer sets these two itself, at every step


def settings(trainer: Trainer, names: Mapping[int, str] | None = None) -> dict[str, Any]:
    """The optimizer's and its schedule's numbers by dotted place: `{"optimizer.lr": 0.1, "optimizer.wd": 0.0, ...}`.

    What it keeps by parameter has the position of that in its place, or the name, if `names` has one for each position.
    """
    packed = pack(attributes(trainer.optimizer, names or {}), "optimizer", lambda name, array: None, trainer._contexts)
    return packed_settings(packed)


def packed_settings(packed: Any) -> dict[str, Any]:
    """The same of what `attributes` gave, packed."""
    return {place: value for place, value in leaves(packed, "optimizer") if place.rpartition(".")[2] not in _MOVING}


def optimizers_of(trainer: Trainer) -> list[Optimizer]:
    """The optimizers that do a trainer's updates: its own, or those among which a `Partition` divides them."""
    return list(_working(trainer.optimizer))


def _working(optimizer: Optimizer) -> Iterator[Optimizer]:
    held = [part for value in vars(optimizer).values() for part in _parts(value).values()]
    if not held:
        yield optimizer
    for part in held:
        yield from _working(part)


def _parts(value: Any) -> dict[str, Optimizer]:
    """The value of an attribute, if it is a dict of optimizers."""
    return value if isinstance(value, dict) and any(isinstance(part, Optimizer) for part in value.values()) else {}


def attributes(optimizer: Optimizer, names: Mapping[int, str]) -> dict[str, Any]:
    """An optimizer's class and what it would pickle, dicts by parameter position turned into dicts by parameter name.

    The optimizers that it holds, as a `Partition` does, are dicts of the same kind.
    """
    kept = {key: value for key, value in optimizer.__getstate__().items() if key not in _WIRING | _COUNTERS}
    described = {
        key: {label: attributes(part, names) for label, part in parts.items()}
        if (parts := _parts(value))
        else rekey(value, names)
        for key, value in kept.items()
    }
    return {"class": qualified_name(optimizer), **described}


def chosen(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What `attributes` gave, without what the trainer sets at every step."""
    return {
        key: chosen(value) if isinstance(value, dict) else value for key, value in kept.items() if key not in _MOVING
    }


def restore(optimizer: Optimizer, kept: Mapping[str, Any], places: Mapping[str, int]) -> None:
    """Give an optimizer what `attributes` had of it, by parameter position again, and nothing else of that kind."""
    for surplus in attributes(optimizer, {}).keys() - kept.keys():
        delattr(optimizer, surplus)
    for key, value in kept.items():
        if parts := _parts(vars(optimizer).get(key)):
            for label, part in parts.items():
                restore(part, value[label], places)
        elif key != "class":
            vars(optimizer)[key] = rekey(value, places)


def counts_of(optimizer: Optimizer, names: Mapping[int, str]) -> dict[int, dict[str, int]]:
    """How many updates each parameter has had on each device, by its id."""
    counts = optimizer._all_index_update_counts
    return {device: rekey(count, names) for device, count in counts.items() if count}


def restore_counts(
    optimizer: Optimizer, kept: Mapping[int, dict], places: Mapping[str, int], spread: Sequence[mx.Context] | None
) -> None:
    """Give an optimizer its counts; where they are `spread`, each of these devices knows those of all."""
    counts = {device: rekey(count, places) for device, count in kept.items()}
    if spread is not None:
        of_all = {place: n for count in counts.values() for place, n in count.items()}
        counts = {ctx.device_id: dict(of_all) for ctx in spread}
    optimizer._all_index_update_counts = {0: {}} | counts
    optimizer._set_current_context(0)


def rekey(value: Any, keys: Mapping) -> Any:
    """A dict whose keys are all among `keys` with these keys replaced; anything else as it is."""
    if isinstance(value, dict) and value and all(key in keys for key in value):
        return {keys[key]: item for key, item in value.items()}
    return value
