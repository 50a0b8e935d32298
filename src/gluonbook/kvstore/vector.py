"""Arrays of many parameters as one vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np
from mxnet.ndarray import NDArray

from gluonbook.arrays import as_ndarray
from gluonbook.kernels import memory, views
from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.finite import NotFinite, within


@final
@dataclass(frozen=True)
class Vector:
    """Arrays of float32 that lie one after the other in memory.

    Raises:
        ValueError: there are more or fewer values than the shapes have elements, or they are not float32.
    """

    values: np.ndarray  # all of them, with one axis
    shapes: Mapping[int | str, tuple[int, ...]]  # by the number of the parameter, in order

    def __post_init__(self) -> None:
        length = sum(map(prod, self.shapes.values()))
        if self.values.shape != (length,) or self.values.dtype != np.float32:
            found = f"{self.values.dtype}, shape {self.values.shape}"
            raise ValueError(f"the values of these parameters are float32, shape ({length},), got {found}")

    @classmethod
    def zeros(cls, keys: Sequence[int | str], like: Sequence[NDArray]) -> Vector:
        """Zeros in the shapes of these arrays."""
        return cls(np.zeros(sum(array.size for array in like), np.float32), dict(zip(keys, (a.shape for a in like))))

    @classmethod
    def summed(cls, bucket: Bucket) -> Vector:
        """The gradients of a bucket, summed over the devices where they count; zeros where they do nowhere."""
        sums = cls.zeros(bucket.keys, [own[0] for own in bucket.grads])
        for device in bucket.devices:
            sums.add([own[device] for own in bucket.grads])
        return sums

    @property
    def parts(self) -> dict[int | str, np.ndarray]:
        """Each array in its shape, by the number of its parameter: views of `values`."""
        parts: dict[int | str, np.ndarray] = {}
        start = 0
        for key, shape in self.shapes.items():
            stop = start + prod(shape)
            parts[key] = self.values[start:stop].reshape(shape)
            start = stop
        return parts

    def times(self, factor: float, divisor: float) -> Vector:
        """The vector times factor/divisor; itself, to the bit, where the two are equal."""
        return self if factor == divisor else Vector(self.values * np.float32(factor / divisor), self.shapes)

    def bounded(self, bound: float) -> Vector:
        """The vector itself.

        Raises:
            NotFinite: its numbers are not all from −bound to bound.
        """
        if not within(self.values, bound):
            raise NotFinite([key for key, part in self.parts.items() if not within(part, bound)])
        return self

    def add(self, arrays: Sequence[NDArray]) -> None:
        """Add an array to each part."""
        for part, array in zip(self.parts.values(), arrays):
            part += _on_host(array)

    def write(self, arrays: Sequence[NDArray]) -> None:
        """Write each part into an array of its shape."""
        for part, array in zip(self.parts.values(), arrays):
            # Not array[:] = part: what an inference has turned into oneDNN's layout takes no numpy array.
            as_ndarray(part.astype(array.dtype, copy=False)).copyto(array)


def _on_host(array: NDArray) -> np.ndarray:
    if array.context.device_type == "gpu":
        return array.asnumpy()
    flat = memory.flat("array", array)
    views.settle(flat)
    return views.readable(flat).view(flat.dtype).reshape(flat.shape)
