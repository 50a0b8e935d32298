"""`fit`: the five lines of `PlainStep`, watched, tested, spread over devices and resumable."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import mxnet as mx
from mxnet import gluon
from tqdm.auto import tqdm

from gluonbook.checks import whole_number
from gluonbook.training.batches import ReproducibleLoader, ShuffledBatches
from gluonbook.training.evaluation import (
    Loss,
    batches_in_order,
    contexts,
    evaluate,
    sample_count,
    split,
)
from gluonbook.training.history import History
from gluonbook.training.run import start_or_resume
from gluonbook.training.seeds import may_draw, preserved, seeded
from gluonbook.training.step import Batch, PlainStep, Step


def fit(
    net: gluon.Block,
    trainer: gluon.Trainer,
    train: gluon.data.Dataset,
    *,
    epochs: int,
    batch_size: int,
    loss: Loss | None = None,
    step: Step | None = None,
    test: gluon.data.Dataset | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    seed: int = 0,
    checkpoints: str | Path | None = None,
    every: int | None = None,
    on_epoch: Callable[[History], None] | None = None,
    num_workers: int = 0,
    shuffle: bool = True,
) -> History:
    """Train `net` on the (X, y) pairs of `train` until `epochs` epochs are done, and return what happened.

    Each batch of `batch_size` samples (the last of an epoch may be smaller) is split over the devices of `net`, and
    `step` trains on it (default: a `PlainStep`; `Step` says what one of your own may do). `loss(out, y)` gives one
    value a sample (default: softmax cross-entropy). After each epoch the net is tested on `test`, and
    `on_epoch(history)` is called.

    The outcome depends on `seed`, the initial weights and nothing else: shuffling is drawn from (seed, epoch), unless
    `shuffle=False` keeps the order of `train`, for data that are in random order, or to see what order does; dropout
    and augmentation from (seed, step), because MXNet's generators can be seeded and not saved. Python's and numpy's
    global generators come back untouched. (On a GPU, MXNET_ENFORCE_DETERMINISM=1 is needed as well.) Weights that wait
    for a first batch to know their shape are drawn from MXNet's generator as it is, so call `set_seed` before.

    With a folder `checkpoints`, the run is saved there after each epoch, or after `every` steps and at its end, and
    goes on from the newest sound checkpoint: bit for bit the run that was never interrupted; a finished run is loaded
    and its history returned. To start over, call `checkpoint.clear(folder)` before. Of several ranks every one saves in
    a folder of its own in it (`checkpoint.own_folder`), and all go on from the newest step that all have saved.

    Raises FloatingPointError when the loss is no longer finite, which is seen at the end of the epoch and before a
    checkpoint; ValueError for arguments out of range, and for a checkpoint of a run that had other settings.
    """
    loss, step = loss or gluon.loss.SoftmaxCrossEntropyLoss(), step or PlainStep()
    ctx = contexts(net, ctx, whole=True)
    batches = ShuffledBatches(sample_count(train), batch_size, seed, shuffle=shuffle)
    per_epoch, last = len(batches), whole_number("epochs", epochs, 1) * len(batches)
    if every is not None and whole_number("every", every, 1) and checkpoints is None:
        raise ValueError(f"every={every} needs a folder to save in: checkpoints=...")
    loader = ReproducibleLoader(train, batches, num_workers)
    draws = may_draw(net, trainer, loss, step)
    run = start_or_resume(net, trainer, loss, step, batches, ctx, last, checkpoints)
    _draw_weights(net, train, batch_size, ctx)

    # The bar for notebooks overrides the variable that the other bars of tqdm obey.
    hidden = os.environ.get("TQDM_DISABLE") == "1"
    with tqdm(total=last, initial=run.steps, unit="step", leave=False, disable=hidden) as bar:
        for epoch in range(run.steps // per_epoch, epochs):
            bar.set_description(f"epoch {epoch + 1} of {epochs}")
            batches.epoch, batches.start = epoch, run.steps % per_epoch
            begun = time.perf_counter() - run.seconds
            for X, y in loader:
                with seeded(seed, run.steps, 0) if draws else nullcontext():
                    outcomes = step.take(trainer, Batch.spread(net, loss, ctx, X, y))
                run.add(outcomes)
                bar.update()
                if every and run.steps % every == 0 and run.steps % per_epoch:
                    run.seconds = time.perf_counter() - begun
                    run.save()
            trained, seconds = run.tally.score(len(train)), time.perf_counter() - begun
            with seeded(seed, run.steps, 2):
                tested = None if test is None else evaluate(net, test, loss=loss, ctx=ctx)
            run.close_epoch(trained, tested, seconds)
            if on_epoch is not None:
                on_epoch(run.history)
            if every is None or run.steps % every == 0 or run.steps == last:
                run.save()
    return run.history


def _draw_weights(net: gluon.Block, train: gluon.data.Dataset, batch_size: int, ctx: Sequence[mx.Context]) -> None:
    """Let weights that wait for a batch be drawn now: in the first step they would be, and from its seed."""
    if any(parameter._deferred_init for parameter in net.collect_params().values()):
        with preserved():
            X, _ = next(batches_in_order(train, batch_size))
        net(split(X, ctx)[0])
