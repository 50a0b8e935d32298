"""Shampoo: a matrix for each axis of the weight."""

from __future__ import annotations

from typing import final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.checks import real, whole_number
from gluonbook.optimizers.rule import Rule, register


def power(H: NDArray, exponent: float, floor: float) -> NDArray:
    """H^exponent of a symmetric matrix with eigenvalues ≥ `floor`, or of each element of a vector."""
    if H.ndim == 1:
        return H**exponent
    # In float64, since small eigenvalues beside large ones are where this method differs from SGD.
    U, eigenvalues = nd.linalg.syevd(H.astype(np.float64))
    powers = nd.maximum(eigenvalues, floor) ** exponent
    return nd.dot(U.T * powers.reshape((1, -1)), U).astype(H.dtype)


@final
@register
class Shampoo(Rule):
    """Registered as `shampoo`. For a matrix, with its gradient G:

        L ← L + G·Gᵀ,  R ← R + Gᵀ·G,  weight ← weight − lr·L^(−1/4)·G·R^(−1/4)

    and for a weight of k axes, with G unfolded along axis i to a matrix G_i of n_i rows:

        H_i ← H_i + G_i·G_iᵀ,  weight ← weight − lr·(G, multiplied along each axis i by H_i^(−1/(2k)))

    Every H_i begins as eps·I. A vector has one axis, and this is AdaGrad with a full matrix. For an axis longer than
    `max_size`, only the diagonal of H_i is kept (the paper's diagonal variant). The roots are renewed every `every`
    steps, since they cost n_i³ each. State: a list of (H_i, its root), shapes (n_i, n_i), or (n_i,) for a diagonal, in
    float32 for float16 weights.
    Options: `eps` in (0, inf), `every` and `max_size` whole numbers from 1 and from 0; the others, and the errors, are
    those of `Rule`.

    Source: Gupta, Koren and Singer, Shampoo: preconditioned stochastic tensor optimization (2018), arXiv:1802.09568,
    Algorithms 1 and 2.
    """

    def __init__(
        self, learning_rate: float | None = None, eps: float = 1e-4, every: int = 1, max_size: int = 1024, **options
    ) -> None:
        super().__init__(learning_rate, **options)
        self.eps = real("eps", eps, "(0, inf)")
        self.every = whole_number("every", every, 1)
        self.max_size = whole_number("max_size", max_size, 0)

    def create_state(self, index: int, weight: NDArray) -> list[tuple[NDArray, NDArray]]:
        like = {"ctx": weight.context, "dtype": np.promote_types(weight.dtype, np.float32)}

        def identity(n: int, scale: float) -> NDArray:
            one = nd.ones(n, **like) if n > self.max_size else nd.eye(n, **like)
            one *= scale
            return one

        root = self.eps ** (-1 / (2 * weight.ndim))
        return [(identity(n, self.eps), identity(n, root)) for n in weight.shape]

    def delta(self, grad: NDArray, state: list[tuple[NDArray, NDArray]], lr: float, t: int) -> NDArray:
        G = step = grad.astype(state[0][0].dtype, copy=False)
        for n, (H, root) in zip(grad.shape, state):
            # The axis in turn is the first; transposing puts it last, so that after a whole round all are in order.
            G, step = G.reshape((n, -1)), step.reshape((n, -1))
            H += nd.dot(G, G.T) if H.ndim == 2 else G.square().sum(axis=1)
            if (t - 1) % self.every == 0:
                root[:] = power(H, -1 / (2 * grad.ndim), self.eps)
            step = nd.dot(root, step) if root.ndim == 2 else root.reshape((n, 1)) * step
            G, step = G.T, step.T
        return lr * step.reshape(grad.shape).astype(grad.dtype, copy=False)
