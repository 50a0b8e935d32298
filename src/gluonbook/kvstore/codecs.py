"""Codecs: how a gradient is written down as bytes to be sent, and what is read from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, final

import numpy as np
from mxnet import ndarray as nd
from numpy.typing import ArrayLike

from gluonbook import kernels
from gluonbook.checks import real, whole_number
from gluonbook.kernels import bits
from gluonbook.kvstore.finite import LARGEST, POSITIVE, euclidean, mean_sizes, reduced
from gluonbook.optimizers.onebit_sgd import two_means

Shape = tuple[int, ...]

_FLOAT = np.dtype(np.float32).itemsize
_NORMS = ("l2", "max")
_LARGEST_HALF = np.finfo(np.float16).max


class Codec(ABC):
    """A way to write down a parameter's gradient: d numbers of float32, its elements in C order.

    A message has the length that the shape says, whatever the numbers are, and bytes of zero stand for zeros: so who
    has nothing to say can take part. Numbers are finite. A codec is a value: two with the same options are equal, and
    their `repr` is what ranks compare. `Exact` is the trivial one.
    """

    draws: ClassVar[bool] = False  # whether a message depends on luck, too

    @abstractmethod
    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        """The message, (nbytes(shape),) of uint8, for v, (d,) of float32; luck comes from `random` alone."""

    @abstractmethod
    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        """The numbers that a message stands for, (d,) of float32."""

    @abstractmethod
    def nbytes(self, shape: Shape) -> int:
        """How long the message of a parameter of this shape is."""


@final
@dataclass(frozen=True)
class Exact(Codec):
    """float32 as it is: 32 bits a coordinate."""

    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        return _bytes(v)

    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        return _numbers(message)

    def nbytes(self, shape: Shape) -> int:
        return _FLOAT * prod(shape)


@final
@dataclass(frozen=True)
class Half(Codec):
    """float16: 16 bits a coordinate. What is beyond ±65504, its largest number, becomes that."""

    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        return np.clip(v, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16).view(np.uint8)

    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        return message.copy().view(np.float16).astype(np.float32)

    def nbytes(self, shape: Shape) -> int:
        return 2 * prod(shape)


@final
@dataclass(frozen=True)
class ScaledSign(Codec):
    """(‖v‖₁/d)·sign(v): one bit a coordinate, in words of 64, and one number.

    The multiple of the signs with the least squared error. The sign of a zero is drawn as in `gluonbook.kernels`.

    Source: Karimireddy, Rebjock, Stich and Jaggi, Error feedback fixes signSGD and other gradient compression schemes
    (2019), arXiv:1901.09847, Algorithm 1.
    """

    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        return np.concatenate([_bytes(reduced(mean_sizes, nd.array(v))), kernels.pack(v).view(np.uint8)])

    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        signs = kernels.unpack(message[_FLOAT:].copy().view(np.uint64), prod(shape))
        signs *= _numbers(message[:_FLOAT])
        return signs

    def nbytes(self, shape: Shape) -> int:
        return _FLOAT + np.dtype(np.uint64).itemsize * bits.words_for(prod(shape))


@final
@dataclass(frozen=True)
class OneBit(Codec):
    """1-bit SGD: in each row, the mean of the elements ≥ 0, or that of the others; one bit a coordinate, two numbers a
    row.

    Rows are those of the optimizer `onebitsgd`, what leads to one output; a vector is one row.

    Source: Seide, Fu, Droppo, Li and Yu, 1-bit stochastic gradient descent and its application to data-parallel
    distributed training of speech DNNs (Interspeech 2014).
    """

    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        means = reduced(two_means, nd.array(v.reshape(_rows(shape), -1)))
        # A row that has both has one above zero and one below; the other of a row that has one only is never read.
        return np.concatenate([_bytes(means.max(axis=1)), _bytes(means.min(axis=1)), np.packbits(v >= 0)])

    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        rows = _rows(shape)
        upper, lower = _numbers(message[: 2 * _FLOAT * rows]).reshape(2, rows, 1)
        positive = np.unpackbits(message[2 * _FLOAT * rows :], count=prod(shape)).reshape(rows, -1)
        return np.where(positive, upper, lower).reshape(-1)

    def nbytes(self, shape: Shape) -> int:
        return 2 * _FLOAT * _rows(shape) + _plane(prod(shape))


@final
@dataclass(frozen=True)
class Levels(Codec):
    """Levels 0, ±1/s, …, ±1 times a norm of v, drawn so that their mean is v; ⌈log₂(2s + 1)⌉ bits a coordinate.

    Between two levels the nearer is the more likely, in proportion. With the norm "l2" this is QSGD, whose squared
    error is on average at most min(d/s², √d/s)·‖v‖₂². With "max" and one level it is TernGrad, a layer at a time,
    without its clipping: clip by the optimizer's `clip_gradient`.

    Args:
        levels: s, from 1 to 127
        norm: "l2", or "max" for the largest element

    Source: Alistarh, Grubic, Li, Tomioka and Vojnovic, QSGD: communication-efficient SGD via gradient quantization and
    encoding (2017), arXiv:1610.02132, section 3; Wen, Xu, Yan, Wu, Wang, Chen and Li, TernGrad: ternary gradients to
    reduce communication in distributed deep learning (2017), arXiv:1705.07878. Both write the levels down in fewer
    bits, by a code or by powers of three; here a coordinate has its bits, and a message its length.
    """

    levels: int = 1
    norm: str = "l2"
    draws = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", whole_number("levels", self.levels, 1, 127))
        if self.norm not in _NORMS:
            raise ValueError(f"norm must be {' or '.join(map(repr, _NORMS))}, got {self.norm!r}")

    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        size = np.abs(v)
        # In float32 not below the largest element, or the largest number of that.
        norm = np.float32(min(euclidean(v), LARGEST) if self.norm == "l2" else size.max(initial=0))
        if norm > 0:
            size /= norm
            size *= self.levels
        level = np.floor(size)
        level += random.random(size.shape, dtype=np.float32) < size - level
        digits = level.astype(np.uint8)
        digits[(v < 0) & (digits > 0)] += self.levels
        return np.concatenate([_bytes(norm), _planes(digits, self._width)])

    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        steps = np.arange(1, self.levels + 1, dtype=np.float32) / np.float32(self.levels)
        table = np.concatenate([[np.float32(0)], steps, -steps]) * _numbers(message[:_FLOAT])
        return table[_digits(message[_FLOAT:], self._width, prod(shape))]

    def nbytes(self, shape: Shape) -> int:
        return _FLOAT + self._width * _plane(prod(shape))

    @property
    def _width(self) -> int:
        return (2 * self.levels).bit_length()


@final
@dataclass(frozen=True)
class Threshold(Codec):
    """MXNet's "2bit": t where v ≥ t, −t where v ≤ −t, else 0; two bits a coordinate.

    Here t has the unit of what is sent, rescale_grad·gradient; in MXNet that of the gradient as it comes.

    Args:
        t: above 0, and finite, in float32

    Source: MXNet 1.9.1, src/kvstore/gradient_compression-inl.h; after Strom, Scalable distributed DNN training using
    commodity GPU cloud computing (Interspeech 2015).
    """

    t: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "t", real("t", self.t, POSITIVE))

    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        t = np.float32(self.t)
        return _planes((v >= t) + 2 * (v <= -t).astype(np.uint8), 2)

    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        return np.array([0, self.t, -self.t], np.float32)[_digits(message, 2, prod(shape))]

    def nbytes(self, shape: Shape) -> int:
        return 2 * _plane(prod(shape))


@dataclass(frozen=True)
class Sparse(Codec):
    """A codec that chooses some places, share·d of them and at least one, and sends what is there as it is; else 0."""

    share: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", real("share", self.share, "(0, 1]"))

    @final
    def count(self, shape: Shape) -> int:
        """How many places are chosen."""
        return max(1, round(self.share * prod(shape)))

    @abstractmethod
    def choose(self, v: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
        """The places, as bytes from which `read` makes them out."""

    @abstractmethod
    def read(self, chosen: np.ndarray, d: int, count: int) -> np.ndarray:
        """The places, `count` different ones of d, that `choose` has written down."""

    @final
    def places(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        """The places that a message speaks of; what it says of one may be zero."""
        count = self.count(shape)
        return self.read(message[: len(message) - _FLOAT * count], prod(shape), count)

    @final
    def encode(self, v: np.ndarray, shape: Shape, random: np.random.Generator) -> np.ndarray:
        count = self.count(shape)
        chosen = self.choose(v, count, random)
        return np.concatenate([chosen, _bytes(v[self.read(chosen, v.size, count)])])

    @final
    def decode(self, message: np.ndarray, shape: Shape) -> np.ndarray:
        v = np.zeros(prod(shape), np.float32)
        v[self.places(message, shape)] = _numbers(message[len(message) - _FLOAT * self.count(shape) :])
        return v


@final
@dataclass(frozen=True)
class TopK(Sparse):
    """The largest elements, each with its place: 64 bits for each.

    No other choice of so many has a smaller squared error.

    Args:
        share: of the coordinates, in (0, 1]

    Source: Aji and Heafield, Sparse communication for distributed gradient descent (2017), arXiv:1704.05021; Stich,
    Cordonnier and Jaggi, Sparsified SGD with memory (2018), arXiv:1809.07599.
    """

    def choose(self, v: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
        largest = np.argpartition(np.abs(v), v.size - count)[v.size - count :]
        return _bytes(np.sort(largest), np.uint32)

    def read(self, chosen: np.ndarray, d: int, count: int) -> np.ndarray:
        return chosen.copy().view(np.uint32)

    def nbytes(self, shape: Shape) -> int:
        return (np.dtype(np.uint32).itemsize + _FLOAT) * self.count(shape)


@final
@dataclass(frozen=True)
class RandomK(Sparse):
    """Elements at places drawn anew each time: 32 bits for each, and a seed from which all can draw the places.

    The elements are sent as they are; multiplied by d over their number their mean would be v, and their error larger.

    Args:
        share: of the coordinates, in (0, 1]

    Source: Stich, Cordonnier and Jaggi, Sparsified SGD with memory (2018), arXiv:1809.07599.
    """

    draws = True

    def choose(self, v: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
        return _bytes(random.integers(2**63), np.uint64)

    def read(self, chosen: np.ndarray, d: int, count: int) -> np.ndarray:
        seed = int(chosen.copy().view(np.uint64)[0])
        return np.sort(np.random.default_rng(seed).choice(d, count, replace=False, shuffle=False))

    def nbytes(self, shape: Shape) -> int:
        return np.dtype(np.uint64).itemsize + _FLOAT * self.count(shape)


def _bytes(numbers: ArrayLike, kind: type = np.float32) -> np.ndarray:
    return np.array(numbers, kind).reshape(-1).view(np.uint8)


def _numbers(message: np.ndarray) -> np.ndarray:
    # A copy, since in a longer message a part may begin anywhere.
    return message.copy().view(np.float32)


def _rows(shape: Sequence[int]) -> int:
    return shape[0] if len(shape) > 1 else 1


def _plane(n: int) -> int:
    """The bytes that n bits take."""
    return -(-n // 8)


def _planes(digits: np.ndarray, width: int) -> np.ndarray:
    """Numbers of so many bits: first the lowest bits of all, then the next."""
    return np.concatenate([np.packbits(digits & (1 << place)) for place in range(width)])


def _digits(planes: np.ndarray, width: int, n: int) -> np.ndarray:
    """The n numbers that `_planes` has written down."""
    digits = np.zeros(n, np.uint8)
    for place, plane in enumerate(np.split(planes, width)):
        digits |= np.unpackbits(plane, count=n) << np.uint8(place)
    return digits
