"""Saving and loading a run, all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import mxnet as mx
import numpy as np
from mxnet.gluon import Block, Trainer

from gluonbook import __version__, checks
from gluonbook.checkpoint.anatomy import differences, named, refusals, refuse_out_of_reach, some, updaters_of
from gluonbook.checkpoint.optimizers import (
    attributes,
    by_name,
    by_position,
    counts_of,
    optimizers_of,
    packed_settings,
    restore,
    restore_counts,
)
from gluonbook.checkpoint.packing import below
from gluonbook.checkpoint.parameters import packed as packed_parameters
from gluonbook.checkpoint.parameters import restore as restore_parameters
from gluonbook.checkpoint.record import read, write
from gluonbook.checkpoint.stateful import Stateful, memories
from gluonbook.checkpoint.stores import raised_on_all, ranks_of, store_of
from gluonbook.checkpoint.tensors import Tensors
from gluonbook.checks import whole_number
from gluonbook.rank import heartbeat


@final
@dataclass(frozen=True)
class Position:
    """How far a run had come: `step` steps, `epoch` whole epochs, what the writer added, and `settings(trainer)`."""

    step: int
    epoch: int
    extra: dict
    settings: dict


def save(
    folder: str | Path,
    net: Block,
    trainer: Trainer,
    *,
    step: int,
    epoch: int,
    extra: dict | None = None,
    memory: Mapping[str, Stateful] | None = None,
    keep: int = 2,
) -> Path:
    """Write `folder/step-00000017/` atomically, keep the newest `keep` checkpoints, and return its path.

    `extra` is a dict of numbers, strings, arrays, and tuples, lists and dicts of these; `memory` is what else
    remembers, by names of your choice: see `Stateful`. The trainer's store, such as one that has a momentum for each
    worker, is covered if it is `Stateful`.
    Raises ValueError for what could not be exact: parameters without values, sparse, or not in `net`; an optimizer
    that lives on a server; gradient compression, whose residual is out of reach. TypeError names a value that cannot
    be stored, StorageError is the disk's. The checkpoints that were there survive every error.
    """
    refuse_out_of_reach(trainer)
    names, parameters = named(net, trainer)
    if empty := [name for name, parameter in parameters.items() if parameter._data is None]:
        raise ValueError(f"no values yet for {some(empty)}: pass one batch through net before saving")
    tensors = Tensors(trainer._contexts)
    position = {
        "step": whole_number("step", step, 0),
        "epoch": whole_number("epoch", epoch, 0),
        "extra": tensors.pack(extra or {}, "extra"),
        "parameters": packed_parameters(parameters, tensors),
    }
    record = {**position, **_packed(trainer, names, memories(trainer, memory), tensors)}
    path = write(folder, position["step"], record, tensors.arrays, keep=keep)
    heartbeat.saved(path)
    return path


def _packed(
    trainer: Trainer, names: Mapping[int, str], memory: Mapping[str, Stateful], tensors: Tensors
) -> dict[str, Any]:
    counts = [counts_of(optimizer, trainer, names) for optimizer in optimizers_of(trainer)]
    return {
        "versions": {"gluonbook": __version__, "mxnet": mx.__version__, "numpy": np.__version__},
        "ranks": ranks_of(store_of(trainer)),
        "devices": len(trainer._contexts),
        "trained": sorted(names.values()),
        "optimizer": tensors.pack(attributes(trainer.optimizer, names), "optimizer"),
        "counts": tensors.pack(counts, "counts"),
        "updaters": [tensors.pack(by_name(u.states, names), "updater", k) for k, u in enumerate(updaters_of(trainer))],
        "memory": {
            name: tensors.pack(by_name(one.states, names), below("memory", name)) for name, one in memory.items()
        },
        "scale": tensors.pack(trainer._scale, "scale"),
        "loss_scaler": tensors.pack(getattr(trainer, "_amp_loss_scaler", None), "loss_scaler"),
    }


def refuse(net: Block, trainer: Trainer, memory: Mapping[str, Stateful] | None = None) -> None:
    """Raise what `save` would raise for these, as far as it can be told before the first step."""
    refuse_out_of_reach(trainer)
    _packed(trainer, named(net, trainer)[0], memories(trainer, memory), Tensors(trainer._contexts))


def load(path: str | Path, net: Block, trainer: Trainer, *, memory: Mapping[str, Stateful] | None = None) -> Position:
    """Put a checkpoint into `net`, `trainer` and `memory`, bit for bit; all of it or, with an error, none of it.

    As with `Trainer.load_states`, the optimizer gets the settings it had then (learning rate, momentum, schedule), and
    so do the parameters (`grad_req`, `lr_mult`, `wd_mult`). What had nothing to remember then forgets what it has: to
    load into objects that were used is to load into new ones. Devices may be others, and also more or fewer unless
    they held different values, and so may ranks unless their stores remembered something. Raises `Damaged` if a byte is
    not what was written, and ValueError that names what differs if the checkpoint belongs to another network or
    optimizer, or what the store has against that. Where one of several ranks cannot load its own, none does.
    """
    with raised_on_all(store_of(trainer), "load its checkpoint"):
        record, arrays = read(checks.path("path", path))
        refuse_out_of_reach(trainer)
        names, parameters = named(net, trainer)
        memory = memories(trainer, memory)
        problems = [*differences(record, arrays, trainer, names, parameters, memory)]
        if problems := problems or [*refusals(record, arrays, trainer, names)]:
            raise ValueError(f"{path} does not fit this net and trainer: {some(problems, '; ')}")
        # First make everything, then change anything.
        tensors, places = Tensors(trainer._contexts, arrays), {name: place for place, name in names.items()}
        kept = tensors.unpack(record["optimizer"], attributes(trainer.optimizer, names))
        counts = tensors.unpack(record["counts"])
        tensors.unpack(record["loss_scaler"], getattr(trainer, "_amp_loss_scaler", None))
        remembered = {name: by_position(tensors.unpack(packed), places) for name, packed in record["memory"].items()}

    tensors.settle()
    restore(trainer.optimizer, kept, places)  # before a store is handed the optimizer, and looks at its options
    restore_parameters(record["parameters"], parameters, trainer, tensors)
    updaters = updaters_of(trainer)
    for device, updater in enumerate(updaters):
        packed = record["updaters"][device if device < len(record["updaters"]) else 0]
        updater.states = by_position(tensors.unpack(packed, device=device), places)
        updater.states_synced = dict.fromkeys(updater.states, False)  # MXNet then moves them to their device
    for name, one in memory.items():
        one.states = remembered.get(name, {})
    moved = record["devices"] != len(trainer._contexts) or len(record["updaters"]) != len(updaters)
    for optimizer, count in zip(optimizers_of(trainer), counts):
        restore_counts(optimizer, trainer, count, places, moved=moved)
    trainer._scale = record["scale"]
    return _position(record, arrays)


def peek(path: str | Path) -> Position:
    """What `load` would return, without loading anything; raises `Damaged`."""
    return _position(*read(checks.path("path", path)))


def _position(record: Mapping, arrays: dict[str, np.ndarray]) -> Position:
    extra = Tensors([mx.cpu()], arrays).unpack(record["extra"])
    return Position(record["step"], record["epoch"], extra, packed_settings(record["optimizer"]))
