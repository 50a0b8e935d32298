"""Saving and loading a run, all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import safetensors.numpy
from mxnet.gluon import Block, Trainer

from gluonbook import __version__
from gluonbook.checkpoint.anatomy import (
    differences,
    named,
    own,
    packed_settings,
    refuse_out_of_reach,
    rekey,
    some,
    updaters_of,
)
from gluonbook.checkpoint.packing import pack, unpack
from gluonbook.rank import heartbeat
from gluonbook.storage import folders
from gluonbook.storage.folders import Damaged

_FILE = "state.safetensors"
_FORMAT = 1


@dataclass(frozen=True)
class Progress:
    """How far a run had come: `step` updates, `epoch` whole epochs, what the writer added, and `settings(trainer)`."""

    step: int
    epoch: int
    extra: dict
    settings: dict


def save(
    folder: str | Path, net: Block, trainer: Trainer, *, step: int, epoch: int, extra: dict | None = None, keep: int = 2
) -> Path:
    """Write `folder/step-00000017/` atomically, keep the newest `keep` checkpoints, and return its path.

    `extra` is anything JSON can hold. A store of your own that has state, such as one momentum a worker, is covered if
    it keeps it in an attribute `states`, a dict by parameter index, as MXNet's updaters do.
    Raises ValueError for what could not be exact: parameters without values, sparse, or not in `net`; an optimizer
    that lives on a server; gradient compression, whose residual is out of reach. TypeError names a value that cannot
    be stored, OSError is the disk's. The checkpoints that were there survive every error.
    """
    refuse_out_of_reach(trainer)
    names, parameters = named(net, trainer)
    if empty := [name for name, parameter in parameters.items() if parameter._data is None]:
        raise ValueError(f"no values yet for {some(empty)}: pass one batch through net before saving")
    contexts, optimizer = trainer._contexts, trainer.optimizer
    tensors: dict[str, np.ndarray] = {}

    def packed(value: Any, name: str, device: int = 0) -> Any:
        def put(name: str, array: np.ndarray) -> None:
            # Devices mostly hold the same bits, batch norm's running statistics excepted: keep what differs.
            if not device or not _same_bits(tensors.get(f"0/{name}"), array):
                tensors[f"{device}/{name}"] = array

        return pack(value, name, put, contexts)

    for name, parameter in parameters.items():
        for device, value in enumerate(parameter.list_data()):
            packed(value, f"parameter/{name}", device)
    counts = {device: rekey(count, names) for device, count in optimizer._all_index_update_counts.items() if count}
    record = {
        "format": _FORMAT,
        "versions": {"gluonbook": __version__, "mxnet": mx.__version__, "numpy": np.__version__},
        "step": step,
        "epoch": epoch,
        "extra": extra or {},
        "devices": len(contexts),
        "trained": sorted(names.values()),
        "optimizer": packed(own(optimizer, names), "optimizer"),
        "counts": packed(counts, "counts"),
        "updaters": [packed(rekey(u.states, names), "updater", k) for k, u in enumerate(updaters_of(trainer))],
        "store": packed(rekey(getattr(trainer._kvstore, "states", {}), names), "store"),
        "scale": packed(trainer._scale, "scale"),
        "loss_scaler": packed(getattr(trainer, "_amp_loss_scaler", None), "loss_scaler"),
    }
    blob = safetensors.numpy.save(tensors, {"gluonbook": json.dumps(record)})
    path = folders.write(folder, step, {_FILE: blob}, keep=keep)
    heartbeat.saved(path)
    return path


def load(path: str | Path, net: Block, trainer: Trainer) -> Progress:
    """Put a checkpoint into `net` and `trainer`, bit for bit; all of it or, with an error, none of it.

    As with `Trainer.load_states`, the optimizer gets the settings it had then (learning rate, momentum, schedule).
    The number of devices may differ unless they held different values. Raises `Damaged` if a byte is not what was
    written, and ValueError that names what differs if the checkpoint belongs to another network or optimizer.
    """
    record, tensors = _read(Path(path))
    refuse_out_of_reach(trainer)
    names, parameters = named(net, trainer)
    if problems := list(differences(record, tensors, trainer, names, parameters)):
        raise ValueError(f"{path} does not fit this net and trainer: {some(problems, '; ')}")
    contexts, optimizer, scaler = trainer._contexts, trainer.optimizer, getattr(trainer, "_amp_loss_scaler", None)
    later: list[Callable[[], None]] = []

    def unpacked(packed: Any, present: Any = None, device: int = 0) -> Any:
        def get(name: str) -> np.ndarray:
            return tensors[f"{device}/{name}" if f"{device}/{name}" in tensors else f"0/{name}"]

        return unpack(packed, get, contexts, present, later)

    # First make everything, then change anything.
    places = {name: place for place, name in names.items()}
    attributes = unpacked(record["optimizer"], own(optimizer, names))
    counts = {device: rekey(count, places) for device, count in unpacked(record["counts"]).items()}
    unpacked(record["loss_scaler"], scaler)
    values = {name: _ndarray(tensors[f"0/parameter/{name}"]) for name in parameters}

    if trainer._update_on_kvstore:  # the store has weights of its own: a new one will fetch these
        trainer._reset_kvstore()
    for name, parameter in parameters.items():
        parameter._load_init(values[name], None)
    if not trainer._kv_initialized:
        trainer._init_kvstore()
    trainer._init_params()  # copies rank 0's first device's values to all others, so the others' own come after it
    for key, array in tensors.items():
        device, kind, name = key.split("/", 2)
        if kind == "parameter":
            parameters[name].list_data()[int(device)][:] = _ndarray(array)
    for device, updater in enumerate(updaters_of(trainer)):
        packed = record["updaters"][device if device < len(record["updaters"]) else 0]
        updater.states = rekey(unpacked(packed, device=device), places)
        updater.states_synced = dict.fromkeys(updater.states, False)  # MXNet then moves them to their device
    if states := rekey(unpacked(record["store"]), places):
        trainer._kvstore.states = states
    for change in later:
        change()
    vars(optimizer).update({key: rekey(value, places) for key, value in attributes.items() if key != "class"})
    if record["devices"] != len(contexts) or len(record["updaters"]) != len(updaters_of(trainer)):
        # Other devices will do the updates than those that counted them: each must know about all.
        all_counts = {place: n for count in counts.values() for place, n in count.items()}
        counts = {ctx.device_id: dict(all_counts) for ctx in contexts}
    optimizer._all_index_update_counts = {0: {}} | counts
    optimizer._set_current_context(0)
    trainer._scale = record["scale"]
    return _progress(record)


def peek(path: str | Path) -> Progress:
    """What `load` would return, without loading anything; raises `Damaged`."""
    return _progress(_read(Path(path))[0])


def _progress(record: Mapping) -> Progress:
    return Progress(record["step"], record["epoch"], record["extra"], packed_settings(record["optimizer"]))


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


def _same_bits(a: np.ndarray | None, b: np.ndarray) -> bool:
    return a is not None and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _ndarray(array: np.ndarray) -> mx.nd.NDArray:
    return mx.nd.array(array, dtype=array.dtype)
