"""The arrays of a checkpoint by name, and the values that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import mxnet as mx
import numpy as np

from gluonbook.checkpoint.packing import pack, unpack


@final
class Tensors:
    """Numpy arrays by names such as "0/parameter/0.weight", which begin with the number of a device.

    Devices mostly hold the same bits, batch norm's running statistics excepted: what differs from the first is kept.
    """

    def __init__(self, contexts: Sequence[mx.Context], arrays: dict[str, np.ndarray] | None = None) -> None:
        self.contexts = contexts
        self.arrays = {} if arrays is None else arrays
        self._later: list[Callable[[], None]] = []

    def pack(self, value: Any, name: str, device: int = 0) -> Any:
        """`value` as JSON; its arrays are kept."""

        def put(name: str, array: np.ndarray) -> None:
            if not device or not _same_bits(self.arrays.get(f"0/{name}"), array):
                self.arrays[f"{device}/{name}"] = array

        return pack(value, name, put, self.contexts)

    def unpack(self, packed: Any, present: Any = None, device: int = 0) -> Any:
        """What was packed; objects in `present` are changed by `settle` only."""

        return unpack(packed, lambda name: self.get(name, device), self.contexts, present, self._later)

    def get(self, name: str, device: int) -> np.ndarray:
        """The array that a device held."""
        own = f"{device}/{name}"
        return self.arrays[own if own in self.arrays else f"0/{name}"]

    def settle(self) -> None:
        """Change the objects that were present when they were unpacked."""
        for change in self._later:
            change()


def _same_bits(a: np.ndarray | None, b: np.ndarray) -> bool:
    return a is not None and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
