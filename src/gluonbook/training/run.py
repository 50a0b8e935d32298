"""Where a run of `fit` stands: what its checkpoints hold besides the net and the trainer, and how one goes on."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import mxnet as mx
from mxnet import gluon
from mxnet.contrib.amp import amp

from gluonbook import checkpoint, checks
from gluonbook.checkpoint.stores import raised_on_all
from gluonbook.storage import folders
from gluonbook.training.batches import ShuffledBatches
from gluonbook.training.description import Description, same
from gluonbook.training.evaluation import Score, Tally
from gluonbook.training.history import Epoch, History
from gluonbook.training.outcome import Loss, Outcome
from gluonbook.training.step import Step

_MXNETS = "a sum over devices"  # what MXNet's own stores make of gradients


@final
@dataclass
class Run:
    """Who takes part in a run, how it was set up, and how far it has come.

    What makes two runs the same is `identity`. What belongs to it and was changed after the start is state: a
    checkpoint has it, and who goes on gets it.
    """

    net: gluon.Block
    trainer: gluon.Trainer
    loss: Loss
    step: Step
    batches: ShuffledBatches
    tally: Tally
    checkpoints: Path | None  # the folder of the run
    begun: dict[str, Any] = field(default_factory=dict)  # its identity at the start
    steps: int = 0
    history: History = field(default_factory=History)
    seconds: float = 0.0
    may_diverge: bool = False  # a loss that is not finite is no error, and ends the run

    @property
    def has_diverged(self) -> bool:
        """Whether a loss of the last epoch is not finite."""
        return any(math.inf in (row.train_loss, row.test_loss) for row in self.history.rows[-1:])

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count a step, and what came of it."""
        self.steps += 1
        for outcome in outcomes:
            self.tally.add(outcome)

    def close_epoch(self, trained: Score, tested: Score | None, seconds: float) -> None:
        """Add a row to the history, with infinity for a loss that is not finite.

        Raises FloatingPointError for such a loss, unless the run may diverge.
        """
        if not self.may_diverge:
            for name, score in (("train", trained), ("test", tested)):
                self._must_be_finite(name, score.loss if score else 0.0)
        row = Epoch(
            epoch=len(self.history) + 1,
            steps=self.steps,
            train_loss=_finite_or_infinite(trained.loss),
            train_accuracy=trained.accuracy,
            test_loss=_finite_or_infinite(tested.loss) if tested else None,
            test_accuracy=tested.accuracy if tested else None,
            seconds=seconds,
            samples_per_second=trained.count / seconds,
        )
        self.history.rows.append(row)
        self.tally, self.seconds = Tally(self.tally.ctx), 0.0

    def save(self) -> None:
        """Write a checkpoint, if there is a folder; raises FloatingPointError if the loss so far is not finite.

        A run that may diverge is not saved then, and goes on to the end of its epoch.
        """
        if self.checkpoints is None:
            return
        sums = self.tally.read()
        so_far = sum(loss for loss, _ in sums)
        if self.may_diverge and not math.isfinite(so_far):
            return
        self._must_be_finite("train", so_far)
        identity = self.identity()
        extra = {
            "begun": self.begun,
            "changed": {place: now for place, now in identity.values.items() if not same(now, self.begun.get(place))},
            "history": self.history.to_json(),
            "sums": sums,
            "seconds": self.seconds,
        }
        place = {"step": self.steps, "epoch": len(self.history)}
        folder = checkpoint.own_folder(self.checkpoints, checkpoint.store_of(self.trainer))
        checkpoint.save(folder, self.net, self.trainer, **place, extra=extra, memory=identity.stateful)

    def prepare(self) -> None:
        """See that a checkpoint can be written, if there is a folder; raises StorageError if not."""
        if self.checkpoints is not None:
            store = checkpoint.store_of(self.trainer)
            with raised_on_all(store, "prepare its folder"):
                folders.prepare(checkpoint.own_folder(self.checkpoints, store))

    def resume(self, last: int) -> None:
        """Go on from the folder's newest checkpoint, if there is one.

        Raises ValueError if that is of another run, or of a later step than the `last`.
        """
        if self.checkpoints is None:
            return
        store = checkpoint.store_of(self.trainer)
        with raised_on_all(store, "describe its run"):
            identity = self.identity()
            checkpoint.refuse(self.net, self.trainer, identity.stateful)
        self.begun = identity.values
        path = checkpoint.latest_common(self.checkpoints, store)
        folder = checkpoint.own_folder(self.checkpoints, store)
        with raised_on_all(store, "go on from its checkpoint"):
            newest = path or checkpoint.latest(folder)
            found = None if newest is None else self._found(newest, last)
        if path is None or found is None:
            if found is not None:
                warnings.warn(f"{newest} is deleted: not all ranks have saved yet", RuntimeWarning, stacklevel=4)
            _clear(folder, store)
            return
        checkpoint.load(path, self.net, self.trainer, memory=identity.stateful)
        if isinstance(store, checkpoint.Collective):
            _clear(folder, store, after=found.step)  # others do not have these, and they will come again
        extra = found.extra
        identity.put(extra["changed"])
        self.begun, self.steps, self.seconds = extra["begun"], found.step, extra["seconds"]
        self.tally, self.history = Tally(self.tally.ctx, extra["sums"]), History.from_json(extra["history"])

    def identity(self) -> Description:
        """What has to be the same when the run is resumed.

        That is not: how far it goes and how often it is saved or tested, which do not change what is trained; devices,
        engine and `num_workers`, on which the same is computed. Shapes and values of parameters are in the checkpoint.
        """
        store, trainer = checkpoint.store_of(self.trainer), self.trainer
        return Description(
            {
                "seed": self.batches.seed,
                "batch_size": self.batches.batch_size,
                "samples": self.batches.length,
                "shuffle": self.batches.shuffle,
                "net": self.net,
                "loss": self.loss,
                "step": self.step,
                "optimizer": checkpoint.optimizer_of(self.net, trainer),
                "trainer.rescale_grad": getattr(trainer, "_amp_original_scale", trainer._scale),
                "amp": amp._amp_initialized,
                "amp.loss_scaler": getattr(trainer, "_amp_loss_scaler", None),
                "store": _MXNETS if store is None or isinstance(store, (str, mx.kvstore.KVStore)) else store,
            }
        )

    def _found(self, path: Path, last: int) -> checkpoint.Position:
        """What is in a checkpoint; raises ValueError if that is not of this run."""
        found = checkpoint.peek(path)
        if problem := self._problem(path.parent, found, last):
            raise ValueError(f"{path} {problem}")
        return found

    def _problem(self, folder: Path, found: checkpoint.Position, last: int) -> str | None:
        """Why this run cannot go on from a checkpoint, if so."""
        if "begun" not in found.extra:
            return "was not written by fit: choose another folder"
        differing = list(self._differences(found.extra["begun"], found.extra["changed"]))
        if found.step > last:
            differing.append(f"{last} steps, there {found.step} already")
        advice = f"choose another folder, or delete it by checkpoint.clear({str(folder)!r}), to start over"
        return f"belongs to another run ({'; '.join(differing)}): {advice}" if differing else None

    def _differences(self, begun: Mapping[str, Any], changed: Mapping[str, Any]) -> Iterator[str]:
        """What the run of a checkpoint began with, and this one does not, a clause each."""
        used = self.trainer._kv_initialized  # it may have been changed by the very run that goes on
        for place in dict.fromkeys([*self.begun, *begun]):
            here, there = self.begun.get(place), begun.get(place)
            if same(here, there) or (place in changed and (used or same(here, changed[place]))):
                continue
            yield f"{place}={here}, there {there}"

    def _must_be_finite(self, name: str, loss: float) -> None:
        if not math.isfinite(loss):
            where = f"in epoch {len(self.history) + 1}, by step {self.steps}"
            raise FloatingPointError(
                f"the {name} loss is {loss} {where}: try a smaller learning rate, or clip_gradient"
            )


def _finite_or_infinite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def _clear(folder: Path, store: Any, after: int = -1) -> None:
    with raised_on_all(store, "delete its checkpoints"):
        checkpoint.clear(folder, after=after)


def start_or_resume(
    net: gluon.Block,
    trainer: gluon.Trainer,
    loss: Loss,
    step: Step,
    batches: ShuffledBatches,
    ctx: Sequence[mx.Context],
    last: int,
    checkpoints: str | Path | None,
) -> Run:
    """A run of `last` steps at its start, or where the newest checkpoint in the folder `checkpoints` has left it.

    All ranks of the trainer's store have found then that they take the same number of steps, and all save or none.
    """
    store = checkpoint.store_of(trainer)
    folder = None if checkpoints is None else checks.path("checkpoints", checkpoints)
    if isinstance(store, checkpoint.Collective):  # else they would wait for one that has ended, or is at another place
        store.agree(f"{last} steps, {len(batches)} an epoch, {'not saved' if folder is None else 'saved'}")
    run = Run(net, trainer, loss, step, batches, Tally(ctx), folder)
    run.resume(last)
    return run
