"""Turn what an optimizer keeps (numbers, arrays, nests of them, schedulers) into JSON and named arrays, and back."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import mxnet as mx
import numpy as np
from mxnet.contrib.amp.loss_scaler import LossScaler
from mxnet.lr_scheduler import LRScheduler

_PLAIN = (type(None), bool, int, float, str)
_OBJECTS = (LRScheduler, LossScaler)
_FIXED = (types.FunctionType, types.BuiltinFunctionType, type)
_WHOLE = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
_DTYPES = {"bool", "float16", "float32", "float64"} | _WHOLE
_UNCLEAR = re.compile(r"[%/]|^[-0-9](?=[0-9]*$)")  # what separates keys, or makes a string look like a whole number


@final
class OwnNames(dict):
    """A dict that its owner keys by parameter name, marked in the file: without the mark, names stand for positions."""


def pack(value: Any, name: str, put: Callable[[str, np.ndarray], None], contexts: Sequence[mx.Context]) -> Any:
    """`value` as JSON; arrays go to `put(name, array)` under names that start with `name`.

    Knows None, numbers, strings, NDArray, numpy arrays and scalars, tuples, lists and dicts of these whose keys are int
    or str, learning-rate schedulers (GluonCV's too) and the loss scaler. Functions and classes are noted, not stored:
    they have no state. Raises TypeError that names the place for anything else, such as a subclass of numpy's arrays,
    since leaving it out would make a resumed run differ.
    """

    def down(item: Any, key: Any) -> Any:
        return pack(item, below(name, key), put, contexts)

    if type(value) in _PLAIN:
        return value
    if isinstance(value, (np.bool_, np.number)) and value.dtype.name in _DTYPES:
        return {"scalar": value.item(), "dtype": value.dtype.name}
    if type(value) is mx.nd.NDArray and np.dtype(value.dtype).name in _DTYPES:
        put(name, value.asnumpy())
        return {"ndarray": name, "device": contexts.index(value.context) if value.context in contexts else None}
    if type(value) is np.ndarray and value.dtype.name in _DTYPES:
        put(name, np.ascontiguousarray(value).reshape(value.shape))  # the first makes one axis of none
        return {"numpy": name}
    if type(value) in (tuple, list):
        return {type(value).__name__: [down(item, i) for i, item in enumerate(value)]}
    if type(value) in (dict, OwnNames):
        if strange := [key for key in value if type(key) not in (int, str)]:
            found = f"{name} is a dict with the key {strange[0]!r}, a {qualified_name(strange[0])}"
            raise TypeError(f"{found}, which a checkpoint cannot hold exactly: keys must be int or str")
        mark = {"own_names": True} if type(value) is OwnNames else {}
        return {"dict": [[key, down(item, key)] for key, item in value.items()], **mark}
    if isinstance(value, _OBJECTS):
        return {"class": qualified_name(value), "vars": {key: down(item, key) for key, item in vars(value).items()}}
    if isinstance(value, _FIXED):
        return {"fixed": f"{value.__module__}.{value.__qualname__}"}
    raise TypeError(f"{name} is a {qualified_name(value)}, which a checkpoint cannot hold exactly")


def below(name: str, key: int | str) -> str:
    """The name of what is at `key` of `name`; no two keys share one: 1 and "1" are x/1 and x/%31, "a/b" is x/a%2Fb."""
    if isinstance(key, str):
        key = _UNCLEAR.sub(lambda found: f"%{ord(found[0]):02X}", key)
    return f"{name}/{key}"


def unpack(
    packed: Any,
    get: Callable[[str], np.ndarray],
    contexts: Sequence[mx.Context],
    present: Any = None,
    later: list[Callable[[], None]] | None = None,
) -> Any:
    """The value that `pack` was given; arrays come from `get(name)` and live on the device they lived on.

    Objects are not made anew: the attributes are meant for the object of the same class at the same place in
    `present`, and are set only when the functions appended to `later` are called. So nothing changes before that.
    Raises ValueError for an object where there is no such list.
    """

    def down(item: Any, here: Any) -> Any:
        return unpack(item, get, contexts, here, later)

    if not isinstance(packed, dict):
        return packed
    if "class" in packed:
        if later is None:
            raise ValueError(f"{packed['class']} is packed here, and there is no list for what is to be set later")
        fresh = {key: down(item, vars(present).get(key)) for key, item in packed["vars"].items()}
        later.append(lambda: _put(present, fresh))
        return present
    if "fixed" in packed:
        return present
    if "scalar" in packed:
        return np.dtype(packed["dtype"]).type(packed["scalar"])
    if "numpy" in packed:
        return get(packed["numpy"]).copy()
    if "ndarray" in packed:
        array = get(packed["ndarray"])
        device = packed["device"] or 0
        return mx.nd.array(array, dtype=array.dtype, ctx=contexts[device if device < len(contexts) else 0])
    if "dict" in packed:
        known = present if isinstance(present, dict) else {}
        kind = OwnNames if "own_names" in packed else dict
        return kind((key, down(item, known.get(key))) for key, item in packed["dict"])
    ((kind, items),) = packed.items()
    places = present if isinstance(present, (tuple, list)) and len(present) == len(items) else [None] * len(items)
    return {"tuple": tuple, "list": list}[kind](map(down, items, places))


def _put(present: Any, attributes: dict[str, Any]) -> None:
    """Give an object these attributes, and no others."""
    vars(present).clear()
    vars(present).update(attributes)


def leaves(packed: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every number, string, function and class in a packed value, each with its dotted place; arrays are left out."""
    if not isinstance(packed, dict):
        yield name, packed
    elif "class" in packed:
        yield f"{name}.class", packed["class"]
        for key, item in packed["vars"].items():
            yield from leaves(item, f"{name}.{key}")
    elif "dict" in packed:
        for key, item in packed["dict"]:
            yield from leaves(item, f"{name}.{key}")
    elif "scalar" in packed or "fixed" in packed:
        yield name, packed.get("scalar", packed.get("fixed"))
    else:
        for kind in ("tuple", "list"):
            for i, item in enumerate(packed.get(kind, ())):
                yield from leaves(item, f"{name}.{i}")


def qualified_name(value: Any) -> str:
    """The module and name of a value's class."""
    return f"{type(value).__module__}.{type(value).__qualname__}"
