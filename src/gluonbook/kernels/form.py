"""What a form of the kernels is, and the jobs that it takes: one an array, each checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np
from mxnet.ndarray import NDArray

from gluonbook.kernels import hyper
from gluonbook.kernels.memory import Flat


@final
class SignumStep(NamedTuple):
    """A Signum step of one parameter."""

    weight: Flat
    grad: Flat
    mom: Flat
    weight32: Flat | None  # the master copy, where the weight is float16 and mom float32
    constants: hyper.Signum


@final
class MomentumPack(NamedTuple):
    """New momentum and its signs."""

    mom: Flat
    grad: Flat
    new: Flat | None  # where the new momentum goes; None: into mom
    constants: hyper.Signum
    zeros: np.uint64  # the signs that zeros get
    words: np.ndarray
    found: np.ndarray | None  # one element, set to True if there is NaN or infinity in grad


@final
class Pack(NamedTuple):
    """The signs of an array."""

    x: Flat
    zeros: np.uint64  # the signs that zeros get
    words: np.ndarray
    found: np.ndarray | None  # one element, set to True if there is NaN or infinity in x


@final
class Unpack(NamedTuple):
    """Signs as numbers, into an array."""

    x: Flat
    words: np.ndarray


@final
class NonFinite(NamedTuple):
    """Whether NaN or infinity is in an array."""

    x: Flat
    found: np.ndarray  # one element, set to True if so


@final
class ApplySigns(NamedTuple):
    """A step of one weight by signs."""

    weight: Flat
    lr: np.floating
    wd: np.floating
    words: np.ndarray


class Form(ABC):
    """A way to compute the kernels. Each kernel but `vote` takes a list of jobs."""

    @abstractmethod
    def signum_step(self, jobs: Sequence[SignumStep]) -> None:
        """See `steps.signum_step`."""

    @abstractmethod
    def momentum_pack(self, jobs: Sequence[MomentumPack]) -> None:
        """See `steps.momentum_pack`."""

    @abstractmethod
    def apply_signs(self, jobs: Sequence[ApplySigns]) -> None:
        """See `steps.apply_signs`."""

    @abstractmethod
    def pack(self, jobs: Sequence[Pack]) -> None:
        """See `ballots.pack`."""

    @abstractmethod
    def unpack(self, jobs: Sequence[Unpack]) -> None:
        """See `ballots.unpack`."""

    @abstractmethod
    def nonfinite(self, jobs: Sequence[NonFinite]) -> None:
        """See `ballots.nonfinite`."""

    @abstractmethod
    def vote(self, table: NDArray, step: int) -> NDArray:
        """See `ballots.vote`; `table` holds a ballot a row, its words as int64."""
