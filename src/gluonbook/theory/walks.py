"""signSGD, Signum and their majority votes on a function of NumPy, many runs side by side."""

from __future__ import annotations

from typing import Callable, Union

import numpy as np

from gluonbook.checks import real, whole_number
from gluonbook.theory.noise import Noise

Schedule = Union[float, Callable[[int], float]]  # a number, or a function of the step, which counts from 0


def sign_walks(
    grad: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    *,
    steps: int,
    lr: Schedule,
    noise: Noise,
    sigma: float | np.ndarray = 1.0,
    batch: int | Callable[[int], int] = 1,
    momentum: float = 0.0,
    warmup: int = 0,
    workers: int = 1,
    inverters: int = 0,
    runs: int = 1,
    seed: int = 0,
) -> np.ndarray:
    """The points x₀, x₁, … of `runs` independent runs, in an array of shape (steps + 1, runs, d):

        g_m ← grad(x) + (sigma/batch)·Σ noise      for each worker m, over a batch of its own
        v_m ← momentum·v_m + (1 − momentum)·g_m
        x ← x − lr·sign(Σ_m sign(v_m))

    The signs of the last `inverters` workers are turned. During the first `warmup` steps a worker sends sign(g_m).
    Zeros and ties draw their signs, as in packed ballots (`gluonbook.kernels`). All is arithmetic in one process: the
    workers are rows of an array.

    Args:
        grad: the true gradient at points of shape (runs, d).
        start: x₀, of shape (d,).
        lr, batch: numbers, or functions of the step, which counts from 0.
        sigma: the standard deviation of the noise, a number or one for each coordinate.

    Raises:
        ValueError: a number out of range, or a start of another shape.
    """
    start = point(start)
    steps, runs, workers = (whole_number(*it, 1) for it in (("steps", steps), ("runs", runs), ("workers", workers)))
    inverters, warmup = whole_number("inverters", inverters, 0, workers), whole_number("warmup", warmup, 0)
    momentum = real("momentum", momentum, "[0, 1)")
    random = np.random.RandomState(whole_number("seed", seed, 0, 2**32 - 1))
    ranks = np.arange(workers)[:, None, None]
    sent = np.where(ranks < workers - inverters, 1, -1)
    x = np.empty((steps + 1, runs, start.size))
    x[0] = start
    v = np.zeros((workers, runs, start.size))
    for k in range(steps):
        n = whole_number("batch", batch(k) if callable(batch) else batch, 1)
        g = grad(x[k]) + sigma * noise.sample(random, (n, *v.shape)).mean(axis=0)
        v = momentum * v + (1 - momentum) * g
        ballots = sent * _sign(g if k < warmup else v, k + ranks)
        x[k + 1] = x[k] - real("lr", lr(k) if callable(lr) else lr, "[0, inf)") * _sign(ballots.sum(axis=0), k)
    return x


def point(start: np.ndarray) -> np.ndarray:
    """`start` as float64; raises ValueError unless it has the shape (d,)."""
    start = np.asarray(start, dtype=np.float64)
    if start.ndim != 1 or start.size == 0:
        raise ValueError(f"start must have shape (d,) with d from 1, got {start.shape}")
    return start


def _sign(x: np.ndarray, step: int | np.ndarray) -> np.ndarray:
    """The signs of x, whose last axis is that of the coordinates."""
    return np.where(x == 0, 1 - 2 * ((step + np.arange(x.shape[-1])) % 2), np.sign(x))
