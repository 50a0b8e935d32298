"""The parts of a net and its trainer that a checkpoint holds: what they are called, and who can reach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import Block, Parameter, Trainer

from gluonbook.checkpoint.packing import leaves, pack, qualified_name

# What a trainer or a symbol wires into an optimizer when it is made (no state), and the counters (kept by name).
_WIRING = {"param_dict", "idx2name", "sym_info", "lr_mult", "wd_mult", "allow_np_array"}
_COUNTERS = {"_index_update_count", "_all_index_update_counts"}


def settings(trainer: Trainer) -> dict[str, Any]:
    """The optimizer's and its schedule's numbers by dotted place: `{"optimizer.lr": 0.1, "optimizer.wd": 0.0, ...}`."""
    packed = pack(own(trainer.optimizer, {}), "optimizer", lambda name, array: None, trainer._contexts)
    return packed_settings(packed)


def packed_settings(packed: Any) -> dict[str, Any]:
    # The trainer sets these two itself, at every step.
    moving = {"optimizer.rescale_grad", "optimizer.num_update"}
    return {place: value for place, value in leaves(packed, "optimizer") if place not in moving}


def named(net: Block, trainer: Trainer) -> tuple[dict[int, str], dict[str, Parameter]]:
    """The name in `net` of each of the trainer's parameters, and all parameters, a shared one by its first name."""
    first: dict[Parameter, str] = {}
    for name, parameter in net._collect_params_with_prefix().items():
        first.setdefault(parameter, name)
    if strange := [parameter.name for parameter in trainer._params if parameter not in first]:
        raise ValueError(f"the trainer updates {some(strange)}, which net does not have")
    if bare := [name for p, name in first.items() if p._data is None and not p._deferred_init]:
        raise ValueError(f"net is not initialised: {some(bare)}")
    if sparse := [name for p, name in first.items() if p._stype != "default"]:
        raise ValueError(f"sparse parameters cannot be stored: {some(sparse)}")
    names = {place: first[parameter] for place, parameter in enumerate(trainer._params)}
    return names, {name: parameter for parameter, name in first.items()}


def own(optimizer: mx.optimizer.Optimizer, names: Mapping[int, str]) -> dict[str, Any]:
    """An optimizer's class and attributes, dicts by parameter position turned into dicts by parameter name."""
    kept = {key: value for key, value in vars(optimizer).items() if key not in _WIRING | _COUNTERS}
    return {"class": qualified_name(optimizer), **{key: rekey(value, names) for key, value in kept.items()}}


def rekey(value: Any, keys: Mapping) -> Any:
    if isinstance(value, dict) and value and all(key in keys for key in value):
        return {keys[key]: item for key, item in value.items()}
    return value


def updaters_of(trainer: Trainer) -> list[mx.optimizer.Updater]:
    return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters


def refuse_out_of_reach(trainer: Trainer) -> None:
    """Raise ValueError if part of the state lives where this process cannot read it."""
    store, asked = trainer._kvstore_params["kvstore"], trainer._kvstore_params["update_on_kvstore"]
    kind = store if isinstance(store, str) else getattr(store, "type", "none")
    remote = trainer._update_on_kvstore if trainer._kv_initialized else "dist" in kind and asked is not False
    if remote and getattr(trainer._kvstore, "_updater", None) is None:
        raise ValueError(f"the optimizer lives on the servers of the {kind!r} store: use update_on_kvstore=False")
    if trainer._compression_params:
        raise ValueError(f"gradient compression {trainer._compression_params} keeps a residual that cannot be read")


def differences(
    record: Mapping, tensors: Mapping, trainer: Trainer, names: Mapping, parameters: Mapping[str, Parameter]
) -> Iterator[str]:
    saved = {key[len("0/parameter/") :]: array for key, array in tensors.items() if key.startswith("0/parameter/")}
    for name in [*(name for name in saved if name not in parameters), *(n for n in parameters if n not in saved)]:
        yield f"{name} is only in {'the checkpoint' if name in saved else 'net'}"
    for name, parameter in parameters.items():
        if name in saved and not _fits(parameter, saved[name]):
            there, here = saved[name], f"{parameter.shape} {np.dtype(parameter.dtype).name}"
            yield f"{name} is {here} in net, {there.shape} {there.dtype.name} in the checkpoint"
    if record["trained"] != sorted(names.values()):
        yield f"the trainer updates {some(sorted(names.values()))}, in the checkpoint {some(record['trained'])}"
    then, now = packed_settings(record["optimizer"]), settings(trainer)
    for place in sorted(place for place in then.keys() | now.keys() if place.endswith(".class")):
        if then.get(place) != now.get(place):
            yield f"{place} is {now.get(place)} here, {then.get(place)} in the checkpoint"
    if (record["loss_scaler"] is None) != (getattr(trainer, "_amp_loss_scaler", None) is None):
        yield "only one of the two scales its loss (AMP)"
    distinct = record["store"] != {"dict": []} or any(not key.startswith("0/") for key in tensors)
    if distinct and record["devices"] != len(trainer._contexts):
        yield f"its {record['devices']} devices hold different values, and there are {len(trainer._contexts)} here"
    given = trainer._kvstore_params["kvstore"]
    if record["store"] != {"dict": []} and not hasattr(given, "states"):
        yield f"the checkpoint has states of a store: pass one with an attribute `states` to Trainer, not {given!r}"
    if trainer._update_on_kvstore and not isinstance(given, str):
        yield "the store already holds weights: load before the first step"


def _fits(parameter: Parameter, array: np.ndarray) -> bool:
    shape = parameter.shape or array.shape
    known = len(shape) == array.ndim and all(a in (b, 0, -1) for a, b in zip(shape, array.shape))
    return known and np.dtype(parameter.dtype) == array.dtype


def some(items: Sequence[str], separator: str = ", ") -> str:
    return separator.join(map(str, items[:6])) + (f"{separator}and {len(items) - 6} more" if len(items) > 6 else "")
