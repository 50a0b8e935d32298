"""`fit`: the five lines of `PlainStep`, watched, tested, spread over devices and resumable."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import gluon
from tqdm.auto import tqdm

from gluonbook.checkpoint import store_of
from gluonbook.checkpoint.anatomy import some
from gluonbook.checks import flag, whole_number
from gluonbook.training.batches import ReproducibleLoader, ShuffledBatches
from gluonbook.training.evaluation import checked_loss, contexts, evaluate, look, split
from gluonbook.training.history import History
from gluonbook.training.outcome import Loss, answer
from gluonbook.training.run import start_or_resume
from gluonbook.training.samples import Samples, described
from gluonbook.training.scaling import trained
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
    may_diverge: bool = False,
) -> History:
    """Train `net` on the (X, y) pairs of `train` until `epochs` epochs are done, and return what happened.

    `train` and `test` are anything with a length, and with sample i, a tuple (X, y), as `train[i]`. With `num_workers`
    so many processes load batches ahead.

    Each batch of `batch_size` samples (the last of an epoch may be smaller) is split over the devices of `net`, and
    `step` trains on it (default: a `PlainStep`; `Step` says what one of your own may do). `loss(out, y)` gives one
    value a sample (default: softmax cross-entropy). After each epoch the net is tested on `test`, and
    `on_epoch(history)` is called.

    The outcome depends on `seed`, the initial weights and nothing else: shuffling is drawn from (seed, epoch), unless
    `shuffle=False` keeps the order of `train`, for data that are in random order, or to see what order does; dropout
    and augmentation from (seed, step), because MXNet's generators can be seeded and not saved. Python's and numpy's
    global generators come back untouched. (On a GPU, MXNET_ENFORCE_DETERMINISM=1 is needed as well. And MXNet itself no
    longer repeats a net that draws, on several devices, once it is hybridized with `static_shape=True`.) Weights that
    wait for a first batch to know their shape are drawn from MXNet's generator as it is, so call `set_seed` before.

    With a folder `checkpoints`, the run is saved there after each epoch, or after `every` steps and at its end, and
    goes on from the newest sound checkpoint: bit for bit the run that was never interrupted; a finished run is loaded
    and its history returned. To start over, call `checkpoint.clear(folder)` before. Of several ranks every one saves in
    a folder of its own in it (`checkpoint.own_folder`), so all are given one, or none; and all go on from the newest
    step that all have saved.

    A run that goes on has to be the same: the length of the data, `batch_size`, `seed`, `shuffle`, the number of ranks,
    and all attributes of `net`, of its parameters (`lr_mult`, `wd_mult`, `grad_req`), of `loss`, `step`, store,
    optimizer and schedule. What of these was changed in training is restored. Others may be `epochs`, `every`, `test`,
    `on_epoch`, `num_workers`, devices, and the engine that ranks talk through.

    With `may_diverge`, as for the largest of several learning rates that are tried, a loss that is no longer finite is
    no error: the run ends with that epoch, whose row has an infinite loss, and is not saved any more.

    Raises FloatingPointError when the loss is no longer finite, which is seen at the end of the epoch and before a
    checkpoint, unless it `may_diverge`; WorkerError as soon as a process that loads batches has died; ValueError for a
    checkpoint of a run that had other settings, and, before anything has changed, for arguments out of range, and for
    data, net, loss and trainer that do not go together, as a look at the first batch tells; StorageError for a folder
    that cannot be read or written, which is tried before the first step.
    """
    loss, step = checked_loss(loss), PlainStep() if step is None else step
    if not isinstance(step, Step):
        raise ValueError(f"step must be a Step, such as PlainStep(), got {described(step)}")
    if on_epoch is not None and not callable(on_epoch):
        raise ValueError(f"on_epoch must be a function of the history, got {described(on_epoch)}")
    ctx = contexts(net, ctx, whole=True)
    _must_train(trainer, net, ctx)
    samples, tests = Samples("train", train), None if test is None else Samples("test", test)
    batches = ShuffledBatches(len(samples), batch_size, seed, shuffle=shuffle)
    seed, epochs = batches.seed, whole_number("epochs", epochs, 1)
    may_diverge = flag("may_diverge", may_diverge)
    per_epoch, last = len(batches), epochs * len(batches)
    every = None if every is None else whole_number("every", every, 1)
    if every is not None and checkpoints is None:
        raise ValueError(f"every={every} needs a folder to save in: checkpoints=...")
    loader = ReproducibleLoader(samples, batches, num_workers)
    with preserved():
        first = [next(one.in_order(batches.batch_size)) for one in (samples, tests) if one]
    waits = bool(_waiting(net.collect_params().values()))
    if not waits:
        _look(net, trainer, loss, ctx, step, *first)
    draws = may_draw(net, trainer, loss, step)
    run = start_or_resume(net, trainer, loss, step, batches, ctx, last, checkpoints)
    run.may_diverge = may_diverge
    if waits:  # to draw weights is to change something: a checkpoint of another run is refused before
        _look(net, trainer, loss, ctx, step, *first)
    del first  # it may be large
    if run.steps < last:
        run.prepare()

    # The bar for notebooks overrides the variable that the other bars of tqdm obey.
    hidden = os.environ.get("TQDM_DISABLE") == "1"
    bar = tqdm(total=last, initial=run.steps, unit="step", leave=False, disable=hidden)
    with _worked_off(), loader, bar:
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
            trained, seconds = run.tally.score(len(samples)), time.perf_counter() - begun
            with seeded(seed, run.steps, 2):
                tested = None if test is None else evaluate(net, test, loss=loss, ctx=ctx)
            run.close_epoch(trained, tested, seconds)
            if on_epoch is not None:
                on_epoch(run.history)
            if run.has_diverged:
                break
            if every is None or run.steps % every == 0 or run.steps == last:
                run.save()
    return run.history


@contextmanager
def _worked_off() -> Iterator[None]:
    """Nothing is under way when the block is left.

    MXNet's stores do not keep what a compressed push needs alive: whoever drops the trainer before its last push has
    been worked off, has the engine write to memory that is free.
    """
    try:
        yield
    finally:
        mx.nd.waitall()


def _look(
    net: gluon.Block,
    trainer: gluon.Trainer,
    loss: Loss,
    ctx: Sequence[mx.Context],
    step: Step,
    batch: Sequence[mx.nd.NDArray],
    *tests: Sequence[mx.nd.NDArray],
) -> None:
    """Ask net and loss about a batch of each dataset, so that what they cannot take is said before the first step.

    Weights that wait for a batch are drawn now: in the first step they would be, and from its seed.
    """
    plain = isinstance(step, PlainStep)
    with preserved():
        if not plain and _waiting(net.collect_params().values()):
            answer(net, split(batch[0], ctx)[0])  # what other steps do with the answer is not known
        for X, y in [batch, *tests] if plain else tests:
            losses = [outcome.loss.asnumpy() for outcome in look(net, loss, ctx, X, y)]
            finite = [np.isfinite(array).all() for array in (X.asnumpy(), y.asnumpy())]
            if not all(finite) and not all(np.isfinite(array).all() for array in losses):
                given = f"X, {described(X)}, and y, {described(y)}"
                raise ValueError(f"{given}, hold numbers that are not finite, and so do the losses")
    if plain and (names := _waiting(trained(trainer))):
        raise ValueError(f"net does not use {some(names)}, of which the shape stays unknown: give in_units, or drop it")


def _waiting(parameters: Iterable[gluon.Parameter]) -> list[str]:
    return [parameter.name for parameter in parameters if parameter._deferred_init]


def _must_train(trainer: gluon.Trainer, net: gluon.Block, ctx: Sequence[mx.Context]) -> None:
    """Raise ValueError for a trainer that cannot move the parameters of `net`, on all its devices alike."""
    if not isinstance(trainer, gluon.Trainer):
        raise ValueError(f"trainer must be a gluon.Trainer, got {described(trainer)}")
    own = {id(parameter) for parameter in net.collect_params().values()}
    if not any(id(parameter) in own for parameter in trainer._params):
        raise ValueError("trainer has no parameter of net: make it by gluon.Trainer(net.collect_params(), ...)")
    if not trained(trainer):
        raise ValueError("all parameters of trainer have grad_req='null', so that there is nothing to train")
    if set(trainer._contexts) != set(ctx):
        raise ValueError(f"trainer was made for {trainer._contexts}, and net lives on {ctx} now: make another trainer")
    if len(ctx) > 1 and store_of(trainer) is None:
        raise ValueError(f"without a store the weights on {ctx} drift apart: make trainer with kvstore='device'")
