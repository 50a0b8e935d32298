"""What a codec leaves out of a gradient, and what becomes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from gluonbook.checks import flag, real
from gluonbook.kvstore.codecs import Codec, Shape, Sparse
from gluonbook.kvstore.finite import FROM_ZERO, POSITIVE, euclidean


@final
@dataclass(frozen=True)
class Sent:
    """What has become of a vector on its way to the others."""

    codec: Codec
    message: np.ndarray
    shape: Shape

    @property
    def values(self) -> np.ndarray:
        """What the others read, (d,) of float32."""
        return self.codec.decode(self.message, self.shape)

    @property
    def places(self) -> np.ndarray | slice:
        """Where the message says something: everywhere, unless its codec chooses."""
        return self.codec.places(self.message, self.shape) if isinstance(self.codec, Sparse) else slice(None)


Kept = Sequence[np.ndarray]


class Memory(ABC):
    """What a worker sends in place of its gradient g, and what it keeps for the next step: `slots` arrays like g.

    Kept are sums over gradients, zeros at first; what a device that leaves has kept is added to another's. `NoMemory`
    is the trivial one. Like a codec, a memory is a value.
    """

    slots: ClassVar[int]

    @abstractmethod
    def accept(self, codec: Codec) -> None:
        """Raise ValueError for a codec beside which this memory would not do what it says."""

    @abstractmethod
    def pass_on(self, g: np.ndarray, kept: Kept, send: Callable[[np.ndarray], Sent], workers: int) -> Kept:
        """Call `send(v)` once, and return what is to be kept now: new arrays; `g` and `kept` stay as they are.

        g, v and what is kept are (d,) of float32; `workers` is how many send.
        """


@final
@dataclass(frozen=True)
class NoMemory(Memory):
    """Sends g itself; what is left out is lost."""

    slots = 0

    def accept(self, codec: Codec) -> None:
        pass

    def pass_on(self, g: np.ndarray, kept: Kept, send: Callable[[np.ndarray], Sent], workers: int) -> Kept:
        send(g)
        return ()


@final
@dataclass(frozen=True)
class Feedback(Memory):
    """Error feedback: what is left out is sent later.

        v ← g + α·e
        u ← Q(v)                          sent
        e ← β·e + (g − u) = v − u + (β − α)·e

    With α = β = 1, nothing is lost: v = u + e up to the rounding of one subtraction. An unbiased codec whose squared
    error is on average γ·‖v‖² needs less of it: e is bounded if α²·γ + (β − α)² < 1.

    Args:
        alpha: α, above 0, and finite, in float32
        beta: β, from 0, and so

    Source: Seide, Fu, Droppo, Li and Yu, 1-bit stochastic gradient descent and its application to data-parallel
    distributed training of speech DNNs (Interspeech 2014); with α and β, Wu, Huang, Huang and Zhang, Error compensated
    quantized SGD and its applications to large-scale distributed optimization (2018), arXiv:1806.08054.
    """

    alpha: float = 1.0
    beta: float = 1.0
    slots = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", real("alpha", self.alpha, POSITIVE))
        object.__setattr__(self, "beta", real("beta", self.beta, FROM_ZERO))

    def accept(self, codec: Codec) -> None:
        pass

    def pass_on(self, g: np.ndarray, kept: Kept, send: Callable[[np.ndarray], Sent], workers: int) -> Kept:
        (e,) = kept
        v = g + e if self.alpha == 1 else g + np.float32(self.alpha) * e
        left = v - send(v).values
        if self.alpha != self.beta:
            left += np.float32(self.beta - self.alpha) * e
        return (left,)


@final
@dataclass(frozen=True)
class MomentumCorrection(Memory):
    """Deep gradient compression: the momentum comes before the codec, and what is left out is sent later.

        g ← g·min(1, clip/(√M·‖g‖₂))      for M workers, each parameter by itself; only if clip is given
        u ← momentum·u + g
        v ← v + u
        v is sent, as Q(v);  v ← v − Q(v)
        u ← 0 where something was sent, if mask

    The optimizer behind it is to have no momentum of its own. Masking forgets the momentum of what was delayed; it
    needs a codec that chooses places, `TopK` or `RandomK`, since where one speaks of all there would be no momentum.

    Args:
        momentum: in [0, 1)
        mask: whether to set u to zero where something was sent
        clip: the largest norm of the sum of all workers' gradients, as if they were independent; None for any

    Source: Lin, Han, Mao, Wang and Dally, Deep gradient compression: reducing the communication bandwidth for
    distributed training (2018), arXiv:1712.01887, sections 3.2 and 3.3; its warm-up is not here.
    """

    momentum: float = 0.9
    mask: bool = True
    clip: float | None = None
    slots = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "momentum", real("momentum", self.momentum, "[0, 1)"))
        object.__setattr__(self, "mask", flag("mask", self.mask))
        if self.clip is not None:
            object.__setattr__(self, "clip", real("clip", self.clip, "(0, inf)"))

    def accept(self, codec: Codec) -> None:
        if self.mask and not isinstance(codec, Sparse):
            raise ValueError(
                "mask=True needs a codec that chooses places, TopK or RandomK: after one that sends something of every "
                f"place no momentum would be left; got {codec}, so set mask=False"
            )

    def pass_on(self, g: np.ndarray, kept: Kept, send: Callable[[np.ndarray], Sent], workers: int) -> Kept:
        u, v = kept
        u = np.float32(self.momentum) * u + self._clipped(g, workers)
        v = v + u
        sent = send(v)
        if self.mask:
            u[sent.places] = 0
        return u, v - sent.values

    def _clipped(self, g: np.ndarray, workers: int) -> np.ndarray:
        if self.clip is None:
            return g
        norm, bound = euclidean(g), self.clip / workers**0.5
        return g if norm <= bound else np.multiply(g, bound / norm, dtype=np.float64).astype(np.float32)
