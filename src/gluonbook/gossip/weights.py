"""The trained parameters of a net as one vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import final
from zlib import crc32

import numpy as np
from mxnet import gluon

from gluonbook.arrays import as_ndarray
from gluonbook.checkpoint.anatomy import some

_DTYPES = ("float32", "float64")


@final
class Weights:
    """What of some parameters is trained, read and written as one vector of numpy.

    Raises:
        ValueError: there is nothing to train; parameters have no values yet, are sparse, lie on several devices, or are
            not all float32, or all float64.
    """

    def __init__(self, params: Mapping[str, gluon.Parameter] | Sequence[gluon.Parameter]) -> None:
        everything = list(params.values() if isinstance(params, (Mapping, gluon.ParameterDict)) else params)
        if odd := [one for one in everything if not isinstance(one, gluon.Parameter)]:
            raise ValueError(f"params must be parameters, as of net.collect_params(), got {odd[0]!r}")
        self._params = [parameter for parameter in everything if parameter.grad_req != "null"]
        if not self._params:
            raise ValueError("params hold nothing to train")
        if waiting := [parameter.name for parameter in self._params if parameter._data is None]:
            raise ValueError(f"no values yet for {some(waiting)}: initialize net, and pass one batch through it")
        if sparse := [parameter.name for parameter in self._params if parameter._stype != "default"]:
            raise ValueError(f"parameters must be dense, and {some(sparse)} are not")
        if spread := [parameter.name for parameter in self._params if len(parameter.list_ctx()) > 1]:
            raise ValueError(f"a rank has one device, and {some(spread)} are on several")
        dtypes = {np.dtype(parameter.dtype).name for parameter in self._params}
        if len(dtypes) > 1 or not dtypes <= set(_DTYPES):
            raise ValueError(f"parameters must be all {' or all '.join(_DTYPES)}, got {', '.join(sorted(dtypes))}")
        self.dtype = np.dtype(self._params[0].dtype)
        self._ends = np.cumsum([prod(parameter.shape) for parameter in self._params])

    @property
    def described(self) -> str:
        """In words: how many, and of which type."""
        shapes = crc32(repr([parameter.shape for parameter in self._params]).encode())
        return f"{self._ends[-1]} weights of {self.dtype} in {len(self._params)} parameters (shapes {shapes:08x})"

    def read(self) -> np.ndarray:
        """A copy of them all, in the order of the parameters."""
        return np.concatenate([parameter.data().asnumpy().ravel() for parameter in self._params])

    def write(self, vector: np.ndarray) -> None:
        """Give the parameters these values."""
        for parameter, part in zip(self._params, np.split(vector.astype(self.dtype, copy=False), self._ends[:-1])):
            as_ndarray(part.reshape(parameter.shape)).copyto(parameter.data())
