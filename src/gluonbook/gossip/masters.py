"""What a master makes of the messages of its workers, each as it comes: three methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import numpy as np

from gluonbook.checks import real, whole_number

Prox = Callable[[np.ndarray], np.ndarray]


class Master(ABC):
    """A method: `point` is what it has found so far, a vector that is replaced and never changed in place."""

    point: np.ndarray

    @abstractmethod
    def answer(self, message: np.ndarray, worker: int) -> np.ndarray:
        """Take a worker's message into account, and give the new point, which is sent to that worker alone."""


def _same(x: np.ndarray) -> np.ndarray:
    return x


@final
class StaleSGD(Master):
    """Asynchronous SGD: x ← x − lr·gradient, with whatever gradient comes, of whatever old x.

    Args:
        point: x at the beginning.
        lr: in (0, inf).

    Raises:
        ValueError: `lr` is out of range.
    """

    def __init__(self, point: np.ndarray, lr: float) -> None:
        self.point, self.lr = np.array(point), real("lr", lr, "(0, inf)")

    def answer(self, message: np.ndarray, worker: int) -> np.ndarray:
        self.point = self.point - self.lr * message
        return self.point


@final
class PIAG(Master):
    """The proximal incremental aggregated gradient method, for f = (1/M)·Σ f_i + r:

        g_i ← the message, a gradient of f_i;  x ← prox(x − gamma·(1/M)·Σ_j g_j)

    It steps along the mean of the *last* gradients of all, so that `gamma` has to be small where one of them is old.

    Args:
        point: x at the beginning.
        gradients: of each f_i there, (M, d).
        gamma: the step size, in (0, inf).
        prox: the proximal operator of gamma·r; by default that of r = 0, the identity.

    Raises:
        ValueError: `gamma` is out of range, or the gradients have another shape.

    Source: Aytekin, Feyzmahdavian and Johansson, Analysis and implementation of an asynchronous optimization algorithm
    for the parameter server (2016), arXiv:1610.05507.
    """

    def __init__(self, point: np.ndarray, gradients: np.ndarray, gamma: float, prox: Prox | None = None) -> None:
        self.point, self.gamma, self._prox = np.array(point), real("gamma", gamma, "(0, inf)"), prox or _same
        self._gradients = np.array(gradients) * 1.0  # a table of whole numbers would cut off what it is given
        if self._gradients.ndim != 2 or self._gradients.shape[1:] != self.point.shape:
            raise ValueError(f"gradients must be (M, {self.point.size}), a row a worker, got {self._gradients.shape}")

    def answer(self, message: np.ndarray, worker: int) -> np.ndarray:
        self._gradients[worker] = message
        self.point = self._prox(self.point - self.gamma * self._gradients.mean(axis=0))
        return self.point


@final
class DAvePG(Master):
    """Delay-tolerant proximal gradient, for f = (1/M)·Σ f_i + r: points are averaged, and not gradients.

        worker i:  x_i⁺ ← x − gamma·∇f_i(x),  sends Δ = x_i⁺ − x_i,  x_i ← x_i⁺        (`DAveWorker`)
        master:    x̄ ← x̄ + Δ/M,  x ← prox(x̄)

    So x̄ is the mean of all x_i, always. For f_i of curvature between mu and L, gamma may be up to 2/(mu + L), however
    late messages are, and however many workers there are.

    Args:
        mean: x̄ at the beginning, where all x_i begin.
        workers: M.
        prox: the proximal operator of gamma·r; by default that of r = 0, the identity.

    Raises:
        ValueError: `workers` is no whole number from 1.

    Source: Mishchenko, Iutzeler, Malick and Amini, A delay-tolerant proximal-gradient algorithm for distributed
    learning (2018), ICML.
    """

    def __init__(self, mean: np.ndarray, workers: int, prox: Prox | None = None) -> None:
        self.mean, self.workers, self._prox = np.array(mean), whole_number("workers", workers, 1), prox or _same
        self.point = self._prox(self.mean)

    def answer(self, message: np.ndarray, worker: int) -> np.ndarray:
        self.mean = self.mean + message / self.workers
        self.point = self._prox(self.mean)
        return self.point


@final
class DAveWorker:
    """What a worker of `DAvePG` sends: called with a point, it gives Δ.

    Args:
        start: x_i at the beginning, the same as the master's `mean`.
        gradient: ∇f_i.
        gamma: the step size, in (0, inf).

    Raises:
        ValueError: `gamma` is out of range.
    """

    def __init__(self, start: np.ndarray, gradient: Callable[[np.ndarray], np.ndarray], gamma: float) -> None:
        self.own, self.gamma = np.array(start), real("gamma", gamma, "(0, inf)")
        self._gradient = gradient

    def __call__(self, point: np.ndarray) -> np.ndarray:
        new = point - self.gamma * self._gradient(point)
        delta, self.own = new - self.own, new
        return delta
