"""What MXNet's `Trainer` does not tell its store, though the numbers of a step depend on it.

It hands over arrays by numbers, and nothing else. Where the trainer runs the optimizer, the store does not get to know
it; `step` does not pass on whether stale gradients are to be skipped; and where the store runs the optimizer, nobody
takes back the marks that backward sets on the weights whose gradients it has written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import NamedTuple, final

from mxnet.gluon import Trainer
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray

from gluonbook.checkpoint.stores import store_of

_NEAR = 4  # frames: a store may be called through a method that extends one of its own, or of the trainer


@final
class Call(NamedTuple):
    """A call of the store by its trainer."""

    trainer: Trainer
    in_step: bool  # `step` has told the optimizer what to rescale by; `allreduce_grads` leaves that to `update`
    skips_stale: bool  # whether a parameter without a new gradient is passed over, or is an error


def call_of(store: KVStoreBase) -> Call | None:
    """The call of the function that asks this, a method of the store; None if no trainer has made it.

    Who calls is found where Python keeps it: no argument says so.
    """
    callers = list(_callers(sys._getframe(2)))
    trainer = next((who for who, _ in callers if isinstance(who, Trainer) and _has(who, store)), None)
    if trainer is None:
        return None
    steps = [frame for who, frame in callers if who is trainer and frame.f_code.co_name == "step"]
    return Call(trainer, bool(steps), not steps or bool(steps[0].f_locals.get("ignore_stale_grad", True)))


def _has(trainer: Trainer, store: KVStoreBase) -> bool:
    """Whether a trainer has this store; one that it makes by a name is not yet there while it is being set up."""
    given = trainer._kvstore or store_of(trainer)
    return given is store or isinstance(given, str)


def _callers(frame: FrameType | None) -> Iterator[tuple[object, FrameType]]:
    """Whose methods these are, and their frames, the innermost first."""
    for _ in range(_NEAR):
        if frame is None:
            return
        yield frame.f_locals.get("self"), frame
        frame = frame.f_back


def trained(trainer: Trainer) -> list[int]:
    """The numbers of the parameters that a step takes."""
    return [key for key, parameter in enumerate(trainer._params) if parameter.grad_req != "null"]


def weights(trainer: Trainer, key: int | str) -> list[NDArray]:
    """A parameter on each device; `_fresh_grad` is true where backward has written its gradient since the last step."""
    return trainer._params[key].list_data()


def mark(trainer: Trainer, keys: Iterable[int | str]) -> None:
    """Mark gradients as new on every device, for the trainer to use: a store has written there."""
    for key in keys:
        for weight in weights(trainer, key):
            weight._fresh_grad = True


def use_up(trainer: Trainer) -> None:
    """From now on, once a step is done, take back the marks of the gradients, which it has used.

    MXNet does that itself only where the trainer runs the optimizer. It reads the marks after the store has returned,
    so the store cannot do it in between.
    """
    if "_update" in vars(trainer):
        return
    update = trainer._update

    def update_and_use_up(ignore_stale_grad: bool = False) -> None:
        update(ignore_stale_grad)
        for key in trained(trainer):
            for weight in weights(trainer, key):
                weight._fresh_grad = False

    trainer._update = update_and_use_up
