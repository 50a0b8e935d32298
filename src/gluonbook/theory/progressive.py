"""L-BFGS on a mean over samples, with a batch that grows where its gradient is too noisy."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple, final

import numpy as np

from gluonbook.checks import real, whole_number
from gluonbook.theory.lbfgs import two_loop

TESTS = ("inner product", "norm")
_ARMIJO = 1e-4  # of the decrease that the slope promises, what a step must keep
_HALVINGS = 20
_CURVATURE = 1e-2  # a pair is kept if s·y is more than this of s·s


class Samples(ABC):
    """A function of w that is a mean over samples, f(w) = (1/N) Σ ℓ_i(w), with g_i = ∇ℓ_i(w), both of shape (d,).

    In each method `i` holds the indices of the samples that are meant; `len` is N.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def loss(self, w: np.ndarray, i: np.ndarray) -> float:
        """The mean of ℓ_i(w)."""

    @abstractmethod
    def grad(self, w: np.ndarray, i: np.ndarray) -> np.ndarray:
        """The mean of g_i, of shape (d,)."""

    @abstractmethod
    def slopes(self, w: np.ndarray, i: np.ndarray, v: np.ndarray) -> np.ndarray:
        """g_i·v for each sample, of shape (len(i),): what the losses do along v. No g_i need be written down for it."""

    @abstractmethod
    def squares(self, w: np.ndarray, i: np.ndarray) -> np.ndarray:
        """‖g_i‖² for each sample, of shape (len(i),)."""


@final
class Stride(NamedTuple):
    """What one step of `ProgressiveLBFGS` was."""

    batch: int
    """The number of samples, after the test."""
    alpha: float
    """The length of the step, in units of H·g; 0 where none of the lengths tried made the loss smaller."""
    backtracks: int
    """How often the length was halved."""
    kept: bool
    """Whether the pair (s, y) came into the memory."""
    spent: float
    """All that has been asked of the samples since the start, in gradients of one sample."""


@final
class ProgressiveLBFGS:
    """L-BFGS whose batch S grows by a test, whose pairs come from one batch, and whose step is searched on that batch.

        g = mean of g_i over S,   p = H·g,   H of the last `memory` pairs, as in `two_loop`
        inner product:  Var(g_i·H²g) / |S| ≤ θ²·(g·H²g)²,   where g·H²g = ‖Hg‖²
        norm:           Var(g_i) / |S| ≤ θ²·‖g‖²,   Var(g_i) the sum over the coordinates
        α = 1 / (1 + Var(g_i) / (|S|·‖g‖²)), halved until  f_S(w − α·p) ≤ f_S(w) − 1e-4·α·g·p
        s = −α·p,   y = change of the gradient on S;   kept if  y·s > 1e-2·s·s

    Where the test fails, |S| becomes the smallest number with which it would hold, were the variance as it was seen,
    and samples are added. The batch never shrinks. As none is drawn twice, Var/|S| here is what it is without
    repetition, Var/|S| · (N − |S|)/(N − 1): with all samples nothing is left to the test, α is 1, and each step is
    one of plain L-BFGS.

    `spent` counts the gradient of a sample as 1, and a loss or a slope that comes without one as 1/3: the forward pass
    is about a third of both. A loss where the gradient is asked for, too, is part of it. With all samples, the gradient
    behind a step is the next one's.

    After Bollapragada, Mudigere, Nocedal, Shi and Tang, "A Progressive Batching L-BFGS Method for Machine Learning"
    (2018), where samples are drawn from an endless supply.
    """

    def __init__(
        self,
        samples: Samples,
        start: np.ndarray,
        *,
        seed: int,
        batch: int = 32,
        theta: float | None = 0.9,
        test: str = "inner product",
        memory: int = 10,
        first: float | None = None,
    ) -> None:
        """
        Args:
            samples: the function that is to become small.
            start: the first w, of shape (d,); it is copied.
            seed: of the samples that are drawn.
            batch: the number of samples to begin with, from 2: one has no variance.
            theta: θ; the smaller, the larger the batches. None: no test, and the batch stays what it is.
            test: "inner product" or "norm".
            memory: the number of pairs.
            first: the α that is tried first; None: the one of the variance.

        Raises:
            ValueError: one of them is not of that kind, or something in `start` is not finite.
        """
        if not isinstance(samples, Samples):
            raise ValueError(f"samples must be Samples, got {samples!r:.60}")
        w = np.array(start, dtype=np.float64)
        if w.ndim != 1 or not np.isfinite(w).all():
            raise ValueError(f"start must be a finite vector of shape (d,), got {start!r:.60}")
        if test not in TESTS:
            raise ValueError(f"test must be {' or '.join(map(repr, TESTS))}, got {test!r}")
        self._samples, self._w, self._test = samples, w, test
        self._random = np.random.RandomState(whole_number("seed", seed, 0, 2**32 - 1))
        self._batch = whole_number("batch", batch, 2, len(samples))
        self._theta = None if theta is None else real("theta", theta, "(0, inf)")
        self._memory = whole_number("memory", memory, 1)
        self._first = None if first is None else real("first", first, "(0, inf)")
        self._S: list[np.ndarray] = []
        self._Y: list[np.ndarray] = []
        self._spent = 0.0
        self._behind: np.ndarray | None = None  # the gradient of all samples at w, where the last step has asked for it

    @property
    def w(self) -> np.ndarray:
        """Where it is, a copy of shape (d,)."""
        return self._w.copy()

    def step(self) -> Stride:
        """One step, by a batch that is drawn for it.

        Raises:
            ValueError: what the samples answer has not the shape that it should have.
            FloatingPointError: a loss or a gradient is not finite. A step that would lead to such a loss is halved.
        """
        samples, w = self._samples, self._w
        order = self._random.permutation(len(samples))  # whoever is added later is next in it
        i = order[: self._batch]
        g = self._gradient(w, i) if self._behind is None else self._behind
        if self._theta is not None and len(i) < len(samples):
            self._batch = max(len(i), self._wanted(w, i, g, self._theta))
            if more := self._batch - len(i):
                added = self._gradient(w, order[len(i) : self._batch])
                g = g + (added - g) * (more / self._batch)
                i = order[: self._batch]
        loss, p = float(samples.loss(w, i)), two_loop(g, self._S, self._Y)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss of a batch of {len(i)} samples is {loss}")
        alpha, backtracks = self._search(w, i, loss, g, p)
        s, behind, kept = -alpha * p, g, False
        if alpha:
            self._w = w + s
            behind = self._gradient(self._w, i)
            kept = self._keep(s, behind - g)
        self._behind = behind if len(i) == len(samples) else None
        return Stride(len(i), alpha, backtracks, kept, self._spent)

    def _wanted(self, w: np.ndarray, i: np.ndarray, g: np.ndarray, theta: float) -> int:
        """The number of samples with which the test would hold, were mean and variance those of this batch."""
        if self._test == "norm":
            variance, mean_square = self._variance(w, i, g), float(g @ g)
        else:
            toward = two_loop(two_loop(g, self._S, self._Y), self._S, self._Y)
            slopes = self._shaped("slopes", self._samples.slopes(w, i, toward), (len(i),))
            self._spent += len(i) / 3
            variance, mean_square = slopes.var(ddof=1), slopes.mean() ** 2
        # Var/n · (N − n)/(N − 1) ≤ θ²·mean², solved for n
        total, allowed = len(self._samples), theta**2 * mean_square
        share = variance / (variance + allowed * (total - 1)) if variance else 0.0
        return math.ceil(share * total)

    def _search(self, w: np.ndarray, i: np.ndarray, loss: float, g: np.ndarray, p: np.ndarray) -> tuple[float, int]:
        alpha, slope = self._first or self._first_by_variance(w, i, g), float(g @ p)
        for backtracks in range(_HALVINGS + 1):
            if self._samples.loss(w - alpha * p, i) <= loss - _ARMIJO * alpha * slope:
                return alpha, backtracks
            self._spent += len(i) / 3
            alpha /= 2
        return 0.0, _HALVINGS

    def _first_by_variance(self, w: np.ndarray, i: np.ndarray, g: np.ndarray) -> float:
        total, square = len(self._samples), float(g @ g)
        if len(i) == total or not square:
            return 1.0
        noise = self._variance(w, i, g) / len(i) * (total - len(i)) / (total - 1)
        return square / (square + noise)

    def _variance(self, w: np.ndarray, i: np.ndarray, g: np.ndarray) -> float:
        squares = self._shaped("squares", self._samples.squares(w, i), (len(i),))
        return max(squares.mean() - float(g @ g), 0.0) * len(i) / (len(i) - 1)  # below 0 by rounding alone

    def _keep(self, s: np.ndarray, y: np.ndarray) -> bool:
        kept = bool(y @ s > _CURVATURE * (s @ s))
        if kept:
            self._S, self._Y = [*self._S, s][-self._memory :], [*self._Y, y][-self._memory :]
        return kept

    def _gradient(self, w: np.ndarray, i: np.ndarray) -> np.ndarray:
        self._spent += len(i)
        g = self._shaped("grad", self._samples.grad(w, i), w.shape)
        if not np.isfinite(g).all():
            raise FloatingPointError(f"the gradient of {len(i)} samples is not finite")
        return g

    def _shaped(self, name: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        value = np.asarray(value, dtype=np.float64)
        if value.shape != shape:
            raise ValueError(f"{name} must give the shape {shape}, got {value.shape}")
        return value
