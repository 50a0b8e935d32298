"""Where sums of finite numbers may leave float32: norms and means that do not, and the error of gradients that do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray

LARGEST = float(np.finfo(np.float32).max)
POSITIVE, FROM_ZERO = "[1e-45, 3.4e38]", "[0, 3.4e38]"  # of an option, what becomes neither zero nor inf in float32


@final
class NotFinite(Exception):
    """Of these parameters a gradient, or what a method makes of it, is not finite, or may not stay so in a sum."""

    def __init__(self, keys: Sequence[int | str]) -> None:
        super().__init__(keys)
        self.keys = keys


def within(values: np.ndarray, bound: float) -> bool:
    """Whether all values are from −bound to bound, and so none is NaN."""
    return bool(-bound <= values.min(initial=0) and values.max(initial=0) <= bound)


def euclidean(v: np.ndarray) -> float:
    """‖v‖₂ of a vector of float32."""
    return float(np.sqrt(np.einsum("i,i->", v, v, dtype=np.float64)))


def mean_sizes(*arrays: NDArray) -> NDArray:
    """‖v‖₁/d of each array of d elements; 0 of one that has none."""
    means = [nd.abs(v).mean().reshape(1) if v.size else nd.zeros(1, v.context, v.dtype) for v in arrays]
    return nd.concat(*means, dim=0)


def reduced(reduce: Callable[..., NDArray], *arrays: NDArray) -> np.ndarray:
    """What `reduce` makes of arrays of float32, in float32; by way of float64 where its sums do not stay finite.

    So means, for one, are finite wherever all elements are.
    """
    found = reduce(*arrays).asnumpy()
    if np.isfinite(found).all():
        return found
    return reduce(*(array.astype(np.float64) for array in arrays)).asnumpy().astype(np.float32)
