"""The parameters of a step, which a trainer hands over one by one."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np
from mxnet.gluon import Trainer
from mxnet.optimizer import Updater

from gluonbook.kvstore import caller
from gluonbook.kvstore.arguments import Row, listing
from gluonbook.kvstore.bucket import Item
from gluonbook.optimizers.rule import zeros_like

ANOTHER = "this store serves another trainer already, with parameters of the same numbers: make two"


@final
class Gathering:
    """Keeps what a trainer hands over until its step is complete; without a trainer, a call is a step of its own."""

    def __init__(self) -> None:
        self._trainer: weakref.ref[Trainer] | None = None
        self._waiting: dict[int | str, Item] = {}
        self._expected: set[int | str] = set()  # the parameters of this step, once it has begun
        self._types: dict[int | str, Any] = {}  # of each parameter, when it came last

    @property
    def trainer(self) -> Trainer | None:
        """The one that is served, if any."""
        return None if self._trainer is None else self._trainer()

    def serve(self, trainer: Trainer) -> None:
        """From now on, be for this trainer; raises ValueError if there is another."""
        if self._trainer is None:
            self._trainer = weakref.ref(trainer)
        elif self._trainer() is not trainer:
            raise ValueError(ANOTHER)

    def name(self, key: int | str) -> str:
        """A key as its user knows it."""
        known = self._known(key)
        return f"{key} ({known})" if known else str(key)

    def _known(self, key: int | str) -> str | None:
        trainer = self.trainer
        return trainer._params[key].name if trainer and isinstance(key, int) and key < len(trainer._params) else None

    def last_first(self, items: Sequence[Item]) -> list[int]:
        """Places of items, those first that backward is likely to reach first: by name, with its numbers as numbers.

        Gluon numbers layers as they are made, and a trainer sorts its parameters by name, "conv10" before "conv2".
        """
        names = [self._known(item.key) or str(item.key) for item in items]
        return sorted(range(len(items)), key=lambda place: _numbered(names[place]), reverse=True)

    def mark(self, keys: Iterable[int | str]) -> None:
        """Mark gradients as new on every device, for a trainer that is to use them: the store has written them."""
        if trainer := self.trainer:
            caller.mark(trainer, keys)

    def add(self, rows: Sequence[Row], own: Updater | None) -> list[Item] | None:
        """The parameters of the step, if it is complete with these; the store may have an updater of its `own`.

        Raises:
            ValueError: one comes twice, has no part in the step, or is on other devices or of another type than its
                optimizer has known it. The step is dropped.
        """
        trainer = self.trainer
        if not self._expected:
            self._expected = {*caller.trained(trainer)} if trainer else {row.key for row in rows}
        for row in rows:
            if fault := self._fault(row, own):
                self._taken()
                raise ValueError(f"parameter {self.name(row.key)} {fault}")
            self._waiting[row.key] = _item(row, trainer, own is not None)
            self._types[row.key] = row.values[0].dtype
        return self._taken() if len(self._waiting) == len(self._expected) else None

    def _fault(self, row: Row, own: Updater | None) -> str:
        """What is wrong with a parameter, if anything."""
        trainer, kind = self.trainer, np.dtype(row.values[0].dtype)
        if row.key in self._waiting or row.key not in self._expected:
            expected, waiting = listing(sorted(self._expected, key=str)), listing(list(self._waiting))
            return (
                "does not belong to this step, or comes again, as after a step that was broken off: "
                f"a step takes {expected}, and had {waiting}, which is dropped"
            )
        if trainer and not own and len(row.values) != len(trainer._contexts):
            here, there = len(row.values), len(trainer._contexts)
            return (
                f"is on {here} devices, and its trainer, which runs the optimizer, was made for {there}: make another"
            )
        updaters = [own] if own else trainer._updaters if trainer else []
        known = np.dtype(self._types.get(row.key, kind))
        if kind != known and any(updater.states.get(row.key) is not None for updater in updaters):
            return f"is {kind} now, and what its optimizer remembers of it is {known}: make a new trainer and store"
        return ""

    def _taken(self) -> list[Item]:
        items, self._waiting, self._expected = list(self._waiting.values()), {}, set()
        return items


def _numbered(name: str) -> list[tuple[int, str]]:
    """A name in the order of its numbers: conv2 before conv10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"([0-9]+)", name)]


def _item(row: Row, trainer: Trainer | None, steps: bool) -> Item:
    key, grads, outs = row
    if trainer is None:
        return Item(key, grads, outs, zeros_like(grads[0]), tuple(range(len(grads))))
    marks = [bool(weight._fresh_grad) for weight in caller.weights(trainer, key)]
    # What backward adds up is its user's to zero.
    total = zeros_like(grads[0]) if steps and trainer._params[key].grad_req == "add" else grads[0]
    return Item(key, grads, outs, total, tuple(device for device, fresh in enumerate(marks) if fresh))
