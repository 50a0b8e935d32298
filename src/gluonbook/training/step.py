"""What `fit` does with one batch: the five lines of training, and how to put others in their place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import mxnet as mx
from mxnet import autograd, gluon

from gluonbook.checkpoint import Collective, store_of
from gluonbook.checkpoint.anatomy import some
from gluonbook.checks import flag, whole_number
from gluonbook.training.evaluation import split
from gluonbook.training.outcome import Loss, Outcome
from gluonbook.training.scaling import overflows, scaled, store_has_optimizer, trained


class Step(ABC):
    """How a net is trained on one batch: `fit(..., step=...)` calls `take` once for each.

    A call is one step, whatever is done in it: it is what `fit`, its history and its checkpoints count. The updates
    that the optimizer counts, and a schedule goes by, are those that `take` asks the trainer for: one, none or many.
    Before each call all generators are seeded from (seed, step), so that what is drawn in it is drawn again by a run
    that was resumed.

    What a step remembers from one batch to the next it keeps in an attribute `states`, a dict as `checkpoint.Stateful`
    says: it is saved and restored bit for bit. Its other attributes say how it was made, and have to be the same when a
    run is resumed; and where one is another step, what that remembers is kept, too. The gradients of parameters whose
    `grad_req` is "add" are kept as well: a step that adds them up says when they are zero again.
    """

    @abstractmethod
    def take(self, trainer: gluon.Trainer, batch: Batch) -> list[Outcome]:
        """Train on `batch`, and return what the net gave for its samples, each once, in any order and in any pieces.

        The history averages over these outcomes. They are not waited for, so neither should a step wait.
        """


@final
class PlainStep(Step):
    """One update along the mean gradient of the batch, and of no other: what is to be added to begins at zero.

    If `amp.init_trainer` has prepared the trainer, the losses are multiplied by its scale, and a step whose gradients
    overflow is skipped on all devices and ranks, as MXNet's own loop does.

    A parameter that the loss of no sample depends on has no gradient. With `ignore_stale_grad` it stays as it is in
    this step, and so does what the optimizer remembers of it; by default ValueError names it, before anything moves.
    """

    def __init__(self, ignore_stale_grad: bool = False) -> None:
        self.ignore_stale_grad = flag("ignore_stale_grad", ignore_stale_grad)

    def take(self, trainer: gluon.Trainer, batch: Batch) -> list[Outcome]:
        parameters = trained(trainer)
        for parameter in parameters:
            if parameter.grad_req == "add":
                parameter.zero_grad()
            _set_fresh(parameter, batch.ctx, False)  # a trainer whose store runs the optimizer leaves that to others
        with autograd.record():
            outcomes = batch.forward()
            losses = scaled(trainer, [outcome.loss for outcome in outcomes])
        autograd.backward(losses)
        if unused := _unused(parameters, batch):
            self._may_leave(unused, trainer)
        if not overflows(trainer):
            trainer.step(len(batch), self.ignore_stale_grad)
        return outcomes

    def _may_leave(self, unused: Sequence[gluon.Parameter], trainer: gluon.Trainer) -> None:
        names = some([parameter.name for parameter in unused])
        if not self.ignore_stale_grad:
            raise ValueError(
                f"the loss does not depend on {names}: if that is meant, fit(..., "
                "step=PlainStep(ignore_stale_grad=True)) leaves such parameters as they are"
            )
        if store_has_optimizer(trainer) and not isinstance(store_of(trainer), Collective):
            raise ValueError(
                f"the loss does not depend on {names}, which MXNet's store would move all the same, since it runs the "
                "optimizer: make trainer by gluon.Trainer(..., update_on_kvstore=False)"
            )


@final
@dataclass(frozen=True)
class Batch:
    """The samples of a step, spread over the devices `ctx` of `net`.

    `parts` are pairs (X, y), each on a device of its own; where there are fewer samples than devices, some have none.
    `loss(out, y)` gives one value a sample. The length is the number of samples.
    """

    net: gluon.Block
    loss: Loss
    ctx: Sequence[mx.Context]
    parts: Sequence[tuple[mx.nd.NDArray, mx.nd.NDArray]]

    @classmethod
    def spread(
        cls, net: gluon.Block, loss: Loss, ctx: Sequence[mx.Context], X: mx.nd.NDArray, y: mx.nd.NDArray
    ) -> Batch:
        """The batch of the samples X, y, as evenly over the devices as it goes."""
        return cls(net, loss, ctx, list(zip(split(X, ctx), split(y, ctx))))

    def __len__(self) -> int:
        return sum(len(X) for X, _ in self.parts)

    def forward(self) -> list[Outcome]:
        """What the net gives, and the losses, on each device that has samples.

        The gradient of a device that has none is zero, so that it takes part in the update and adds nothing.
        Raises ValueError if the net cannot take X, or the loss does not give one value a sample.
        """
        self._rest()
        return [Outcome.of(self.net, self.loss, X, y) for X, y in self.parts]

    def backward(self) -> list[Outcome]:
        """`forward`, recorded, and then the gradients of the sum of its losses."""
        with autograd.record():
            outcomes = self.forward()
        autograd.backward([outcome.loss for outcome in outcomes])
        return outcomes

    def pieces(self, count: int) -> list[Batch]:
        """The samples in `count` batches, or fewer if no device has so many; each device's as evenly as it goes."""
        count = whole_number("count", count, 1)
        batches = []
        for i in range(count):
            ends = [(len(X) * i // count, len(X) * (i + 1) // count) for X, _ in self.parts]
            parts = [(X[a:b], y[a:b]) for (X, y), (a, b) in zip(self.parts, ends) if a < b]
            batches += [replace(self, parts=parts)] if parts else []
        return batches

    def _rest(self) -> None:
        busy = [X.context for X, _ in self.parts]
        idle = [device for device in self.ctx if device not in busy]
        for parameter in self.net.collect_params().values() if idle else ():
            if parameter.grad_req != "null":
                _set_zero(parameter, idle)


def _unused(parameters: Sequence[gluon.Parameter], batch: Batch) -> list[gluon.Parameter]:
    """Those without a gradient on any device; where others have none on one device, it is zero there, and counts."""
    unused = []
    busy = [X.context for X, _ in batch.parts]
    for parameter in parameters:
        missing = [device for device in busy if not parameter.data(device)._fresh_grad]
        if missing == busy:
            unused.append(parameter)
            _set_fresh(parameter, batch.ctx, False)
        else:
            _set_zero(parameter, missing)
    return unused


def _set_zero(parameter: gluon.Parameter, devices: Sequence[mx.Context]) -> None:
    if parameter.grad_req == "write":
        for device in devices:
            with autograd.pause():
                parameter.grad(device)[:] = 0
    _set_fresh(parameter, devices, True)


def _set_fresh(parameter: gluon.Parameter, devices: Sequence[mx.Context], fresh: bool) -> None:
    for device in devices:
        parameter.data(device)._fresh_grad = fresh
