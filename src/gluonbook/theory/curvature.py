"""Second derivatives of a function of which there are gradients."""

from __future__ import annotations

from typing import Callable, NamedTuple, final

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from gluonbook.checks import flag, real, whole_number

Gradient = Callable[[np.ndarray], np.ndarray]
H = 1e-5  # the cube root of float64's rounding: truncation and rounding err alike
_STEPS = 2.0**29  # a shift is at least so many steps from one float to the next: more than half of their 53 bits


def hessian(grad: Gradient, x: np.ndarray, *, h: float = H) -> np.ndarray:
    """The Hessian H_ij = ∂²f/∂x_i∂x_j of f at x, of shape (d, d), symmetric, by central differences of its gradient:

        H e_i ≈ (∇f(x + h·e_i) − ∇f(x − h·e_i)) / 2h

    `grad` maps a point of shape (d,) to ∇f there. It is asked 2d times. In float64, with f of order 1 and `h` as it is,
    entries are right to about ten digits; with a gradient in float32 the rounding swamps small eigenvalues. Where |x_i|
    is above 10⁷·h, the shift of x_i is some 10⁻⁷ of it, or it would be rounded away.

    Raises ValueError where x has not one axis, `h` is not positive, or a gradient is not shaped like x.
    """
    x, h = _point(x), real("h", h, "(0, inf)")
    columns = [_difference(grad, x, e, h) for e in np.eye(len(x))]
    return (np.stack(columns) + np.stack(columns, axis=1)) / 2


def hessian_product(grad: Gradient, x: np.ndarray, v: np.ndarray, *, h: float = H) -> np.ndarray:
    """H·v at x, of shape (d,), by one central difference along v, with a shift of length `h` whatever the length of v.

    Where x is large along v, the shift is longer, as for `hessian`; the largest coordinate that moves decides.
    Two gradients, however large d is. Raises ValueError as `hessian` does, and where v is not shaped like x.
    """
    x, v, h = _point(x), np.asarray(v, dtype=np.float64), real("h", h, "(0, inf)")
    if v.shape != x.shape:
        raise ValueError(f"v must have the shape of x, {x.shape}, got {v.shape}")
    length = np.linalg.norm(v)
    return length * _difference(grad, x, v / length, h) if length else np.zeros_like(x)


@final
class Curvatures(NamedTuple):
    """Eigenvalues of a Hessian, shape (count,), the most extreme first; and unit eigenvectors as rows, (count, d)."""

    values: np.ndarray
    vectors: np.ndarray


def extreme_curvatures(
    grad: Gradient, x: np.ndarray, *, count: int = 1, largest: bool = True, h: float = H
) -> Curvatures:
    """The `count` largest eigenvalues of the Hessian at x, or with `largest=False` the smallest, and their vectors.

    Lanczos' method on `hessian_product`, which never writes the d × d matrix down: some twenty products for one of
    them, where `hessian` takes d. The first direction is drawn from a seed of its own, so that the answer is the same
    each time.

    Raises ValueError as `hessian` does, and for a `count` that is not from 1 to d − 1.
    """
    x, h = _point(x), real("h", h, "(0, inf)")
    count, largest = whole_number("count", count, 1, len(x) - 1), flag("largest", largest)
    product = LinearOperator(
        (len(x), len(x)), matvec=lambda v: hessian_product(grad, x, v.ravel(), h=h), dtype=np.float64
    )
    first = np.random.RandomState(0).normal(size=len(x))
    values, vectors = eigsh(product, k=count, which="LA" if largest else "SA", v0=first)
    order = np.argsort(-values if largest else values)
    return Curvatures(values[order], vectors.T[order])


def _point(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"x must be a point of shape (d,), got shape {x.shape}")
    return x


def _difference(grad: Gradient, x: np.ndarray, direction: np.ndarray, h: float) -> np.ndarray:
    # Far from the origin h would be rounded away. A power of two is not: x_i ± h are exact, and 2h lies between them.
    h = max(h, _STEPS * np.spacing(np.abs(x[direction != 0]).max()))
    ahead, behind = (np.asarray(grad(x + shift * direction), dtype=np.float64) for shift in (h, -h))
    if ahead.shape != x.shape or behind.shape != x.shape:
        raise ValueError(f"grad gave shape {ahead.shape} at a point of shape {x.shape}")
    return (ahead - behind) / (2 * h)
