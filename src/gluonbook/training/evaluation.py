"""Scores and predictions of a net on a whole dataset, on one device or on many."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon.data.dataloader import default_batchify_fn
from mxnet.gluon.utils import split_and_load

from gluonbook.checks import whole_number

Loss = Callable[[mx.nd.NDArray, mx.nd.NDArray], mx.nd.NDArray]


@final
@dataclass(frozen=True)
class Score:
    """Means over `count` samples. `accuracy` is None unless the net gives a score a class and `y` is the class."""

    loss: float
    accuracy: float | None
    count: int


@final
class Outcome(NamedTuple):
    """What a net gave for some samples on one device."""

    loss: mx.nd.NDArray  # one value a sample
    out: mx.nd.NDArray
    y: mx.nd.NDArray


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
        losses, out, y = outcome
        if losses.shape != (len(out),):
            raise ValueError(f"loss must give one value a sample, shape ({len(out)},), got {losses.shape}")
        if out.ndim == 2 and out.shape[1] > 1 and y.ndim == 1:
            hits = out.astype("float32", copy=False).argmax(axis=1) == y.astype("float32")
        else:
            hits = mx.nd.full(losses.shape, math.nan, ctx=losses.context)
        pairs = mx.nd.stack(losses, hits.astype(losses.dtype, copy=False))
        self._sums[self.ctx.index(losses.context)] += pairs.astype("float64").sum(axis=1)
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

    `loss(out, y)` gives one value a sample (default: softmax cross-entropy). Runs on `ctx`, by default wherever `net`
    lives. Raises ValueError for an empty dataset or a loss of another shape.
    """
    loss, ctx, count = loss or gluon.loss.SoftmaxCrossEntropyLoss(), contexts(net, ctx), sample_count(dataset)
    tally = Tally(ctx)
    for X, y in batches_in_order(dataset, batch_size):
        for x_part, y_part in zip(split(X, ctx), split(y, ctx)):
            out = net(x_part)
            tally.add(Outcome(loss(out, y_part), out, y_part))
    return tally.score(count)


def predict(
    net: gluon.Block,
    dataset: gluon.data.Dataset,
    *,
    batch_size: int = 256,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
) -> np.ndarray:
    """What `net` gives for each sample, stacked as a numpy array; `.argmax(axis=1)` turns scores into classes.

    A sample is X or a tuple that begins with X. Raises ValueError for an empty dataset.
    """
    ctx = contexts(net, ctx)
    outputs: list[np.ndarray] = []
    sample_count(dataset)
    for batch in batches_in_order(dataset, batch_size):
        X = batch[0] if isinstance(batch, (list, tuple)) else batch
        parts = [net(part) for part in split(X, ctx)]  # all devices are busy before the first is waited for
        outputs.extend(part.asnumpy() for part in parts)
    return np.concatenate(outputs)


def batches_in_order(dataset: gluon.data.Dataset, batch_size: int) -> Iterator:
    # What a DataLoader without workers does, less the garbage collection that each new DataLoader waits for.
    for first in range(0, len(dataset), whole_number("batch_size", batch_size, 1)):
        yield default_batchify_fn([dataset[i] for i in range(first, min(first + batch_size, len(dataset)))])


def split(array: mx.nd.NDArray, ctx: Sequence[mx.Context]) -> list[mx.nd.NDArray]:
    return split_and_load(array, ctx[: len(array)], even_split=False)


def contexts(
    net: gluon.Block, ctx: mx.Context | Sequence[mx.Context] | None, *, whole: bool = False
) -> list[mx.Context]:
    """`ctx` as a list, by default all devices of `net`; ValueError if net is not there, or (`whole`) also elsewhere."""
    parameters = net.collect_params().values()
    if not parameters:
        raise ValueError(f"net has no parameters: {net}")
    own = next(iter(parameters)).list_ctx()
    wanted = own if ctx is None else [ctx] if isinstance(ctx, mx.Context) else list(ctx)
    if not wanted or not set(wanted) <= set(own) or (whole and set(wanted) != set(own)):
        raise ValueError(
            f"ctx is {wanted}, and net lives on {own}: net.initialize(ctx=...) or net.collect_params().reset_ctx(...)"
        )
    return wanted


def sample_count(dataset: gluon.data.Dataset) -> int:
    if len(dataset) == 0:
        raise ValueError("the dataset is empty")
    return len(dataset)
