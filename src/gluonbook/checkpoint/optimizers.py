"""What of a trainer's optimizer a checkpoint keeps: its settings and state by parameter name, and its counts."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mxnet.gluon import Trainer
from mxnet.optimizer import Optimizer

from gluonbook.checkpoint.packing import OwnNames, leaves, pack, qualified_name
from gluonbook.checkpoint.tensors import Tensors

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
        else by_name(value, names)
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
            vars(optimizer)[key] = by_position(value, places)


def restored(optimizer: Optimizer, packed: Any, tensors: Tensors, names: Mapping[int, str]) -> Optimizer:
    """A copy of an optimizer, for the same parameters, with what was `packed` of it."""
    copied = copy.deepcopy(optimizer)
    copied.param_dict = optimizer.param_dict  # which a copy leaves out, as a pickle does
    kept = tensors.unpack(packed, attributes(copied, names))
    tensors.settle()
    restore(copied, kept, {name: place for place, name in names.items()})
    return copied


def counts_of(optimizer: Optimizer, trainer: Trainer, names: Mapping[int, str]) -> dict[int, dict[str, int]]:
    """How many updates each parameter has had, for each updater: by position of its device, or 0 for the store's."""
    counts = optimizer._all_index_update_counts
    if trainer._update_on_kvstore:
        return {0: by_name(_of_all(counts.values()), names)}
    return {k: by_name(counts.get(ctx.device_id, {}), names) for k, ctx in enumerate(trainer._contexts)}


def restore_counts(
    optimizer: Optimizer, trainer: Trainer, kept: Mapping[int, dict], places: Mapping[str, int], *, moved: bool
) -> None:
    """Give an optimizer its counts; where the updates `moved` to more or fewer devices, each knows those of all."""
    own = {k: by_position(count, places) for k, count in kept.items()}
    of_all = _of_all(own.values())
    if moved or trainer._update_on_kvstore:  # on which device a store updates, it alone knows; 0 is main memory
        own = {}
    counts = {ctx.device_id: dict(own.get(k, of_all)) for k, ctx in enumerate(trainer._contexts)}
    optimizer._all_index_update_counts = {0: dict(of_all) if trainer._update_on_kvstore else {}} | counts
    optimizer._set_current_context(0)


def _of_all(counts: Iterable[Mapping[Any, int]]) -> dict[Any, int]:
    """The most updates that each parameter has had anywhere."""
    most: dict[Any, int] = {}
    for count in counts:
        most.update((key, max(n, most.get(key, n))) for key, n in count.items())
    return most


def by_name(value: Any, names: Mapping[int, str]) -> Any:
    """A dict by parameter position turned into one by name, and one that has names itself marked; else as it is."""
    if type(value) is not dict or not value:
        return value
    if value.keys() <= names.keys():
        return {names[place]: item for place, item in value.items()}
    return OwnNames(value) if value.keys() <= set(names.values()) else value


def by_position(value: Any, places: Mapping[str, int]) -> Any:
    """What `by_name` was given."""
    if isinstance(value, OwnNames):
        return dict(value)
    if isinstance(value, dict) and value and value.keys() <= places.keys():
        return {places[name]: item for name, item in value.items()}
    return value
