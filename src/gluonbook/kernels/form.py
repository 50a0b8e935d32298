"""What a form of the kernels is, and the jobs that it takes: lists of arrays, each checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar, final

import numpy as np
from mxnet.ndarray import NDArray

from gluonbook.kernels import bits, hyper
from gluonbook.kernels.memory import Column


@final
class SignumStep(NamedTuple):
    """A Signum step of some parameters."""

    weight: Column
    grad: Column
    mom: Column
    weight32: Column | None  # the master copies, where weights are float16 and momentum float32
    constants: Sequence[hyper.Signum]


@final
class MomentumPack(NamedTuple):
    """New momenta and their signs."""

    mom: Column
    grad: Column
    new: Column | None  # where the new momenta go; None: into mom
    constants: Sequence[hyper.Signum]
    zeros: np.uint64  # the signs that zeros get
    words: np.ndarray
    found: np.ndarray | None  # for each gradient, set to True if there is NaN or infinity in it


@final
class Pack(NamedTuple):
    """The signs of some arrays."""

    x: Column
    zeros: np.uint64  # the signs that zeros get
    words: np.ndarray
    found: np.ndarray | None  # for each array, set to True if there is NaN or infinity in it


@final
class Unpack(NamedTuple):
    """Signs as numbers, into some arrays."""

    x: Column
    words: np.ndarray


@final
class NonFinite(NamedTuple):
    """Whether NaN or infinity is in some arrays."""

    x: Column
    found: np.ndarray  # for each array, set to True if so


@final
class ApplySigns(NamedTuple):
    """A step of some weights by signs."""

    weight: Column
    constants: Sequence[hyper.Signs]
    words: np.ndarray


Job = TypeVar("Job", SignumStep, MomentumPack, Pack, Unpack, NonFinite, ApplySigns)


def part(job: Job, rows: slice) -> Job:
    """The job on some of its arrays, which lie side by side in the list."""
    begins = bits.begins(job[0].sizes)
    pieces = {"words": slice(begins[rows.start], begins[rows.stop])}
    own: list = []
    for name, value in job._asdict().items():
        if isinstance(value, Column):
            own.append(value.part(rows))
        else:
            own.append(value[pieces.get(name, rows)] if isinstance(value, (list, np.ndarray)) else value)
    return type(job)(*own)


def one_by_one(job: Job) -> Iterator[tuple]:
    """The fields of the job for each array of its list: a `Flat` for a column, an array of one element for a mark."""
    n = len(job[0].sizes)
    begins = bits.begins(job[0].sizes)
    fields: list[list] = []
    for name, value in job._asdict().items():
        if isinstance(value, Column):
            fields.append(value.flats())
        elif name == "words":
            fields.append([value[begins[i] : begins[i + 1]] for i in range(n)])
        elif isinstance(value, np.ndarray):
            fields.append([value[i : i + 1] for i in range(n)])
        else:
            fields.append(value if isinstance(value, list) else [value] * n)
    return zip(*fields)


class Form(ABC):
    """A way to compute the kernels. Each kernel but `vote` takes a job."""

    @abstractmethod
    def signum_step(self, job: SignumStep) -> None:
        """See `steps.signum_step`."""

    @abstractmethod
    def momentum_pack(self, job: MomentumPack) -> None:
        """See `steps.momentum_pack`."""

    @abstractmethod
    def apply_signs(self, job: ApplySigns) -> None:
        """See `steps.apply_signs`."""

    @abstractmethod
    def pack(self, job: Pack) -> None:
        """See `ballots.pack`."""

    @abstractmethod
    def unpack(self, job: Unpack) -> None:
        """See `ballots.unpack`."""

    @abstractmethod
    def nonfinite(self, job: NonFinite) -> None:
        """See `ballots.nonfinite`."""

    @abstractmethod
    def vote(self, table: NDArray, step: int) -> NDArray:
        """See `ballots.vote`; `table` holds a ballot a row, its words as int64."""
