"""What a ps-lite server unpickles, and what it refuses.

A worker sends its optimizer as a pickle, and a pickle may call any function that its reader can import: whoever reaches
the port of MXNet's own server runs code on it. Here a pickle can name nothing but optimizers and learning-rate
schedules of MXNet, of `gluonbook.optimizers` and of modules that the user trusts by name, and plain data; and it
imports nothing.
"""

from __future__ import annotations

import builtins
import collections
import io
import os
import pickle
import sys
from collections.abc import Iterable
from typing import Any, final

import numpy as np
from mxnet.context import Context
from mxnet.lr_scheduler import LRScheduler
from mxnet.optimizer import Optimizer

from gluonbook.rank.shapes import refuse_shaped

TRUST = "GLUONBOOK_TRUST"
"""The environment variable with the names of the modules that the user trusts, with commas between them."""

_FAMILIES = ("mxnet", "gluonbook")
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # the names that MXNet's protocol 0 uses
_SAFE_BUILTINS = ("object", "set", "frozenset", "complex", "bytearray", "slice", "range")


class Refused(pickle.UnpicklingError):
    """A pickle names what a server does not load; the message says what, and what helps."""


def trusted() -> list[str]:
    """The modules of `gluonbook run --trust`, as this process got them."""
    return [name for name in os.environ.get(TRUST, "").split(",") if name]


def loads(blob: bytes, trust: Iterable[str] = ()) -> Optimizer:
    """The optimizer in a pickle.

    `trust` names modules whose classes a pickle may use besides; they have to be imported already.

    Raises:
        Refused: the pickle names anything else, or holds no optimizer; nothing of it has been called.
    """
    found = _Unpickler(blob, tuple(trust)).load()
    if not isinstance(found, Optimizer):
        raise Refused(f"a server takes an optimizer, and this pickle holds {type(found).__qualname__}")
    return found


def refuse_unsendable(optimizer: Optimizer) -> None:
    """Return if the servers of this run will understand `optimizer`; call it before `set_optimizer`.

    MXNet's own server swallows the error, goes on without an optimizer, and the weights become the sum of the
    gradients.

    Raises:
        Refused: its class is in `__main__`, or in a module that the run was not told to trust.
        Shaped: it looks at more than one coordinate of a parameter (see `gluonbook.rank.shapes`).
    """
    refuse_shaped(loads(pickle.dumps(optimizer, 0), trusted()))


@final
class _Unpickler(pickle.Unpickler):
    def __init__(self, blob: bytes, trust: tuple[str, ...]) -> None:
        super().__init__(io.BytesIO(blob))
        self.trust = trust

    def find_class(self, module: str, name: str) -> Any:
        module = _PYTHON_2.get(module, module)
        if (module, name) in _DATA:
            return _DATA[module, name]
        # A dotted name would reach through a class or a module for what it has imported, such as mxnet.base's os.
        found = None if "." in name else getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and found.__module__ == module:
            known = module.split(".")[0] in _FAMILIES and issubclass(found, (Optimizer, LRScheduler))
            if known or module in self.trust:
                return found
        raise Refused(f"the server does not load {module}.{name}: {_remedy(module, self.trust)}")


def _remedy(module: str, trust: tuple[str, ...]) -> str:
    if module == "__main__":
        return (
            "it is defined in the script itself, which a server does not run; put it into a module of its own beside "
            "the script, and start with --trust and the name of that module"
        )
    if module in trust:
        return f"the module {module} is trusted, but does not define it"
    legal = ", ".join(["optimizers and schedules of mxnet and of gluonbook.optimizers", *trust])
    return f"legal are {legal}; if it is your own module, start with --trust {module}"


def _latin1(text: str, encoding: str) -> bytes:
    """How protocol 0 writes bytes; other codecs could unpack a bomb."""
    if encoding != "latin1":
        raise Refused(f"the server does not decode {encoding!r}")
    return text.encode(encoding)


_REBUILD = object().__reduce__()[0]
_RECONSTRUCT, _SCALAR = np.zeros(0).__reduce__()[0], np.float32(0).__reduce__()[0]
_DATA: dict[tuple[str, str], Any] = {
    **{("builtins", name): getattr(builtins, name) for name in _SAFE_BUILTINS},
    **{("numpy", kind.__name__): kind for kind in (np.ndarray, np.dtype, *np.sctypeDict.values())},
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("copyreg", "_reconstructor"): _REBUILD,
    ("_codecs", "encode"): _latin1,
    ("mxnet.context", "Context"): Context,
}
