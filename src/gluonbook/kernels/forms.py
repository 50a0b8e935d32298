"""Which form of the kernels computes: compiled code for the host's memory, CUDA for a GPU's.

Where CUDA sources cannot be compiled, NDArray expressions do the same on a GPU, more slowly.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from mxnet.base import MXNetError
from mxnet.context import Context, num_gpus
from mxnet.ndarray import NDArray

from gluonbook.kernels.form import ApplySigns, Form, MomentumPack, NonFinite, Pack, SignumStep, Unpack
from gluonbook.kernels.memory import Array, Flat

if TYPE_CHECKING:
    from gluonbook.kernels.cpu import Host

Job = TypeVar("Job", SignumStep, MomentumPack, Pack, Unpack, NonFinite, ApplySigns)


def by_form(jobs: Iterable[Job]) -> list[tuple[Form, list[Job]]]:
    """Each form that is needed, with all of its jobs.

    Raises:
        ValueError: of the arrays of a job some are on a GPU, and others elsewhere.
    """
    jobs = list(jobs)
    if not _gpus():
        return [(host(), jobs)]
    forms: dict[Form, list[Job]] = {}
    for number, job in enumerate(jobs):
        forms.setdefault(_form_of(job, f"array {number} of the list: " if len(jobs) > 1 else ""), []).append(job)
    return list(forms.items())


def _form_of(job: Job, which: str) -> Form:
    arrays = {name: value for name, value in job._asdict().items() if isinstance(value, Flat)}
    places = {name: gpu_of(flat.array) for name, flat in arrays.items()}
    if len(set(places.values())) > 1:
        found = ", ".join(f"{name} on {place or 'the host'}" for name, place in places.items())
        raise ValueError(f"{which}all arrays must be on one GPU, or all on the host, got {found}")
    (place,) = set(places.values())
    return form_on(place)


def form_on(place: Context | None) -> Form:
    """The form for the memory of a GPU, or, for None, of the host."""
    return host() if place is None else gpu(place)


# Forms are imported when they are first used: numba alone takes longer than the rest of this package.


@cache
def gpu(ctx: Context) -> Form:
    """The form for a GPU's memory: CUDA, or NDArray expressions and a warning, once, where that does not run."""
    from gluonbook.kernels import cuda, expressions

    if not (reason := cuda.works(ctx)):
        return cuda.Cuda()
    warnings.warn(f"{ctx} computes in NDArray expressions, since the CUDA kernels do not run: {reason}", stacklevel=2)
    return expressions.Expressions()


@cache
def host() -> Host:
    """The form for the host's memory."""
    from gluonbook.kernels.cpu import Host

    return Host()


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
