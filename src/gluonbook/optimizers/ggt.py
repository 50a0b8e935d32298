"""GGT: the full matrix of the last r gradients, at the price of a small one."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.optimizers.eigen import eigh, rounding
from gluonbook.optimizers.options import whole, within
from gluonbook.optimizers.rule import Rule, dense, register


def inverse_root_times_column(rows: NDArray, i: int, eps: float) -> NDArray:
    """((G·Gᵀ)^½ + eps·I)⁻¹·g without a d×d matrix, for a d×r matrix G, given as its columns `rows`, and g = rows[i].

    A function of G·Gᵀ times G is G times that function of Gᵀ·G, so this is G·((Gᵀ·G)^½ + eps·I)⁻¹·e, where Gᵀ·G is r×r
    and e is the unit vector with G·e = g. All is NaN if Gᵀ·G is not finite.

    Eigenvectors u of Gᵀ·G whose eigenvalues are its rounding are left out: G·u is 0, as where gradients depend on each
    other, or so small that it cannot be told from 0, less than some 1e-7 of the largest.
    """
    # A product of two float32 has twice their digits, and the root needs them; so does the sum where G has rank < r.
    wide = rows.astype(np.float64)
    U, eigenvalues = eigh(nd.dot(wide, wide, transpose_b=True))
    told = eigenvalues > len(rows) * rounding(eigenvalues, np.float64)
    roots = nd.maximum(eigenvalues, 0).sqrt()
    mixture = nd.dot(told * U[:, i] / (roots + eps), U)
    return nd.dot(mixture, wide).astype(rows.dtype)


@final
@register
class GGT(Rule):
    """Registered as `ggt`.

        G ← the last `window` gradients as columns, each newer one weighing more: beta^age·grad
        weight ← weight − lr·((G·Gᵀ)^½ + eps·I)⁻¹·grad

    All weights of a parameter, d of them, share one d×d matrix, that is never built (`inverse_root_times_column`).
    In the paper it is one matrix for all parameters; here, as in the others, each parameter has its own.
    State: the gradients as rows, in the order of t modulo window: `window` times the memory of the weight, and float32
    for float16 weights.
    Options: `window` (the paper's r) a whole number from 1, `beta` (its β₂) in (0, 1], `eps` (its ε) in (0, inf); the
    others, and the errors, are those of `Rule`.

    Source: Agarwal, Bullins, Chen, Hazan, Singh, Zhang and Zhang, Efficient full-matrix adaptive regularization
    (2018), arXiv:1806.02958, Algorithm 1.
    """

    ranges: ClassVar = {"window": whole(1), "beta": within("(0, 1]"), "eps": within("(0, inf)")}
    fixed = ("window",)
    wide = ("eps",)

    def __init__(
        self, learning_rate: float | None = None, window: int = 20, beta: float = 1.0, eps: float = 1e-4, **options
    ) -> None:
        super().__init__(learning_rate, **options)
        self.window = window
        self.beta = beta
        self.eps = eps

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return nd.zeros((self.window, dense(weight).size), weight.context, np.promote_types(weight.dtype, np.float32))

    def delta(self, grad: NDArray, rows: NDArray, lr: float, t: int) -> NDArray:
        newest = (t - 1) % self.window
        rows *= self.beta
        rows[newest] = grad.reshape(-1).astype(rows.dtype)
        step = inverse_root_times_column(rows, newest, self.eps)
        return lr * step.reshape(grad.shape).astype(grad.dtype)
