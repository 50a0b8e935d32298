"""Scores and predictions of a net on a whole dataset, on one device or on many."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon.utils import split_and_load

from gluonbook.checkpoint.anatomy import some
from gluonbook.training.outcome import Loss, Outcome, answer, late_errors
from gluonbook.training.samples import Samples, described


@final
@dataclass(frozen=True)
class Score:
    """Means over `count` samples. `accuracy` is None unless the net gives a score a class and `y` is the class."""

    loss: float
    accuracy: float | None
    count: int


def _sums_of(losses: mx.sym.Symbol, out: mx.sym.Symbol, y: mx.sym.Symbol) -> mx.sym.Symbol:
    hits = mx.sym.broadcast_equal(mx.sym.argmax(out.astype("float64"), axis=1), y.astype("float64"))
    return mx.sym.stack(losses.astype("float64"), hits.astype("float64")).sum(axis=1)


# The sum of the losses and the number of right answers: one order to the engine instead of eight.
_SUMS = mx.nd.CachedOp(_sums_of(*map(mx.sym.var, ("losses", "out", "y"))))


@final
class Tally:
    """Sums of loss and of right answers, a pair a device, in float64; no step waits for its own, only `read` does."""

    def __init__(self, ctx: Sequence[mx.Context], sums: Sequence[Sequence[float]] = ()) -> None:
        if len(sums) != len(ctx):  # a resumed run may have another number of devices
            sums = [[sum(column) for column in zip(*sums)] or [0.0, 0.0], *[[0.0, 0.0]] * (len(ctx) - 1)]
        self.ctx = ctx
        self._recent: deque[mx.nd.NDArray] = deque()
        self._sums = [mx.nd.array(pair, ctx=device, dtype="float64") for device, pair in zip(ctx, sums)]

    def add(self, outcome: Outcome) -> None:
        """Raises ValueError unless there is one loss a sample."""
        losses, out, y = outcome.checked()
        losses = losses.as_nd_ndarray()  # else a comparison gives another type in MXNet's numpy mode
        if isinstance(out, mx.nd.NDArray) and out.ndim == 2 and out.shape[1] > 1 and y.ndim == 1:
            sums = _SUMS(losses, out.as_nd_ndarray(), y.as_nd_ndarray())
        else:
            nothing = mx.nd.full(1, math.nan, ctx=losses.context, dtype="float64")
            sums = mx.nd.concat(losses.astype("float64").sum(), nothing, dim=0)
        self._sums[self.ctx.index(losses.context)] += sums
        self._recent.append(losses)
        if len(self._recent) > 2 * len(self.ctx):  # stay ahead of the devices, but not so far that batches pile up
            self._recent.popleft().wait_to_read()

    def read(self) -> list[list[float]]:
        return [pair.asnumpy().tolist() for pair in self._sums]

    def score(self, count: int) -> Score:
        loss, accuracy = (sum(column) / count for column in zip(*self.read()))
        return Score(loss, None if math.isnan(accuracy) else accuracy, count)


def evaluate(
    net: gluon.Block,
    dataset: gluon.data.Dataset,
    *,
    batch_size: int = 256,
    loss: Loss | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
) -> Score:
    """Mean loss and accuracy over the (X, y) pairs of `dataset`, every sample weighing the same.

    `loss(out, y)` gives one value a sample (default: softmax cross-entropy) for what `net` gives, which may be more
    than one array. Runs on `ctx`, by default wherever `net` lives. Raises ValueError for what is no dataset, or empty,
    for samples that `net` cannot take, and for a loss of another shape.
    """
    loss, ctx, samples = checked_loss(loss), contexts(net, ctx), Samples("the dataset", dataset)
    tally = Tally(ctx)
    ask = look
    for X, y in samples.in_order(batch_size):
        for outcome in ask(net, loss, ctx, X, y):
            tally.add(outcome)
        ask = outcomes
    return tally.score(len(samples))


def predict(
    net: gluon.Block,
    dataset: gluon.data.Dataset,
    *,
    batch_size: int = 256,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
) -> Any:
    """What `net` gives for each sample, stacked as a numpy array; `.argmax(axis=1)` turns scores into classes.

    A sample is X or a tuple that begins with X. Where the net gives a tuple or a list of arrays, a tuple of stacked
    ones is returned. Raises ValueError for what is no dataset, or empty, for samples that `net` cannot take, and where
    it gives anything but one row a sample.
    """
    ctx = contexts(net, ctx)
    rows: list[list[np.ndarray]] = []
    for (X,) in Samples("the dataset", dataset, labelled=False).in_order(batch_size):
        parts = split(X, ctx)
        outs = [answer(net, part) for part in parts]  # all devices are busy before the first is waited for
        with late_errors(X=X):
            rows.extend([array.asnumpy() for array in _arrays(out, len(part))] for out, part in zip(outs, parts))
    stacked = tuple(np.concatenate(column) for column in zip(*rows))
    return stacked if isinstance(outs[0], (tuple, list)) else stacked[0]


def _arrays(out: Any, count: int) -> Sequence[mx.nd.NDArray]:
    arrays = out if isinstance(out, (tuple, list)) else [out]
    for array in arrays:
        if not isinstance(array, mx.nd.NDArray) or array.shape[:1] != (count,):
            raise ValueError(
                f"net must give an array, or several, with a row a sample, {count}, got {described(array)}"
            )
    return arrays


def outcomes(
    net: gluon.Block, loss: Loss, ctx: Sequence[mx.Context], X: mx.nd.NDArray, y: mx.nd.NDArray
) -> list[Outcome]:
    """What net and loss make of a batch, spread over devices; ValueError also for labels beyond the net's classes."""
    found = [Outcome.of(net, loss, *part) for part in zip(split(X, ctx), split(y, ctx))]
    if type(loss) is gluon.loss.SoftmaxCrossEntropyLoss and loss._sparse_label:
        classes, labels = found[0].out.shape[loss._axis], y.asnumpy()
        odd = labels[~((labels >= 0) & (labels < classes) & (labels % 1 == 0))]
        if odd.size:  # MXNet would take the nearest class
            raise ValueError(f"y must be a class, 0 … {classes - 1} with what net gives, got {odd[0]:g}")
    return found


def look(net: gluon.Block, loss: Loss, ctx: Sequence[mx.Context], X: mx.nd.NDArray, y: mx.nd.NDArray) -> list[Outcome]:
    """The `outcomes` of a first batch, which are waited for, since MXNet tells some errors no sooner."""
    found = outcomes(net, loss, ctx, X, y)
    with late_errors(X=X, y=y):
        for outcome in found:
            outcome.loss.wait_to_read()
    return found


def checked_loss(loss: Loss | None) -> Loss:
    """`loss`, by default softmax cross-entropy; raises ValueError if it is nothing to call."""
    if loss is None:
        return gluon.loss.SoftmaxCrossEntropyLoss()
    if isinstance(loss, type) or not callable(loss):
        what = f"the class {loss.__name__}, not one of its kind" if isinstance(loss, type) else described(loss)
        raise ValueError(f"loss must be a function of (out, y), such as gluon.loss.L2Loss(), got {what}")
    return loss


def split(array: mx.nd.NDArray, ctx: Sequence[mx.Context]) -> list[mx.nd.NDArray]:
    return split_and_load(array, ctx[: len(array)], even_split=False)


def contexts(
    net: gluon.Block, ctx: mx.Context | Sequence[mx.Context] | None, *, whole: bool = False
) -> list[mx.Context]:
    """`ctx` as a list, by default all devices of `net`; ValueError if net is not there, or (`whole`) also elsewhere."""
    if not isinstance(net, gluon.Block):
        raise ValueError(f"net must be a gluon.Block, got {described(net)}")
    parameters = dict(net.collect_params().items())
    if not parameters:
        raise ValueError(f"net has no parameters: {net}")
    if missing := [name for name, p in parameters.items() if p._data is None and not p._deferred_init]:
        raise ValueError(f"net is not initialized, there is no {some(missing)}: net.initialize(ctx=...)")
    own = next(iter(parameters.values())).list_ctx()
    if apart := [name for name, parameter in parameters.items() if parameter.list_ctx() != own]:
        raise ValueError(f"net lives on {own}, but not {some(apart)}: net.collect_params().reset_ctx(...)")
    wanted = own if ctx is None else list(ctx) if isinstance(ctx, (list, tuple)) else [ctx]
    if not wanted or not set(wanted) <= set(own) or (whole and set(wanted) != set(own)):
        raise ValueError(
            f"ctx is {wanted}, and net lives on {own}: net.initialize(ctx=...) or net.collect_params().reset_ctx(...)"
        )
    return wanted
