"""Shampoo: a matrix for each axis of the weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.optimizers.eigen import eigh, rounding
from gluonbook.optimizers.options import whole, within
from gluonbook.optimizers.rule import Rule, dense, register, zeros_like

Axes = list[tuple[NDArray, NDArray]]  # of each axis, H and its root
State = tuple[Axes, NDArray]  # the axes, and mom


def power(H: NDArray, exponent: float, floor: float) -> NDArray:
    """H^exponent of a symmetric matrix with eigenvalues ≥ `floor`, or of each element of a vector.

    That of a matrix which is not finite is NaN.
    """
    if H.ndim == 1:
        return H**exponent
    # In float64, since small eigenvalues beside large ones are where this method differs from SGD.
    U, eigenvalues = eigh(H.astype(np.float64))
    floor = max(floor, rounding(eigenvalues, H.dtype))  # with smaller ones, a step would be noise
    powers = nd.maximum(eigenvalues, floor) ** exponent
    return nd.dot(U.T * powers.reshape((1, -1)), U).astype(H.dtype)


def unfolded(G: NDArray) -> Iterator[NDArray]:
    """G as a matrix with the rows of each axis in turn; how its columns are ordered is no matter."""
    for n in G.shape:
        G = G.reshape((n, -1))
        yield G
        G = G.T


def times(matrix: NDArray, G: NDArray) -> NDArray:
    """The product, where a vector stands for a diagonal matrix."""
    return nd.dot(matrix, G) if matrix.ndim == 2 else matrix.reshape((-1, 1)) * G


def along_axes(matrices: Iterable[NDArray], G: NDArray) -> NDArray:
    """G, multiplied along each axis by the matrix of that axis."""
    shape = G.shape
    for n, matrix in zip(shape, matrices):
        # The axis in turn is the first; transposing puts it last, so that after a whole round all are in order.
        G = times(matrix, G.reshape((n, -1))).T
    return G.reshape(shape)


def merged(shape: Sequence[int], longest: int) -> tuple[int, ...]:
    """A shape in which neighbouring axes are one, from the last on, where that is no longer than `longest`.

    The first axis stays as it is: that of a layer's outputs, in MXNet. (8, 4, 3, 3) becomes (8, 36) for 36 and more,
    (8, 4, 9) for 9 to 35.
    """
    axes: list[int] = []
    for n in reversed(shape[1:]):
        if axes and axes[0] * n <= longest:
            axes[0] *= n
        else:
            axes.insert(0, n)
    return (*shape[:1], *axes)


def too_long(step: NDArray, axes: Axes) -> bool:
    """Whether `step` = P·grad, by the roots that are there, might be over twice as long as Q·grad, by new ones.

    By Cauchy and Schwarz ‖Q·grad‖² ≥ (gradᵀx)²/(xᵀQ⁻²x) for every x, here for x = P·step, with gradᵀx = ‖step‖². Q⁻² is
    the geometric mean of the H_i, each along its axis. They commute, so xᵀQ⁻²x is at most the geometric mean of all
    xᵀH_i x.
    """
    x = along_axes([root for _, root in axes], step)
    products = [(X * times(H, X)).sum().asscalar() for (H, _), X in zip(axes, unfolded(x))]
    return np.prod(np.power(products, 1 / len(products))) > 4 * step.square().sum().asscalar()


@final
@register
class Shampoo(Rule):
    """Registered as `shampoo`. For a matrix, with its gradient G:

        L ← L + G·Gᵀ,  R ← R + Gᵀ·G,  weight ← weight − lr·L^(−1/4)·G·R^(−1/4)

    and for a weight of k axes, with G unfolded along axis i to a matrix G_i of n_i rows:

        H_i ← H_i + G_i·G_iᵀ,  weight ← weight − lr·(G, multiplied along each axis i by H_i^(−1/(2k)))

    Every H_i begins as eps·I. A vector has one axis, and this is AdaGrad with a full matrix. For an axis longer than
    `max_size`, only the diagonal of H_i is kept (the paper's diagonal variant).

    With `momentum`, that of PlainSGD, the weight goes on in the directions of the steps before:

        mom ← momentum·mom + lr·(G, multiplied as above),  weight ← weight − mom

    With `merge_axes`, short axes behind the first are one axis, as long as `merge_axes` or less (`merged`): a kernel
    (out, in, 3, 3) is a matrix of out rows and in·3·3 columns, or a weight of three axes, the last of 3·3. It has fewer
    matrices, each H_i to the power of −1/(2k) with a smaller k, and they know more of what goes together.

    State: a list of (H_i, its root), of shapes (n_i, n_i), or (n_i,) for a diagonal, in float32 for float16 weights;
    and `mom`, shaped like the weight.

    Since the roots cost n_i³ each, they are renewed every `every` steps only. An old root knows nothing of a direction
    that is new since, and would make a step in it some 1/√eps times too long; so roots are also renewed where a step
    might be over twice as long by old ones as by new ones (`too_long`). So from the same H_i a step is as long as with
    every=1, or longer, but at most twice, before momentum. As H_i grows, early renewals become rare.

    Options: `eps` in (0, inf), `every` and `max_size` whole numbers from 1 and from 0, `momentum` in [0, 1) and
    `merge_axes` a whole number from 0, both 0 by default; the others, and the errors, are those of `Rule`.

    Source: Gupta, Koren and Singer, Shampoo: preconditioned stochastic tensor optimization (2018), arXiv:1802.09568,
    Algorithms 1 and 2. Momentum after the roots, and merged axes, are those of the code for Anil, Gupta, Koren, Regan
    and Singer, Scalable second order optimization for deep learning (2020), arXiv:2002.09018, which merges from the
    first axis on. (The first paper's code in TensorFlow has the momentum before the roots.)
    """

    ranges: ClassVar = {
        "eps": within("(0, inf)"),
        "every": whole(1),
        "max_size": whole(0),
        "momentum": within("[0, 1)"),
        "merge_axes": whole(0),
    }
    fixed = ("max_size", "merge_axes")
    wide = ("eps",)

    def __init__(
        self,
        learning_rate: float | None = None,
        eps: float = 1e-4,
        every: int = 1,
        max_size: int = 1024,
        momentum: float = 0.0,
        merge_axes: int = 0,
        **options,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.eps = eps
        self.every = every
        self.max_size = max_size
        self.momentum = momentum
        self.merge_axes = merge_axes

    def create_state(self, index: int, weight: NDArray) -> State:
        like = {"ctx": dense(weight).context, "dtype": np.promote_types(weight.dtype, np.float32)}

        def identity(n: int, scale: float) -> NDArray:
            one = nd.ones(n, **like) if n > self.max_size else nd.eye(n, **like)
            one *= scale
            return one

        shape = merged(weight.shape, self.merge_axes)
        root = self.eps ** (-1 / (2 * len(shape)))
        return [(identity(n, self.eps), identity(n, root)) for n in shape], zeros_like(weight)

    def delta(self, grad: NDArray, state: State, lr: float, t: int) -> NDArray:
        axes, mom = state
        G = grad.astype(axes[0][0].dtype, copy=False).reshape([len(H) for H, _ in axes])
        for (H, _), G_i in zip(axes, unfolded(G)):
            H += nd.dot(G_i, G_i.T) if H.ndim == 2 else G_i.square().sum(axis=1)
        due = (t - 1) % self.every == 0
        step = self._step(G, axes, new_roots=due)
        if not due and too_long(step, axes):
            step = self._step(G, axes, new_roots=True)
        mom[:] = self.momentum * mom + lr * step.reshape(grad.shape).astype(grad.dtype, copy=False)
        return mom

    def _step(self, G: NDArray, axes: Axes, new_roots: bool) -> NDArray:
        if new_roots:
            for H, root in axes:
                root[:] = power(H, -1 / (2 * len(axes)), self.eps)
        return along_axes([root for _, root in axes], G)
