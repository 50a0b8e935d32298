"""`fit`: the five lines of training, and all that makes them watched, tested, spread over devices and resumable."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import mxnet as mx
from mxnet import autograd, gluon
from tqdm.auto import tqdm

from gluonbook import checkpoint
from gluonbook.checks import whole_number
from gluonbook.training.batches import ReproducibleLoader, ShuffledBatches, may_draw, preserved, seeded
from gluonbook.training.evaluation import (
    Loss,
    Score,
    Tally,
    batches_in_order,
    contexts,
    evaluate,
    sample_count,
    split,
)
from gluonbook.training.history import Epoch, History


def fit(
    net: gluon.Block,
    trainer: gluon.Trainer,
    train: gluon.data.Dataset,
    *,
    epochs: int,
    batch_size: int,
    loss: Loss | None = None,
    test: gluon.data.Dataset | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    seed: int = 0,
    checkpoints: str | Path | None = None,
    every: int | None = None,
    resume: bool = True,
    on_epoch: Callable[[History], None] | None = None,
    num_workers: int = 0,
    shuffle: bool = True,
) -> History:
    """Train `net` on the (X, y) pairs of `train` until `epochs` epochs are done, and return what happened.

    Each batch of `batch_size` samples (the last of an epoch may be smaller) is split over the devices of `net`, and
    `trainer.step` gets its size. `loss(out, y)` gives one value a sample (default: softmax cross-entropy). After each
    epoch the net is tested on `test`, and `on_epoch(history)` is called.

    The outcome depends on `seed`, the initial weights and nothing else: shuffling is drawn from (seed, epoch), unless
    `shuffle=False` keeps the order of `train`, for data that are in random order, or to see what order does; dropout
    and augmentation from (seed, step), because MXNet's generators can be seeded and not saved. Python's and numpy's
    global generators come back untouched. (On a GPU, MXNET_ENFORCE_DETERMINISM=1 is needed as well.) Weights that wait
    for a first batch to know their shape are drawn from MXNet's generator as it is, so call `set_seed` before.

    With a folder `checkpoints`, the run is saved there after each epoch, or after `every` steps and at its end, and
    goes on from the newest sound checkpoint: bit for bit the run that was never interrupted; a finished run is loaded
    and its history returned. `resume=False` deletes the folder's checkpoints and starts over. With a store of
    `gluonbook.kvstore` every rank saves in a folder of its own in it, `rank-0` and so on, and all go on from the newest
    step that all have saved.

    Raises FloatingPointError when the loss is no longer finite, which is seen at the end of the epoch and before a
    checkpoint; ValueError for arguments out of range, and for a checkpoint of a run that had other settings.
    """
    loss, ctx = loss or gluon.loss.SoftmaxCrossEntropyLoss(), contexts(net, ctx, whole=True)
    batches = ShuffledBatches(sample_count(train), batch_size, seed, shuffle=shuffle)
    per_epoch, last = len(batches), whole_number("epochs", epochs, 1) * len(batches)
    if every is not None and whole_number("every", every, 1) and checkpoints is None:
        raise ValueError(f"every={every} needs a folder to save in: checkpoints=...")
    store = checkpoint.store_of(trainer)
    if isinstance(store, checkpoint.Collective) and store.num_workers > 1:
        store.agree(f"{last} steps, {per_epoch} an epoch")  # else they would wait for one that has ended
        checkpoints = checkpoints and Path(checkpoints, f"rank-{store.rank}")
    loader = ReproducibleLoader(train, batches, num_workers)
    draws = may_draw(net, loss, trainer)
    run = _Run({"seed": seed, "batch_size": batch_size, "samples": len(train), "shuffle": shuffle}, Tally(ctx))
    if checkpoints is not None:
        run.setup["settings"] = checkpoint.settings(trainer)
        if resume:
            run = _resume(checkpoints, net, trainer, run, last)
        else:
            checkpoint.clear(checkpoints)
    if any(parameter._deferred_init for parameter in net.collect_params().values()):
        # Otherwise the weights would be drawn in the first step, and from its seed.
        with preserved():
            X, _ = next(batches_in_order(train, batch_size))
        net(split(X, ctx)[0])

    # The bar for notebooks overrides the variable that the other bars of tqdm obey.
    hidden = os.environ.get("TQDM_DISABLE") == "1"
    with tqdm(total=last, initial=run.step, unit="step", leave=False, disable=hidden) as bar:
        for epoch in range(run.step // per_epoch, epochs):
            bar.set_description(f"epoch {epoch + 1} of {epochs}")
            batches.epoch, batches.start = epoch, run.step % per_epoch
            begun = time.perf_counter() - run.seconds
            for X, y in loader:
                with seeded(seed, run.step, 0) if draws else nullcontext():
                    _update(net, trainer, loss, X, y, ctx, run.tally)
                run.step += 1
                bar.update()
                if every and run.step % every == 0 and run.step % per_epoch:
                    run.seconds = time.perf_counter() - begun
                    run.save(checkpoints, net, trainer)
            trained, seconds = run.tally.score(len(train)), time.perf_counter() - begun
            with seeded(seed, run.step, 2):
                tested = None if test is None else evaluate(net, test, loss=loss, ctx=ctx)
            run.close_epoch(trained, tested, seconds)
            if on_epoch is not None:
                on_epoch(run.history)
            if checkpoints is not None and (every is None or run.step % every == 0 or run.step == last):
                run.save(checkpoints, net, trainer)
    return run.history


@dataclass
class _Run:
    """Where a run stands: what a checkpoint of `fit` holds besides the net and the trainer."""

    setup: dict
    tally: Tally
    step: int = 0
    history: History = field(default_factory=History)
    seconds: float = 0.0

    def close_epoch(self, trained: Score, tested: Score | None, seconds: float) -> None:
        for name, score in (("train", trained), ("test", tested)):
            self._must_be_finite(name, score.loss if score else 0.0)
        row = Epoch(
            epoch=len(self.history) + 1,
            steps=self.step,
            train_loss=trained.loss,
            train_accuracy=trained.accuracy,
            test_loss=tested.loss if tested else None,
            test_accuracy=tested.accuracy if tested else None,
            seconds=seconds,
            samples_per_second=trained.count / seconds,
        )
        self.history.rows.append(row)
        self.tally, self.seconds = Tally(self.tally.ctx), 0.0

    def save(self, folder: str | Path, net: gluon.Block, trainer: gluon.Trainer) -> None:
        sums = self.tally.read()
        self._must_be_finite("train", sum(loss for loss, _ in sums))
        extra = {"setup": self.setup, "history": self.history.to_json(), "sums": sums, "seconds": self.seconds}
        checkpoint.save(folder, net, trainer, step=self.step, epoch=len(self.history), extra=extra)

    def _must_be_finite(self, name: str, loss: float) -> None:
        if not math.isfinite(loss):
            where = f"in epoch {len(self.history) + 1}, by step {self.step}"
            raise FloatingPointError(
                f"the {name} loss is {loss} {where}: try a smaller learning rate, or clip_gradient"
            )


def _resume(folder: str | Path, net: gluon.Block, trainer: gluon.Trainer, fresh: _Run, last: int) -> _Run:
    """The run that the folder's newest checkpoint left off, `fresh` if it has none; ValueError if it is another run."""
    store = checkpoint.store_of(trainer)
    shared = isinstance(store, checkpoint.Collective)
    path = checkpoint.latest_common(folder, store) if shared else checkpoint.latest(folder)
    if path is None:
        checkpoint.clear(folder)  # what this rank has, others do not have
        return fresh
    progress = checkpoint.peek(path)
    extra, then, now = progress.extra, progress.settings, fresh.setup["settings"]
    if "setup" not in extra:
        raise ValueError(f"{path} was not written by fit: choose another folder")
    setup = extra["setup"]
    differing = [key for key in ("seed", "batch_size", "samples", "shuffle") if setup[key] != fresh.setup[key]]
    differing = [f"{key}={fresh.setup[key]}, there {setup[key]}" for key in differing]
    # What training has changed since the start is state, and is restored; the rest was set, and must be the same.
    for place in sorted(setup["settings"].keys() | now.keys()):
        if setup["settings"].get(place) == then.get(place) != now.get(place):
            differing.append(f"{place}={now.get(place)}, there {then.get(place)}")
    if progress.step > last:
        differing.append(f"{last} steps, there {progress.step} already")
    if differing:
        advice = "choose another folder, or start over with resume=False, which deletes it"
        raise ValueError(f"{path} belongs to another run ({'; '.join(differing)}): {advice}")
    checkpoint.load(path, net, trainer)
    if shared:
        checkpoint.clear(folder, after=progress.step)  # others do not have these, and they will come again
    tally, history = Tally(fresh.tally.ctx, extra["sums"]), History.from_json(extra["history"])
    return _Run(setup, tally, progress.step, history, extra["seconds"])


def _update(
    net: gluon.Block,
    trainer: gluon.Trainer,
    loss: Loss,
    X: mx.nd.NDArray,
    y: mx.nd.NDArray,
    ctx: Sequence,
    tally: Tally,
) -> None:
    """One step on one batch, whose losses and hits go to the tally."""
    parts = list(zip(split(X, ctx), split(y, ctx)))
    with autograd.record():
        outs = [net(x_part) for x_part, _ in parts]
        losses = [loss(out, y_part) for out, (_, y_part) in zip(outs, parts)]
    autograd.backward(losses)
    for idle in ctx[len(parts) :]:  # fewer samples than devices: these add nothing, yet take part in the update
        for parameter in net.collect_params().values():
            if parameter.grad_req != "null":
                parameter.grad(idle)[:] = 0
                parameter.data(idle)._fresh_grad = True
    trainer.step(len(X))
    for device, (out, (_, y_part)) in enumerate(zip(outs, parts)):
        tally.add(device, losses[device], out, y_part)
