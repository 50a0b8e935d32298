"""Saving and loading a run, all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import mxnet as mx
import numpy as np
import safetensors.numpy
from mxnet.gluon import Block, Parameter, Trainer

from gluonbook import __version__, checks
from gluonbook.checkpoint.anatomy import PARAMETER, differences, named, refuse_out_of_reach, some, updaters_of
from gluonbook.checkpoint.optimizers import (
    attributes,
    counts_of,
    optimizers_of,
    packed_settings,
    rekey,
    restore,
    restore_counts,
)
from gluonbook.checkpoint.stateful import Stateful, memories
from gluonbook.checkpoint.tensors import Tensors
from gluonbook.rank import heartbeat
from gluonbook.storage import folders
from gluonbook.storage.folders import Damaged

_FILE = "state.safetensors"
_FORMAT = 2


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

    `extra` is anything JSON can hold; `memory` is what else remembers, by names of your choice: see `Stateful`. The
    trainer's store, such as one that has a momentum for each worker, is covered if it is `Stateful`.
    Raises ValueError for what could not be exact: parameters without values, sparse, or not in `net`; an optimizer
    that lives on a server; gradient compression, whose residual is out of reach. TypeError names a value that cannot
    be stored, OSError is the disk's. The checkpoints that were there survive every error.
    """
    refuse_out_of_reach(trainer)
    names, parameters = named(net, trainer)
    if empty := [name for name, parameter in parameters.items() if parameter._data is None]:
        raise ValueError(f"no values yet for {some(empty)}: pass one batch through net before saving")
    tensors = Tensors(trainer._contexts)
    for name, parameter in parameters.items():
        for device, value in enumerate(parameter.list_data()):
            tensors.pack(value, f"{PARAMETER}/{name}", device)
    position = {"step": step, "epoch": epoch, "extra": extra or {}}
    record = {**position, **_packed(trainer, names, memories(trainer, memory), tensors)}
    blob = safetensors.numpy.save(tensors.arrays, {"gluonbook": json.dumps(record)})
    path = folders.write(folder, step, {_FILE: blob}, keep=keep)
    heartbeat.saved(path)
    return path


def _packed(
    trainer: Trainer, names: Mapping[int, str], memory: Mapping[str, Stateful], tensors: Tensors
) -> dict[str, Any]:
    counts = [counts_of(optimizer, names) for optimizer in optimizers_of(trainer)]
    return {
        "format": _FORMAT,
        "versions": {"gluonbook": __version__, "mxnet": mx.__version__, "numpy": np.__version__},
        "devices": len(trainer._contexts),
        "trained": sorted(names.values()),
        "optimizer": tensors.pack(attributes(trainer.optimizer, names), "optimizer"),
        "counts": tensors.pack(counts, "counts"),
        "updaters": [tensors.pack(rekey(u.states, names), "updater", k) for k, u in enumerate(updaters_of(trainer))],
        "memory": {name: tensors.pack(rekey(one.states, names), f"memory/{name}") for name, one in memory.items()},
        "scale": tensors.pack(trainer._scale, "scale"),
        "loss_scaler": tensors.pack(getattr(trainer, "_amp_loss_scaler", None), "loss_scaler"),
    }


def load(path: str | Path, net: Block, trainer: Trainer, *, memory: Mapping[str, Stateful] | None = None) -> Position:
    """Put a checkpoint into `net`, `trainer` and `memory`, bit for bit; all of it or, with an error, none of it.

    As with `Trainer.load_states`, the optimizer gets the settings it had then (learning rate, momentum, schedule).
    The number of devices may differ unless they held different values. Raises `Damaged` if a byte is not what was
    written, and ValueError that names what differs if the checkpoint belongs to another network or optimizer.
    """
    record, arrays = _read(checks.path("path", path))
    refuse_out_of_reach(trainer)
    names, parameters = named(net, trainer)
    memory = memories(trainer, memory)
    if problems := list(differences(record, arrays, trainer, names, parameters, memory)):
        raise ValueError(f"{path} does not fit this net and trainer: {some(problems, '; ')}")
    # First make everything, then change anything.
    tensors, places = Tensors(trainer._contexts, arrays), {name: place for place, name in names.items()}
    kept = tensors.unpack(record["optimizer"], attributes(trainer.optimizer, names))
    counts = tensors.unpack(record["counts"])
    tensors.unpack(record["loss_scaler"], getattr(trainer, "_amp_loss_scaler", None))
    remembered = {name: rekey(tensors.unpack(packed), places) for name, packed in record["memory"].items()}
    values = {name: _ndarray(arrays[f"0/{PARAMETER}/{name}"]) for name in parameters}

    _put_parameters(trainer, parameters, values, arrays)
    updaters = updaters_of(trainer)
    for device, updater in enumerate(updaters):
        packed = record["updaters"][device if device < len(record["updaters"]) else 0]
        updater.states = rekey(tensors.unpack(packed, device=device), places)
        updater.states_synced = dict.fromkeys(updater.states, False)  # MXNet then moves them to their device
    for name, states in remembered.items():
        if name in memory:
            memory[name].states = states
    tensors.settle()
    restore(trainer.optimizer, kept, places)
    # Where other devices will do the updates than those that counted them, each must know about all.
    moved = record["devices"] != len(trainer._contexts) or len(record["updaters"]) != len(updaters)
    for optimizer, count in zip(optimizers_of(trainer), counts):
        restore_counts(optimizer, count, places, trainer._contexts if moved else None)
    trainer._scale = record["scale"]
    return _position(record)


def _put_parameters(
    trainer: Trainer,
    parameters: Mapping[str, Parameter],
    values: Mapping[str, mx.nd.NDArray],
    arrays: Mapping[str, np.ndarray],
) -> None:
    if trainer._update_on_kvstore:  # the store has weights of its own: a new one will fetch these
        trainer._reset_kvstore()
    for name, parameter in parameters.items():
        parameter._load_init(values[name], None)
    if not trainer._kv_initialized:
        trainer._init_kvstore()
    trainer._init_params()  # copies rank 0's first device's values to all others, so the others' own come after it
    for key, array in arrays.items():
        device, kind, name = key.split("/", 2)
        if kind == PARAMETER:
            parameters[name].list_data()[int(device)][:] = _ndarray(array)


def peek(path: str | Path) -> Position:
    """What `load` would return, without loading anything; raises `Damaged`."""
    return _position(_read(checks.path("path", path))[0])


def _position(record: Mapping) -> Position:
    return Position(record["step"], record["epoch"], record["extra"], packed_settings(record["optimizer"]))


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    blob = folders.read(path).get(_FILE)
    if blob is None:
        raise Damaged(f"{path} has no {_FILE}")
    # The safetensors layout: the header's length in eight bytes, then the header as JSON.
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    record = json.loads(header["__metadata__"]["gluonbook"])
    if record["format"] != _FORMAT:
        raise ValueError(f"{path} has format {record['format']}, this gluonbook reads format {_FORMAT}")
    return record, safetensors.numpy.load(blob)


def _ndarray(array: np.ndarray) -> mx.nd.NDArray:
    return mx.nd.array(array, dtype=array.dtype)
