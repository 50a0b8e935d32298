"""What a net and a loss make of some samples, or a sentence on why they cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, final

import numpy as np
from mxnet import MXNetError, gluon
from mxnet.ndarray import NDArray

from gluonbook.training.samples import described

Loss = Callable[[Any, NDArray], NDArray]

_SOURCES = r"^MXNetError: |\[[\d:]+\] \S+:\d+: |Check failed: .*?\)\s*: "
_UNFIT = (MXNetError, AssertionError, AttributeError, TypeError, ValueError)  # how nets and losses refuse arguments


@final
class Outcome(NamedTuple):
    """What a net gave for some samples on one device."""

    loss: NDArray  # one value a sample
    out: Any  # an array, or what else the net gives
    y: NDArray

    @classmethod
    def of(cls, net: gluon.Block, loss: Loss, X: NDArray, y: NDArray) -> Outcome:
        """Ask `net` about X, and `loss` about its answer; raises ValueError if one cannot take what it is given."""
        out = answer(net, X)
        try:
            losses = loss(out, y)
        except _UNFIT as error:
            given = f"{described(out)} from net, and y, {described(y)}"
            raise ValueError(f"loss cannot take {given}: {_reason(error)}") from error
        return cls(losses, out, y).checked()

    def checked(self) -> Outcome:
        """Itself; raises ValueError unless there is one loss a sample."""
        wanted = (len(self.y),)
        if not isinstance(self.loss, NDArray) or self.loss.shape != wanted:
            got = self.loss.shape if isinstance(self.loss, NDArray) else described(self.loss)
            raise ValueError(f"loss must give one value a sample, shape {wanted}, got {got}")
        return self


def answer(net: gluon.Block, X: NDArray) -> Any:
    """What `net` gives for X; raises ValueError if it cannot take it."""
    try:
        return net(X)
    except _UNFIT as error:
        types = {np.dtype(parameter.dtype).name for parameter in net.collect_params().values()}
        odd = f" (its parameters are {' and '.join(sorted(types))})" if np.dtype(X.dtype).name not in types else ""
        raise ValueError(f"net cannot take X, {described(X)}{odd}: {_reason(error)}") from error


@contextmanager
def late_errors(**given: NDArray) -> Iterator[None]:
    """Inside, results are waited for: what MXNet tells as late as that becomes ValueError, with what was given."""
    try:
        yield
    except MXNetError as error:
        arrays = " and ".join(f"{name}, {described(array)}" for name, array in given.items())
        raise ValueError(f"net cannot be computed for {arrays}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The last line of a message, which is MXNet's reason, without what it says of its own sources."""
    last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return re.sub(_SOURCES, "", last) or last
