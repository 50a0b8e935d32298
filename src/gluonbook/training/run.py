"""Where a run of `fit` stands: what its checkpoints hold besides the net and the trainer, and how one goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import mxnet as mx
from mxnet import gluon

from gluonbook import checkpoint
from gluonbook.training.batches import ShuffledBatches
from gluonbook.training.evaluation import Outcome, Score, Tally
from gluonbook.training.history import Epoch, History
from gluonbook.training.step import Step, held, setup_of


@final
@dataclass
class Run:
    """Who takes part in a run, how it was set up, and how far it has come."""

    net: gluon.Block
    trainer: gluon.Trainer
    step: Step
    setup: dict[str, Any]  # what has to be the same when the run is resumed
    tally: Tally
    folder: Path | None  # where it is saved
    settings: dict[str, Any] = field(default_factory=dict)  # those of the trainer when the run began
    steps: int = 0
    history: History = field(default_factory=History)
    seconds: float = 0.0

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count a step, and what came of it."""
        self.steps += 1
        for outcome in outcomes:
            self.tally.add(outcome)

    def close_epoch(self, trained: Score, tested: Score | None, seconds: float) -> None:
        """Add a row to the history; raises FloatingPointError if a loss is not finite."""
        for name, score in (("train", trained), ("test", tested)):
            self._must_be_finite(name, score.loss if score else 0.0)
        row = Epoch(
            epoch=len(self.history) + 1,
            steps=self.steps,
            train_loss=trained.loss,
            train_accuracy=trained.accuracy,
            test_loss=tested.loss if tested else None,
            test_accuracy=tested.accuracy if tested else None,
            seconds=seconds,
            samples_per_second=trained.count / seconds,
        )
        self.history.rows.append(row)
        self.tally, self.seconds = Tally(self.tally.ctx), 0.0

    def save(self) -> None:
        """Write a checkpoint, if there is a folder; raises FloatingPointError if the loss so far is not finite."""
        if self.folder is None:
            return
        sums = self.tally.read()
        self._must_be_finite("train", sum(loss for loss, _ in sums))
        extra = {
            "setup": self.setup,
            "settings": self.settings,
            "history": self.history.to_json(),
            "sums": sums,
            "seconds": self.seconds,
        }
        place = {"step": self.steps, "epoch": len(self.history)}
        checkpoint.save(self.folder, self.net, self.trainer, **place, extra=extra, memory=self._memory())

    def resume(self, last: int) -> None:
        """Go on from the folder's newest checkpoint, if there is one.

        Raises ValueError if that is of another run, or of a later step than the `last`.
        """
        if self.folder is None:
            return
        self.settings = checkpoint.settings(self.trainer)
        store = checkpoint.store_of(self.trainer)
        shared = isinstance(store, checkpoint.Collective)
        path = checkpoint.latest_common(self.folder, store) if shared else checkpoint.latest(self.folder)
        if path is None:
            checkpoint.clear(self.folder)  # what this rank has, others do not have
            return
        found = checkpoint.peek(path)
        if "setup" not in found.extra:
            raise ValueError(f"{path} was not written by fit: choose another folder")
        if differing := list(self._differences(found, last)):
            advice = f"choose another folder, or delete it by checkpoint.clear({str(self.folder)!r}), to start over"
            raise ValueError(f"{path} belongs to another run ({'; '.join(differing)}): {advice}")
        checkpoint.load(path, self.net, self.trainer, memory=self._memory())
        if shared:
            checkpoint.clear(self.folder, after=found.step)  # others do not have these, and they will come again
        extra = found.extra
        self.settings, self.steps, self.seconds = extra["settings"], found.step, extra["seconds"]
        self.tally, self.history = Tally(self.tally.ctx, extra["sums"]), History.from_json(extra["history"])

    def _differences(self, found: checkpoint.Position, last: int) -> Iterator[str]:
        """What makes the run of a checkpoint another one than this, a clause each."""
        setup, at_start, then = found.extra["setup"], found.extra["settings"], found.settings
        for key in dict.fromkeys([*self.setup, *setup]):
            if self.setup.get(key) != setup.get(key):
                yield f"{key}={self.setup.get(key)}, there {setup.get(key)}"
        for place in sorted(at_start.keys() | self.settings.keys()):
            here, there = self.settings.get(place), at_start.get(place)
            # What training has changed since the start is state, and is restored; the rest was set.
            was_set = then.get(place) == there
            if was_set and here != there:
                yield f"{place}={here}, there {there}"
        if found.step > last:
            yield f"{last} steps, there {found.step} already"

    def _memory(self) -> dict[str, checkpoint.Stateful]:
        return {name: step for name, step in held(self.step) if isinstance(step, checkpoint.Stateful)}

    def _must_be_finite(self, name: str, loss: float) -> None:
        if not math.isfinite(loss):
            where = f"in epoch {len(self.history) + 1}, by step {self.steps}"
            raise FloatingPointError(
                f"the {name} loss is {loss} {where}: try a smaller learning rate, or clip_gradient"
            )


def start_or_resume(
    net: gluon.Block,
    trainer: gluon.Trainer,
    step: Step,
    batches: ShuffledBatches,
    ctx: Sequence[mx.Context],
    last: int,
    checkpoints: str | Path | None,
) -> Run:
    """A run of `last` steps at its start, or where the newest checkpoint in the folder `checkpoints` has left it.

    All ranks of the trainer's store have found then that they take the same number of steps.
    """
    store = checkpoint.store_of(trainer)
    if isinstance(store, checkpoint.Collective):
        store.agree(f"{last} steps, {len(batches)} an epoch")  # else they would wait for one that has ended
    setup = {"seed": batches.seed, "batch_size": batches.batch_size, "samples": batches.length}
    setup |= {"shuffle": batches.shuffle, **setup_of(step)}
    folder = None if checkpoints is None else checkpoint.own_folder(checkpoints, store)
    run = Run(net, trainer, step, setup, Tally(ctx), folder)
    run.resume(last)
    return run
