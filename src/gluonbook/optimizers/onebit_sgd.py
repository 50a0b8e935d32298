"""1-bit SGD: one bit an element, two numbers a row, and a memory of what they left out."""

from __future__ import annotations

from typing import final

from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

from gluonbook.arrays import wide
from gluonbook.optimizers.rule import Rule, register, zeros_like


def two_means(v: NDArray) -> NDArray:
    """Q(v): in each row, elements ≥ 0 become their mean, and the others theirs.

    These two numbers a row have the least squared error, and keep the row's sum. `v` is a matrix.
    """
    dtype, v = v.dtype, wide(v)
    positive = v >= 0
    negative = 1 - positive
    rows = {"axis": 1, "keepdims": True}
    upper = (v * positive).sum(**rows) / nd.maximum(positive.sum(**rows), 1)
    lower = (v * negative).sum(**rows) / nd.maximum(negative.sum(**rows), 1)
    return nd.where(positive, upper.broadcast_like(v), lower.broadcast_like(v)).astype(dtype, copy=False)


@final
@register
class OneBitSGD(Rule):
    """Registered as `onebitsgd`.

        v ← grad + residual
        q ← Q(v): in each row, the mean of the elements ≥ 0, or that of the others
        residual ← v − q
        weight ← weight − lr·q

    A row is what leads to one output, as stored by Gluon: `weight[i]`, of any order, for a weight of two axes and
    more; a vector is one row. The bit of an element tells the two means apart: it is 1 for 0, as in the packed form of
    `gluonbook.kernels`, and moves by a mean like all others; a NaN or Inf spoils its row.
    grad + residual = q + the new residual, up to the rounding of one subtraction. State: `residual`, shaped like the
    weight, in the gradient's unit. Options and errors are those of `Rule`.

    Source: Seide, Fu, Droppo, Li and Yu, 1-bit stochastic gradient descent and its application to data-parallel
    distributed training of speech DNNs (Interspeech 2014).
    """

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return zeros_like(weight)

    def delta(self, grad: NDArray, residual: NDArray, lr: float, t: int) -> NDArray:
        v = grad + residual
        rows = v.shape[0] if v.ndim > 1 else 1
        q = two_means(v.reshape((rows, -1))).reshape(v.shape)
        residual[:] = v - q
        return lr * q
