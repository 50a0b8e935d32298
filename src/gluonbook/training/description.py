"""What the parts of a run are made of, as plain values by dotted place, so that two runs can be compared."""

from __future__ import annotations

import functools
import inspect
import math
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from hashlib import blake2b
from typing import Any, final

import mxnet as mx
import numpy as np
from mxnet import gluon

from gluonbook import checkpoint

PLAIN = (type(None), bool, int, float, str)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type)
_TAKEN = (*PLAIN, np.generic, np.ndarray, mx.nd.NDArray, types.FunctionType, gluon.loss.Loss)
_OPEN = {"gluonbook", "gluoncv", "mxnet"}  # installed packages whose objects are looked into
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_OF_ANY_BLOCK = frozenset(vars(gluon.HybridBlock(prefix="")))  # names, hooks and what hybridize keeps


@final
class Description:
    """Things by name, taken apart: {"loss": "mxnet.gluon.loss.L2Loss", "loss._weight": 1.0, …}.

    An object is its class and its attributes, and so are those that it holds, if they come from MXNet, from this
    package or from the user's own code; of others it is the class. A function is its name, its constants, its defaults
    and the values that it takes from outside. An array is its type, shape and hash. Devices are left out. What an
    object has as `states` is no part of it: see `stateful`.
    """

    def __init__(self, things: Mapping[str, Any]) -> None:
        self.values: dict[str, Any] = {}
        self.stateful: dict[str, checkpoint.Stateful] = {}  # the objects that have `states`, by their places
        self._held: dict[str, tuple[dict[str, Any], str]] = {}  # the attributes that are plain, and where each is kept
        self._within: list[int] = []
        for name, thing in things.items():
            self._tell(name, thing)

    def put(self, values: Mapping[str, Any]) -> None:
        """Give attributes that are plain, on both sides, these values by place; others are left alone."""
        for place, value in values.items():
            if place in self._held and isinstance(value, PLAIN):
                attributes, key = self._held[place]
                attributes[key] = value

    def _tell(self, place: str, thing: Any) -> None:
        if isinstance(thing, PLAIN):
            self.values[place] = thing
        elif isinstance(thing, np.generic):
            self.values[place] = thing.item()
        elif isinstance(thing, (np.ndarray, mx.nd.NDArray)):
            self.values[place] = _array(thing)
        elif id(thing) not in self._within and not isinstance(thing, mx.Context):
            self._within.append(id(thing))
            for key, part in self._parts(place, thing):
                self._tell(f"{place}.{key}", part)
            self._within.pop()

    def _parts(self, place: str, thing: Any) -> Iterator[tuple[Any, Any]]:
        """What a thing is made of, after it has been told what it is."""
        if isinstance(thing, Mapping):
            yield from thing.items()
        elif isinstance(thing, (list, tuple)):
            yield from enumerate(thing)
        elif isinstance(thing, (set, frozenset)):
            yield from enumerate(sorted(thing, key=repr))
        elif isinstance(thing, types.MethodType):
            yield from (("function", thing.__func__), ("self", thing.__self__))
        elif isinstance(thing, (*_FUNCTIONS, Enum)):
            kind = thing if not isinstance(thing, Enum) else type(thing)
            name = f"{getattr(kind, '__module__', '')}.{kind.__qualname__}"
            self.values[place] = f"{name}.{thing.name}" if isinstance(thing, Enum) else name
            if isinstance(thing, types.FunctionType) and _is_users(thing):
                yield from _of_function(thing)
        else:
            self.values[place] = f"{type(thing).__module__}.{type(thing).__qualname__}"
            yield from self._of_object(place, thing)

    def _of_object(self, place: str, thing: Any) -> Iterator[tuple[Any, Any]]:
        if isinstance(thing, functools.partial):
            yield from (("func", thing.func), ("args", thing.args), ("keywords", thing.keywords))
        elif isinstance(thing, gluon.Parameter):
            yield from _of_parameter(thing)
        elif hasattr(thing, "__dict__") and _is_open(type(thing)):
            attributes = vars(thing)
            kept = _of_block(thing) if isinstance(thing, gluon.Block) else attributes
            if isinstance(thing, checkpoint.Collective):
                kept = _of_store(thing)
            if isinstance(thing, checkpoint.Stateful):
                self.stateful[place] = thing
            for key, value in kept.items():
                if key != "states":
                    if isinstance(value, PLAIN) and attributes.get(key) is value:
                        self._held[f"{place}.{key}"] = attributes, key
                    yield key, value


def _of_parameter(parameter: gluon.Parameter) -> Iterator[tuple[str, Any]]:
    for key in ("dtype", "grad_req", "lr_mult", "wd_mult", "_stype", "_grad_stype"):
        yield key.lstrip("_"), getattr(parameter, key)
    if isinstance(parameter, gluon.Constant):
        yield "value", parameter.value


def _of_block(block: gluon.Block) -> dict[str, Any]:
    own = {key: value for key, value in vars(block).items() if key not in _OF_ANY_BLOCK}
    return {**block._children, **block._reg_params, **own}


def _of_store(store: checkpoint.Collective) -> dict[str, Any]:
    """The options of a store: what is public, or plain, and changes what is trained."""
    return {
        key: value
        for key, value in vars(store).items()
        if key not in _INDIFFERENT and (isinstance(value, PLAIN) or not key.startswith("_"))
    }


_INDIFFERENT = {"link", "check_every", "steps", "abstentions"}  # the engine, and what is counted or only compared


def _of_function(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    yield "constants", repr(tuple(_constants(function.__code__, function.__doc__)))
    yield "defaults", function.__defaults__ or ()
    yield "keywords", function.__kwdefaults__ or {}
    outside = inspect.getclosurevars(function)
    for name, value in {**outside.globals, **outside.nonlocals}.items():
        if isinstance(value, _TAKEN):
            yield name, value


def _constants(code: types.CodeType, docstring: str | None) -> Iterator[Any]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _constants(constant, None)
        elif constant is not None and constant != docstring and "<" not in str(constant):  # some Pythons add names here
            yield constant


def _is_users(kind: Any) -> bool:
    """Whether a class or function was not installed, but written by whoever trains."""
    module = kind.__module__ or "builtins"
    if module == "__main__" or module not in sys.modules:
        return True
    file = getattr(sys.modules[module], "__file__", None)
    return module.partition(".")[0] not in _OPEN and file is not None and not file.startswith(_INSTALLED)


def _is_open(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _OPEN or _is_users(kind)


def _array(array: np.ndarray | mx.nd.NDArray) -> str:
    values = np.ascontiguousarray(array if isinstance(array, np.ndarray) else array.asnumpy())
    content = repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes()
    return f"{values.dtype.name} {values.shape} {blake2b(content, digest_size=8).hexdigest()}"


def same(a: Any, b: Any) -> bool:
    """Whether two plain values are the same number, or text."""
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))
