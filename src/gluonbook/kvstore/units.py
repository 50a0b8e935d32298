"""That what a store remembers of one step has the unit of the next."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np
from mxnet.gluon import Trainer
from mxnet.optimizer import Optimizer

from gluonbook.kvstore.caller import Call

_STEP, _FIRST = "step", "first"
_FAULTS = (
    "",
    "remembers gradients of trainer.step, and cannot go on with allreduce_grads, or the other way round: "
    "make a new trainer and store",
    "remembers gradients, and trainer.update was called with another batch size than before: call trainer.step "
    "instead of allreduce_grads and update, or divide the loss by the batch size and call update(1)",
)


@final
class Unit(NamedTuple):
    """The unit of a step.

    What its gradients are multiplied by, `rescale`, is known if the store runs the optimizer, or `Trainer.step` calls.
    Where `allreduce_grads` and `update` are called apart, only `update` tells it: then gradients are taken as they are,
    which is right as long as it is always the same.
    """

    optimizer: Optimizer | None  # the store's or the trainer's, if it is known
    known: bool
    kind: str | float  # "step", or what the last `update` has rescaled by, or "first" if there was none

    @property
    def rescale(self) -> float:
        return float(self.optimizer.rescale_grad) if self.optimizer and self.known else 1.0

    def fault(self, last: Unit | None) -> int:
        """Why what is remembered of the `last` step does not fit to this one; 0 if it does."""
        if last is None or last.kind == self.kind:
            return 0
        if _STEP in (last.kind, self.kind):
            return 1
        return 0 if last.kind == _FIRST else 2


def unit_of(own: Optimizer | None, trainer: Trainer | None, call: Call | None, last: Unit | None) -> Unit:
    """The unit of a step of a store that has an optimizer of its `own`, or has not."""
    optimizer = own or (trainer.optimizer if trainer else None)
    if optimizer is None or own or (call and call.in_step):
        return Unit(optimizer, True, _STEP)
    return Unit(optimizer, False, _FIRST if last is None else float(optimizer.rescale_grad))


def refuse_units(kind: str, faults: np.ndarray, rescales: np.ndarray) -> None:
    """Raise ValueError, on all ranks alike, if what a store of this kind remembers does not fit on any."""
    illegal = rescales[(rescales == 0) | ~np.isfinite(rescales)]
    if len(illegal):
        raise ValueError(f"a store {kind} remembers rescaled gradients: rescale_grad cannot be {illegal[0]:g}")
    if faults.any():
        raise ValueError(f"a store {kind} {_FAULTS[faults.max()]}")
