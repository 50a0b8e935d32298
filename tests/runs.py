"""Small training runs that the tests of training and checkpoints share; as a script, one run to be killed."""

from __future__ import annotations

import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import gluon
from sklearn.datasets import load_digits

from gluonbook import checkpoint
from gluonbook.models import mlp
from gluonbook.training import History, fit, set_seed


@cache
def _all_digits() -> tuple[np.ndarray, np.ndarray]:
    return load_digits(return_X_y=True)


def digits(count: int = 100, dtype: str = "float32") -> gluon.data.ArrayDataset:
    X, y = _all_digits()
    X = (X[:count] / 16).reshape(-1, 1, 8, 8).astype(dtype)
    return gluon.data.ArrayDataset(X, y[:count].astype(np.int32))


def fingerprint(net: gluon.Block) -> str:
    """SHA-256 of all parameters on all devices."""
    digest = sha256()
    for name, parameter in net._collect_params_with_prefix().items():
        for array in parameter.list_data():
            digest.update(name.encode() + array.asnumpy().tobytes())
    return digest.hexdigest()


def whole_state(folder: Path, net: gluon.Block, trainer: gluon.Trainer) -> bytes:
    """Weights, optimizer states, counters and schedule as bytes, the same for two runs only if all of it is."""
    return (checkpoint.save(folder, net, trainer, step=0, epoch=0) / "state.safetensors").read_bytes()


def start(
    optimizer: str = "sgd", *, net: gluon.Block | None = None, ctx=None, dtype: str = "float32", kvstore=None, **params
):
    """A freshly initialised net and its trainer; `params` go to the optimizer, `kvstore` to `gluon.Trainer`."""
    set_seed(3)
    net = mlp(hidden=(16,), dropout=0.5) if net is None else net
    net.initialize(mx.init.Xavier(), ctx=ctx)
    net.cast(dtype)
    net.hybridize()
    return net, gluon.Trainer(net.collect_params(), optimizer, params, **(kvstore or {}))


def times(folder: Path) -> list[float]:
    """How long each finished epoch took, by the newest checkpoint, in which no two runs agree but one that goes on."""
    history = checkpoint.peek(checkpoint.latest(folder)).extra["history"]
    return list(History.from_json(history)["seconds"])


class Interrupted(Exception):
    """Stands for whatever ends a run."""


def break_after(trainer: gluon.Trainer, steps: int) -> None:
    """Let the trainer raise in the middle of step, or update, `steps` + 1."""
    left = [None] * steps

    def counted(take):
        def step(*arguments, **options) -> None:
            if not left:
                raise Interrupted
            left.pop()
            take(*arguments, **options)

        return step

    trainer.step, trainer.update = counted(trainer.step), counted(trainer.update)


def killable_run(folder: str | None) -> tuple[gluon.Block, gluon.Trainer, History]:
    """Sixty steps with dropout, shuffling, momentum and a schedule."""
    schedule = mx.lr_scheduler.CosineScheduler(max_update=60, base_lr=0.1)
    net, trainer = start(momentum=0.9, lr_scheduler=schedule)
    every = None if folder is None else 1
    history = fit(net, trainer, digits(), epochs=6, batch_size=10, seed=1, checkpoints=folder, every=every)
    return net, trainer, history


if __name__ == "__main__":
    killable_run(sys.argv[1])
