"""An optimizer of MXNet on a function of NumPy."""

from __future__ import annotations

from typing import Callable

import numpy as np
from mxnet.optimizer import Optimizer

from gluonbook.arrays import as_ndarray
from gluonbook.checks import whole_number


def descend(
    grad: Callable[[np.ndarray], np.ndarray],
    optimizer: Optimizer,
    start: np.ndarray,
    steps: int,
    *,
    limits: tuple[float, float] | None = None,
) -> np.ndarray:
    """The points x₀, x₁, … that `optimizer` goes through, in an array of shape (steps + 1, *start.shape), float64.

    The optimizer, fresh from `mx.optimizer.create`, gets grad(x) of the point it is at, true or noisy. `limits` cut
    each coordinate to an interval after each step. A start of shape () is one coordinate.

    Raises:
        ValueError: `steps` is not a whole number from 1, or a gradient has another shape than the point.
    """
    start = np.asarray(start, dtype=np.float64)
    weight = as_ndarray(np.atleast_1d(start))  # MXNet's optimizers know no arrays of shape ()
    state = optimizer.create_state_multi_precision(0, weight)
    steps = whole_number("steps", steps, 1)
    path = np.empty((steps + 1, *start.shape))
    path[0] = start
    for k in range(steps):
        g = np.asarray(grad(path[k]), dtype=np.float64)
        if g.shape != start.shape:
            raise ValueError(f"grad gave shape {g.shape} at a point of shape {start.shape}")
        optimizer.update_multi_precision(0, weight, as_ndarray(np.atleast_1d(g)), state)
        x = weight.asnumpy()
        if limits is not None:
            x = np.clip(x, *limits)  # `nd.clip` reads its bounds as float32
            weight[:] = x
        path[k + 1] = x.reshape(start.shape)
    return path
