"""The parts of a net and its trainer that a checkpoint holds: what they are called, and who can reach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import Block, Parameter, Trainer
from mxnet.kvstore import KVStoreBase
from mxnet.model import _create_kvstore

from gluonbook.checkpoint.optimizers import attributes, chosen, packed_settings, restored, settings
from gluonbook.checkpoint.packing import qualified_name
from gluonbook.checkpoint.parameters import GRADIENT, VALUE
from gluonbook.checkpoint.stateful import Stateful
from gluonbook.checkpoint.stores import Collective, ranks_of, store_of
from gluonbook.checkpoint.tensors import Tensors

NOTHING: dict[str, list] = {"dict": []}  # an empty dict, packed


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


def optimizer_of(net: Block, trainer: Trainer) -> dict[str, Any]:
    """A trainer's optimizer as a dict of its class and of what was chosen for it, with parameters by names in `net`.

    Raises ValueError as `save` does.
    """
    refuse_out_of_reach(trainer)
    return chosen(attributes(trainer.optimizer, named(net, trainer)[0]))


def updaters_of(trainer: Trainer) -> list[mx.optimizer.Updater]:
    """What holds the states of the optimizer: one for each device, or one on the store."""
    return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters


def refuse_out_of_reach(trainer: Trainer) -> None:
    """Raise ValueError if part of the state lives where this process cannot read it."""
    store, asked = store_of(trainer), trainer._kvstore_params["update_on_kvstore"]
    kind = store if isinstance(store, str) else getattr(store, "type", "none")
    made = KVStoreBase.kv_registry.get(kind.lower()) if isinstance(store, str) else None
    if made is not None and issubclass(made, Collective):
        raise ValueError(
            f"what the store {store!r} remembers is out of reach: use kvstore={made.__name__}(), an object"
        )
    remote = trainer._update_on_kvstore if trainer._kv_initialized else "dist" in kind and asked is not False
    if remote and getattr(trainer._kvstore, "_updater", None) is None:
        raise ValueError(f"the optimizer lives on the servers of the {kind!r} store: use update_on_kvstore=False")
    if trainer._compression_params:
        raise ValueError(f"gradient compression {trainer._compression_params} keeps a residual that cannot be read")


def differences(
    record: Mapping,
    arrays: Mapping[str, np.ndarray],
    trainer: Trainer,
    names: Mapping[int, str],
    parameters: Mapping[str, Parameter],
    memory: Mapping[str, Stateful],
) -> Iterator[str]:
    """What keeps a checkpoint from being loaded into this net and trainer, a clause each."""
    yield from _of_parameters(arrays, parameters)
    yield from _of_trainer(record, trainer, names)
    remembered = [name for name, packed in record["memory"].items() if packed != NOTHING]
    for name in remembered:
        if name not in memory:
            yield f"the checkpoint has states of a {name}: pass one with an attribute `states`"
    for name in memory:
        if name not in record["memory"] and memory[name].states:
            yield f"the {name} has states, and the checkpoint none for it"
    there, here = record["devices"], len(trainer._contexts)
    if there != here and (remembered or any(_is_of_one_device(key) for key in arrays)):
        yield f"its {there} devices hold different values, and there are {here} here"
    there, here = record["ranks"], ranks_of(store_of(trainer))
    if there != here and remembered:
        yield f"each of its {there} ranks remembers something else, and num_workers is {here} here"


def refusals(
    record: Mapping, arrays: dict[str, np.ndarray], trainer: Trainer, names: Mapping[int, str]
) -> Iterator[str]:
    """What the store has against the optimizer of then, of the same kind as the trainer's; it is asked about a copy."""
    store = store_of(trainer)
    if isinstance(store, Collective):
        optimizer = restored(trainer.optimizer, record["optimizer"], Tensors(trainer._contexts, arrays), names)
        try:
            store.accept(optimizer if _store_has_optimizer(trainer) else None)
        except ValueError as error:
            yield str(error)


def _store_has_optimizer(trainer: Trainer) -> bool:
    """Whether the store runs the optimizer, or will once it is asked."""
    if trainer._kv_initialized:
        return bool(trainer._update_on_kvstore)
    asked = trainer._kvstore_params["update_on_kvstore"]
    return _create_kvstore(store_of(trainer), 1, {})[1] if asked is None else asked


def _is_of_one_device(key: str) -> bool:
    """Whether an array is not that of every device; gradients of devices are added up, equal or not."""
    return not key.startswith("0/") or key.startswith(f"0/{GRADIENT}/")


def _of_parameters(arrays: Mapping[str, np.ndarray], parameters: Mapping[str, Parameter]) -> Iterator[str]:
    prefix = f"0/{VALUE}/"
    saved = {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}
    for name in [*(name for name in saved if name not in parameters), *(n for n in parameters if n not in saved)]:
        yield f"{name} is only in {'the checkpoint' if name in saved else 'net'}"
    for name, parameter in parameters.items():
        if name in saved and not _fits(parameter, saved[name]):
            there, here = saved[name], f"{parameter.shape} {np.dtype(parameter.dtype).name}"
            yield f"{name} is {here} in net, {there.shape} {there.dtype.name} in the checkpoint"


def _of_trainer(record: Mapping, trainer: Trainer, names: Mapping[int, str]) -> Iterator[str]:
    trained = sorted(names.values())
    if record["trained"] != trained:
        yield f"the trainer updates {some(trained)}, in the checkpoint {some(record['trained'])}"
    then, now = packed_settings(record["optimizer"]), settings(trainer, names)
    for place in sorted(place for place in then.keys() | now.keys() if _is_structure(place)):
        if then.get(place) != now.get(place):
            yield f"{place} is {now.get(place)} here, {then.get(place)} in the checkpoint"
    scaler = getattr(trainer, "_amp_loss_scaler", None)
    if (record["loss_scaler"] is None) != (scaler is None):
        yield "only one of the two scales its loss (AMP)"
    elif scaler is not None and record["loss_scaler"]["class"] != qualified_name(scaler):
        yield f"loss_scaler.class is {qualified_name(scaler)} here, {record['loss_scaler']['class']} in the checkpoint"
    if trainer._update_on_kvstore and not isinstance(store_of(trainer), (str, Collective)):
        yield "the store already holds weights: load before the first step"


def _is_structure(place: str) -> bool:
    """Whether a setting says what kind of state there is: the class of an optimizer, or which one a parameter has."""
    return place.endswith(".class") or ".labels." in place


def _fits(parameter: Parameter, array: np.ndarray) -> bool:
    shape = parameter.shape or array.shape
    known = len(shape) == array.ndim and all(a in (b, 0, -1) for a, b in zip(shape, array.shape))
    return known and np.dtype(parameter.dtype) == array.dtype


def some(items: Sequence[str], separator: str = ", ") -> str:
    """A few of the items, and how many more there are."""
    return separator.join(map(str, items[:6])) + (f"{separator}and {len(items) - 6} more" if len(items) > 6 else "")
