"""What `fit` does with one batch: the five lines of training, and how to put others in their place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import mxnet as mx
from mxnet import autograd, gluon

from gluonbook.checks import whole_number
from gluonbook.training.evaluation import Loss, Outcome, split


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
    """One update along the mean gradient of the batch, and of no other: what is to be added to begins at zero."""

    def take(self, trainer: gluon.Trainer, batch: Batch) -> list[Outcome]:
        for parameter in trainer.optimizer.param_dict.values():
            if parameter.grad_req == "add":
                parameter.zero_grad()
        with autograd.record():
            outcomes = batch.forward()
        autograd.backward([outcome.loss for outcome in outcomes])
        trainer.step(len(batch))
        return outcomes


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
        """
        self._rest()
        outs = [self.net(X) for X, _ in self.parts]
        return [Outcome(self.loss(out, y), out, y) for out, (_, y) in zip(outs, self.parts)]

    def backward(self) -> list[Outcome]:
        """`forward`, recorded, and then the gradients of the sum of its losses."""
        with autograd.record():
            outcomes = self.forward()
        autograd.backward([outcome.loss for outcome in outcomes])
        return outcomes

    def pieces(self, count: int) -> list[Batch]:
        """The samples in `count` batches, or fewer if no device has so many; each device's as evenly as it goes."""
        whole_number("count", count, 1)
        batches = []
        for i in range(count):
            ends = [(len(X) * i // count, len(X) * (i + 1) // count) for X, _ in self.parts]
            parts = [(X[a:b], y[a:b]) for (X, y), (a, b) in zip(self.parts, ends) if a < b]
            batches += [replace(self, parts=parts)] if parts else []
        return batches

    def _rest(self) -> None:
        busy = [X.context for X, _ in self.parts]
        for device in self.ctx:
            if device in busy:
                continue
            for parameter in self.net.collect_params().values():
                if parameter.grad_req == "write":
                    with autograd.pause():
                        parameter.grad(device)[:] = 0
                if parameter.grad_req != "null":
                    parameter.data(device)._fresh_grad = True
