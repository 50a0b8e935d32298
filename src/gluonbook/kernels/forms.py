"""Which form of the kernels computes: compiled code for the host's memory, CUDA for a GPU's.

Where CUDA sources cannot be compiled, NDArray expressions do the same on a GPU, more slowly.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from mxnet.base import MXNetError
from mxnet.context import Context, num_gpus
from mxnet.ndarray import NDArray

from gluonbook.kernels.form import Form, Job, part
from gluonbook.kernels.memory import Array, Column

if TYPE_CHECKING:
    from gluonbook.kernels.cpu import Host


def by_form(job: Job) -> list[tuple[Form, Job]]:
    """Forms with their parts of the job, each of which has arrays that lie side by side in the list.

    Raises:
        ValueError: of the arrays of a place some are on a GPU, and others elsewhere.
    """
    if not _gpus():
        return [(host(), job)]
    columns = [value for value in job if isinstance(value, Column)]
    places = [_place_of(columns, i) for i in range(len(job[0].sizes))]
    edges: list[int] = [i for i in range(1, len(places)) if places[i] != places[i - 1]]
    parts = [slice(first, last) for first, last in zip([0, *edges], [*edges, len(places)])]
    return [(form_on(places[rows.start]), part(job, rows)) for rows in parts if places]


def _place_of(columns: Sequence[Column], i: int) -> Context | None:
    """The GPU, or None for the host, of the arrays of place i."""
    arrays = {column.name: column.arrays[i] for column in columns if column.arrays[i] is not None}
    places = {name: gpu_of(array) for name, array in arrays.items()}
    if len(set(places.values())) > 1:
        which = f"array {i} of the list: " if columns[0].listed else ""
        found = ", ".join(f"{name} on {place or 'the host'}" for name, place in places.items())
        raise ValueError(f"{which}all arrays must be on one GPU, or all on the host, got {found}")
    (place,) = set(places.values())
    return place


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
