"""Which form of the kernels computes: compiled code for the host's memory, NDArray expressions for a GPU's.

Every form is a module with the same functions, `signum_steps`, `momentum_pack`, `apply_signs` and `pack`; it gets
arrays that have been checked. The host's has also `unpack` and `vote`, since words always lie there: they are 1/32 of
an array, and on their way between workers. A faster form for GPUs would be one more module, chosen here.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import numpy as np
from mxnet.base import MXNetError
from mxnet.context import Context, num_gpus
from mxnet.ndarray import NDArray

from gluonbook.kernels import hyper
from gluonbook.kernels.memory import Array


class Step(NamedTuple):
    """A Signum step of one parameter."""

    weight: Array
    grad: Array
    mom: Array
    weight32: Array | None  # the master copy, where the weight is float16 and mom float32
    constants: hyper.Signum
    dtype: np.dtype  # of weight and grad
    n: int  # elements


def form_for(**arrays: Array) -> ModuleType:
    """The form for arrays that lie in the same place.

    Raises:
        ValueError: some are on a GPU, and others elsewhere.
    """
    if not _gpus():
        return host()
    places = {_place(array) for array in arrays.values()}
    if len(places) > 1:
        found = ", ".join(f"{name} on {_place(array) or 'the host'}" for name, array in arrays.items())
        raise ValueError(f"all arrays must be on one GPU, or all on the host, got {found}")
    return host() if places == {None} else _module("expressions")


def host() -> ModuleType:
    """The form for the host's memory."""
    return _module("cpu")


@cache
def _gpus() -> int:
    try:
        return num_gpus()
    except MXNetError:  # a CUDA build on a machine whose driver does not answer: no array can be on a GPU
        return 0


def _place(array: Array) -> Context | None:
    """The GPU that the array is on, or None for the host's memory, where the arrays of all other contexts lie."""
    if isinstance(array, NDArray) and array.context.device_type == "gpu":
        return array.context
    return None


@cache
def _module(name: str) -> ModuleType:
    """A form, imported when it is first used: numba alone takes longer than the rest of this package."""
    return import_module(f"gluonbook.kernels.{name}")
