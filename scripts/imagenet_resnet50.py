"""Train ResNet-50, or another model of GluonCV, on ImageNet in RecordIO files, in many processes: by majority vote of
signs (one bit a weight each way) or by the plain mean of gradients.

    gluonbook run --workers 8 --engine mpi scripts/imagenet_resnet50.py -- \\
        --train imagenet/train.rec --val imagenet/val.rec --output runs/vote

The files are those of MXNet's `im2rec.py` (`--resize 480 --quality 95`, shuffled), each `.rec` beside its `.idx`. Each
worker takes its share of the images, and computes on the GPU whose number is its own modulo the GPUs of its machine, or
on the CPU. Run the same command again to resume: exactly, on each worker, from the newest step that all have saved.

In OUTPUT there are then

- `metrics.jsonl`: a line an epoch, with top-1 and top-5 accuracy on the validation images
- `checkpoints/rank-K`: all that worker K needs to go on
- `model.params`: the weights, for `net.load_parameters`

Majority vote is Algorithm 1 of arXiv:1810.05291. The defaults are those of the command that its authors published with
their code: momentum 0.9, learning rate 1e-4, and a weight decay of 0.1 beside the vote (w ← w − lr·(vote + wd·w)). They
have 128 images a worker, and the same rate for however many workers; here it grows as the square root of the images in
a step, and is 1e-4 for seven workers (the book's chapter `signum/accuracy` says why). For the mean the defaults are
those of GluonCV's training of ResNet-50 v1b: learning rate 0.1 per 256 images, and a weight decay of 1e-4 inside the
gradient.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import mxnet as mx
import numpy as np
from mxnet import gluon, nd
from mxnet.gluon.data import vision
from mxnet.gluon.data.vision import transforms

import gluonbook.optimizers  # noqa: F401  it registers `signsgd`
from gluonbook import checkpoint, kvstore
from gluonbook.checks import path, real, whole_number
from gluonbook.machine.devices import devices
from gluonbook.rank import heartbeat
from gluonbook.storage import atomic, folders
from gluonbook.storage.errors import StorageError
from gluonbook.storage.text import read_lines
from gluonbook.training import History, fit, set_seed

# Of ImageNet, in RGB from 0 to 1; and the principal components of its colours, from 0 to 255, for AlexNet's lighting.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
METHODS = ("vote", "mean")
Checked = TypeVar("Checked")


class Share(gluon.data.Dataset):
    """This rank's share of a file's images, drawn at random by `seed`: at random, since a file may have its classes in
    turns, or one after the other.

    With `batch_size`, all shares have as many images, in whole batches: a last batch of two would spoil the statistics
    of batch norm. A few images are left over then, and stay out.

    Raises:
        ValueError: there are too few images; or a label is no class, when its image is asked for.
    """

    def __init__(
        self, file: str, rank: int, workers: int, classes: int, *, seed: int = 0, batch_size: int | None = None
    ) -> None:
        self._images, self._classes, self._file = vision.ImageRecordDataset(file), classes, file
        total, unit = len(self._images), workers * (batch_size or 1)
        if total < unit:
            batches = f" with batches of {batch_size}" if batch_size else ""
            raise ValueError(f"{file} has {total} images, too few for {workers} workers{batches}")
        last = total if batch_size is None else total - total % unit
        self._places = np.random.RandomState(seed).permutation(total)[:last][rank::workers].tolist()

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: int) -> tuple[nd.NDArray, int]:
        image, label = self._images[self._places[place]]
        # A label outside would be taken for the nearest class, silently.
        if np.ndim(label) or label != int(label) or not 0 <= label < self._classes:
            raise ValueError(
                f"{self._file}, image {self._places[place]}: the label is {label}; --classes {self._classes} needs "
                f"whole numbers from 0 to {self._classes - 1}"
            )
        return image, int(label)


class SmoothedCrossEntropy(gluon.loss.Loss):
    """Cross-entropy with a share ε of each label given to all classes alike: −(1 − ε)·log p_y − ε·mean(log p).

    `out` has shape (batch, classes), `y` (batch,); one value a sample. Source: Szegedy et al., arXiv:1512.00567.
    """

    def __init__(self, smoothing: float) -> None:
        super().__init__(weight=None, batch_axis=0)
        self._smoothing = smoothing

    def hybrid_forward(self, F: Any, out: Any, y: Any) -> Any:
        log_p = F.log_softmax(out)
        return -(1 - self._smoothing) * F.pick(log_p, y) - self._smoothing * log_p.mean(axis=1)


def augmented(size: int) -> transforms.Compose:
    """What training images go through: a random part of the image, mirrored or not, with random colours."""
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(size),
            transforms.RandomFlipLeftRight(),
            transforms.RandomColorJitter(brightness=0.4, contrast=0.4, saturation=0.4),
            transforms.RandomLighting(0.1),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, DEVIATION),
        ]
    )


def centred(size: int) -> transforms.Compose:
    """What validation images go through: the middle seven eighths, whole to its shorter side."""
    return transforms.Compose(
        [
            transforms.Resize(round(size / 0.875), keep_ratio=True),
            transforms.CenterCrop(size),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, DEVIATION),
        ]
    )


def make_net(asked: argparse.Namespace, ctx: mx.Context) -> gluon.HybridBlock:
    """GluonCV's model, initialised, the same on every worker."""
    try:
        from gluoncv.model_zoo import get_model, get_model_list
    except ImportError as error:
        sys.exit(f"the models are GluonCV's, which cannot be imported ({error}): pip install gluoncv")
    if asked.model not in get_model_list():
        near = difflib.get_close_matches(asked.model, get_model_list(), n=5)
        sys.exit(
            f"--model: GluonCV has no {asked.model!r}; {'there are ' + ', '.join(near) if near else 'see its zoo'}"
        )
    options = {"last_gamma": True} if asked.last_gamma else {}
    try:
        net = get_model(asked.model, pretrained=False, classes=asked.classes, **options)
    except TypeError as error:
        sys.exit(f"--model {asked.model} does not take these options: {error}")
    set_seed(asked.seed)
    net.initialize(mx.init.MSRAPrelu(), ctx=ctx)
    net(nd.zeros((1, 3, asked.image_size, asked.image_size), ctx=ctx))  # so that all shapes, and weights, are there
    net.hybridize(static_alloc=True, static_shape=True)
    return net


def make_store(asked: argparse.Namespace) -> kvstore.Store:
    """The store of the method on the engine that this process was started by."""
    if asked.method == "vote":
        return kvstore.VoteStore(asked.engine, momentum=asked.momentum)
    return kvstore.MeanStore(asked.engine)


def make_trainer(
    asked: argparse.Namespace, net: gluon.Block, store: kvstore.Store, steps_per_epoch: int
) -> gluon.Trainer:
    """The trainer, with warm-up and schedule, and weight decay where the method has it."""
    images = asked.batch_size * store.num_workers
    lr, wd = asked.lr, asked.wd
    if lr is None:
        lr = 1e-4 * (images / (7 * 128)) ** 0.5 if asked.method == "vote" else 0.1 * images / 256
    if wd is None:
        wd = 0.1 if asked.method == "vote" else 1e-4
    warmup = {"warmup_steps": asked.warmup_epochs * steps_per_epoch, "warmup_begin_lr": 0.0}
    if asked.drop_epochs:
        drops = [epoch * steps_per_epoch for epoch in asked.drop_epochs]
        schedule = mx.lr_scheduler.MultiFactorScheduler(drops, factor=0.1, base_lr=lr, **warmup)
    else:
        last = asked.epochs * steps_per_epoch
        schedule = mx.lr_scheduler.CosineScheduler(max_update=last, base_lr=lr, **warmup)
    if asked.no_wd:
        net.collect_params(".*beta|.*gamma|.*bias").setattr("wd_mult", 0.0)
    options: dict[str, Any] = {"lr_scheduler": schedule}
    if asked.method == "vote":
        return gluon.Trainer(net.collect_params(), "signsgd", {**options, "wd_lh": wd}, kvstore=store)
    options = {**options, "momentum": asked.momentum, "wd": wd}
    return gluon.Trainer(net.collect_params(), "sgd", options, kvstore=store)


def share_statistics(net: gluon.Block, store: kvstore.Store) -> None:
    """Replace batch norm's running statistics, which each worker has from its own images, by their means."""
    own = [p for p in net.collect_params().values() if p.grad_req == "null"]
    if not own or store.num_workers == 1:
        return
    values = np.concatenate([parameter.data().asnumpy().ravel() for parameter in own]).astype(np.float32)
    store.link.all_reduce(values)
    values /= np.float32(store.num_workers)
    for parameter, part in zip(own, np.split(values, np.cumsum([p.data().size for p in own])[:-1])):
        parameter.set_data(nd.array(part.reshape(parameter.shape)))


def validate(net: gluon.Block, loader: gluon.data.DataLoader, ctx: mx.Context, store: kvstore.Store) -> dict:
    """Loss, top-1 and top-5 accuracy on the validation images of all workers together."""
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    sums = np.zeros(4)
    for X, y in loader:
        X, y = X.as_in_context(ctx), y.as_in_context(ctx)
        out = net(X)
        ranked = out.topk(axis=1, k=min(5, out.shape[1]), dtype="int32") == y.astype("int32").expand_dims(1)
        hits = ranked.astype("float32").sum(axis=0).asnumpy()
        sums += (loss(out, y).sum().asscalar(), hits[0], hits.sum(), len(y))
    loss_sum, top1, top5, count = store.link.all_gather(sums).sum(axis=0)
    return {"val_loss": loss_sum / count, "top1": top1 / count, "top5": top5 / count, "val_images": int(count)}


@dataclass
class Report:
    """After each epoch: validate, and have rank 0 write a line to `file`, in the place of one of an earlier try."""

    file: Path
    net: gluon.Block
    trainer: gluon.Trainer
    store: kvstore.Store
    loader: gluon.data.DataLoader | None
    ctx: mx.Context

    def __call__(self, history: History) -> None:
        heartbeat.pause()  # it may take longer than a step may
        share_statistics(self.net, self.store)
        row = history.rows[-1]
        line = {
            "epoch": row.epoch,
            "steps": row.steps,
            "lr": self.trainer.learning_rate,
            "train_loss": row.train_loss,
            "train_top1": row.train_accuracy,
            **(validate(self.net, self.loader, self.ctx, self.store) if self.loader else {}),
            "images_per_second": row.samples_per_second * self.store.num_workers,
            "seconds": row.seconds,
        }
        if self.store.rank == 0:
            print(json.dumps(line), flush=True)
            lines = read_lines(self.file) if self.file.exists() else []
            kept = [old for old in lines if json.loads(old)["epoch"] < row.epoch]
            atomic.replace(self.file, ("\n".join([*kept, json.dumps(line)]) + "\n").encode())


def main(words: Sequence[str]) -> None:
    """Train as the command line asks."""
    asked = parsed(words)
    store = make_store(asked)
    rank, workers = store.rank, store.num_workers
    ctx = devices()
    ctx = ctx[rank % len(ctx)]
    train = Share(asked.train, rank, workers, asked.classes, seed=asked.seed, batch_size=asked.batch_size)
    loader = None
    if asked.val:
        val = Share(asked.val, rank, workers, asked.classes).transform_first(centred(asked.image_size))
        loader = gluon.data.DataLoader(val, asked.batch_size, num_workers=asked.loaders)
    steps = len(train) // asked.batch_size
    net = make_net(asked, ctx)
    trainer = make_trainer(asked, net, store, steps)
    if rank == 0:
        print(
            f"{asked.model} by {asked.method} on {workers} workers ({asked.engine}), rank 0 on {ctx}: "
            f"{len(train)} images each, {steps} steps an epoch",
            flush=True,
        )
    checkpoints = asked.output / "checkpoints"
    if asked.fresh:
        checkpoint.clear(checkpoint.own_folder(checkpoints, store))
    fit(
        net,
        trainer,
        train.transform_first(augmented(asked.image_size)),
        epochs=asked.epochs,
        batch_size=asked.batch_size,
        loss=SmoothedCrossEntropy(asked.label_smoothing) if asked.label_smoothing else None,
        ctx=ctx,
        seed=asked.seed + rank,
        checkpoints=checkpoints,
        every=asked.checkpoint_every,
        on_epoch=Report(asked.output / "metrics.jsonl", net, trainer, store, loader, ctx),
        num_workers=asked.loaders,
    )
    if rank == 0:
        with atomic.beside(asked.output / "model.params") as file:
            net.save_parameters(str(file))


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The command line, checked; ends the process with a message that names what is wrong."""
    first, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        usage="imagenet_resnet50.py --train REC --output FOLDER [options]; --help lists them",
        description=first,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--train", required=True, type=_records, help="training images, a .rec with its .idx beside it")
    add("--val", type=_records, help="validation images; without them there is no top-1 and top-5")
    add("--output", required=True, type=_folder, help="a folder for checkpoints, metrics and weights")
    add("--method", choices=METHODS, default="vote", help="how workers combine their gradients (default: vote)")
    engines, started = list(kvstore.ENGINES), _engine()
    add("--engine", choices=engines, default=started, help="how they talk (default: what has started this process)")
    add("--model", default="resnet50_v1b", help="a name of GluonCV's model zoo (default: resnet50_v1b)")
    add("--classes", type=_whole(2), default=1000, help="how many classes there are (default: 1000)")
    add("--image-size", type=_whole(16), default=224, help="pixels a side that the net sees (default: 224)")
    add("--epochs", type=_whole(1), default=90, help="(default: 90)")
    add("--batch-size", type=_whole(1), default=128, help="images a worker and step (default: 128)")
    add("--lr", type=_real("(0, inf)"), help="peak learning rate (default: see above)")
    add("--warmup-epochs", type=_whole(0), default=5, help="epochs in which it rises from 0 (default: 5)")
    add("--drop-epochs", type=_whole(1), nargs="+", help="divide it by 10 after these epochs (default: a cosine to 0)")
    add("--momentum", type=_real("(0, 1)"), default=0.9, help="in the vote, before the sign (default: 0.9)")
    add("--wd", type=_real("[0, inf)"), help="weight decay (default: 0.1 for vote, 1e-4 for mean)")
    add(
        "--no-wd",
        action="store_true",
        help="with the mean: no decay of biases and of batch norm's gamma and beta",
    )
    add("--last-gamma", action="store_true", help="begin with gamma = 0 in the last batch norm of each block")
    add("--label-smoothing", type=_real("[0, 1)"), default=0.0, help="share of a label for all classes (default: 0)")
    add("--loaders", type=_whole(0), default=4, help="processes of each worker that decode images (default: 4)")
    add("--checkpoint-every", type=_whole(1), help="steps between checkpoints (default: one an epoch)")
    add("--fresh", action="store_true", help="delete the checkpoints in the output folder, and start over")
    add("--seed", type=_whole(0), default=0, help="(default: 0)")
    words = list(words)
    asked = parser.parse_args(words[1:] if words[:1] == ["--"] else words)
    if asked.warmup_epochs >= asked.epochs:
        parser.error(f"--warmup-epochs is {asked.warmup_epochs}, and there are only {asked.epochs} epochs")
    if asked.no_wd and asked.method == "vote":
        parser.error("--no-wd is for --method mean: the decay beside a vote is the same for all parameters")
    if asked.drop_epochs and not asked.warmup_epochs < min(asked.drop_epochs) <= max(asked.drop_epochs) < asked.epochs:
        legal = f"from {asked.warmup_epochs + 1}, after the warm-up, to {asked.epochs - 1}"
        parser.error(f"--drop-epochs must lie {legal}, got {asked.drop_epochs}")
    if asked.drop_epochs and asked.drop_epochs != sorted(set(asked.drop_epochs)):
        parser.error(f"--drop-epochs must increase, got {asked.drop_epochs}")
    return asked


def _engine() -> str:
    return "pslite" if "DMLC_ROLE" in os.environ else "mpi" if "PMI_RANK" in os.environ else "local"


def _path(text: str) -> Path:
    return _checked(str, text, lambda value: path("it", value))


def _folder(text: str) -> Path:
    folder = _path(text)
    try:
        folders.prepare(folder)
    except StorageError as refusal:
        raise argparse.ArgumentTypeError(str(refusal)) from None
    return folder


def _records(text: str) -> str:
    rec = _path(text)
    if not rec.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {rec}")
    if rec.suffix != ".rec" or not rec.with_suffix(".idx").is_file():
        advice = "MXNet's tools/rec2idx.py makes the .idx of a .rec"
        raise argparse.ArgumentTypeError(f"{rec} must be a .rec with its .idx beside it: {advice}")
    return str(rec)


def _whole(low: int) -> Callable[[str], int]:
    return lambda text: _checked(int, text, lambda value: whole_number("it", value, low))


def _real(interval: str) -> Callable[[str], float]:
    return lambda text: _checked(float, text, lambda value: real("it", value, interval))


def _checked(kind: Callable[[str], Any], text: str, check: Callable[[Any], Checked]) -> Checked:
    try:
        value: Any = kind(text)
    except ValueError:
        value = text  # which the check refuses, in the words that it has for every value
    try:
        return check(value)
    except ValueError as refusal:
        raise argparse.ArgumentTypeError(str(refusal)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
