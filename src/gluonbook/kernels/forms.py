"""Which form of the kernels computes: compiled code for the host's memory, CUDA for a GPU's.

Every form is a module with the same functions, `signum_step`, `momentum_pack`, `apply_signs`, `pack`, `unpack` and
`nonfinite`; each takes a list of jobs, one an array, that have been checked. The host's has also `vote`, since words
lie there: they are 1/32 of an array, and on their way between workers. Where CUDA sources cannot be compiled, NDArray
expressions do the same on a GPU, more slowly.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import numpy as np
from mxnet.base import MXNetError
from mxnet.context import Context, num_gpus
from mxnet.ndarray import NDArray

from gluonbook.kernels import hyper
from gluonbook.kernels.memory import Array, Flat


class SignumStep(NamedTuple):
    """A Signum step of one parameter."""

    weight: Flat
    grad: Flat
    mom: Flat
    weight32: Flat | None  # the master copy, where the weight is float16 and mom float32
    constants: hyper.Signum


class MomentumPack(NamedTuple):
    """New momentum and its signs."""

    mom: Flat
    grad: Flat
    constants: hyper.Signum
    words: np.ndarray


class Pack(NamedTuple):
    """The signs of an array."""

    x: Flat
    words: np.ndarray


class Unpack(NamedTuple):
    """Signs as numbers, into an array."""

    x: Flat
    words: np.ndarray


class NonFinite(NamedTuple):
    """Whether NaN or infinity is in an array."""

    x: Flat
    found: np.ndarray  # one element, set to True if so


class ApplySigns(NamedTuple):
    """A step of one weight by signs."""

    weight: Flat
    words: np.ndarray
    lr: np.floating
    wd: np.floating


def compute(kernel: str, jobs: Iterable[tuple[ModuleType, tuple]]) -> None:
    """Give each form, at once, all jobs for its function `kernel`."""
    by_form: dict[ModuleType, list[tuple]] = {}
    for form, job in jobs:
        by_form.setdefault(form, []).append(job)
    for form, own in by_form.items():
        getattr(form, kernel)(own)


def form_for(**arrays: Flat) -> ModuleType:
    """The form for arrays that lie in the same place.

    Raises:
        ValueError: some are on a GPU, and others elsewhere.
    """
    if not _gpus():
        return host()
    places = {name: gpu_of(flat.array) for name, flat in arrays.items()}
    if len(set(places.values())) > 1:
        found = ", ".join(f"{name} on {place or 'the host'}" for name, place in places.items())
        raise ValueError(f"all arrays must be on one GPU, or all on the host, got {found}")
    (place,) = set(places.values())
    return host() if place is None else gpu(place)


@cache
def gpu(ctx: Context) -> ModuleType:
    """The form for a GPU's memory: CUDA, or NDArray expressions and a warning, once, where that does not run."""
    if not (reason := _module("cuda").works(ctx)):
        return _module("cuda")
    warnings.warn(f"{ctx} computes in NDArray expressions, since the CUDA kernels do not run: {reason}", stacklevel=2)
    return _module("expressions")


def host() -> ModuleType:
    """The form for the host's memory."""
    return _module("cpu")


@cache
def _gpus() -> int:
    try:
        return num_gpus()
    except MXNetError:  # a CUDA build on a machine whose driver does not answer: no array can be on a GPU
        return 0


def gpu_of(array: Array) -> Context | None:
    """The GPU that the array is on, or None for the host's memory, where the arrays of all other contexts lie."""
    if isinstance(array, NDArray) and array.context.device_type == "gpu":
        return array.context
    return None


@cache
def _module(name: str) -> ModuleType:
    """A form, imported when it is first used: numba alone takes longer than the rest of this package."""
    return import_module(f"gluonbook.kernels.{name}")
