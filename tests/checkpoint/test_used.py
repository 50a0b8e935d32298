"""To load a checkpoint into objects that were used is to load it into new ones: whatever remembers forgets."""

from __future__ import annotations

from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.contrib.amp.loss_scaler import LossScaler

import runs
from gluonbook import checkpoint, optimizers
from gluonbook.gossip import RingStore, RoundsStore
from gluonbook.kvstore import CompressedStore, ErrorFeedbackStore, Feedback, MeanStore, PowerStore, RandomK, VoteStore

TWO = [mx.cpu(0), mx.cpu(1)]


def begin(optimizer: str = "sgd", store: Callable[[], Any] = lambda: None, on_store: Any = None, **options: Any):
    options.setdefault("lr_scheduler", mx.lr_scheduler.FactorScheduler(step=2, factor=0.5, base_lr=0.1))
    kvstore = {"kvstore": store(), "update_on_kvstore": on_store}
    net, trainer = runs.start(optimizer, net=gluon.nn.Dense(3, in_units=4), ctx=TWO, kvstore=kvstore, **options)
    net.weight.grad_req = "add"
    trainer._amp_loss_scaler = LossScaler()
    return net, trainer


def steps(net: gluon.Block, trainer: gluon.Trainer, seeds: range) -> None:
    """Some steps, and then a gradient that is not used yet."""
    for seed in seeds:
        X = mx.nd.array(np.random.RandomState(seed).randn(4, 4))
        with autograd.record():
            losses = [(net(part) ** 2).sum() for part in gluon.utils.split_and_load(X, TWO)]
        autograd.backward(losses)
        if seed != seeds[-1]:
            trainer.step(4)
            trainer._amp_loss_scaler._unskipped += 1


def used(net: gluon.Block, trainer: gluon.Trainer) -> None:
    """Train on something else, and set everything to something else."""
    steps(net, trainer, range(100, 105))
    net.weight.lr_mult, net.bias.wd_mult = 3.0, 4.0
    net.bias.grad_req = "null"
    trainer.optimizer.wd, trainer.optimizer.left_over = 0.25, 1.0
    trainer.optimizer.lr_scheduler.left_over = 2.0
    trainer._amp_loss_scaler.left_over = 3.0


def compressed() -> CompressedStore:
    """That draws, and keeps what it has left out."""
    return CompressedStore(codec=RandomK(0.25), memory=Feedback())


OPTIMIZERS = [*(name.lower() for name in optimizers.__all__ if name != "Partition"), "adam", "nadam", "signum"]
CASES = {
    **{optimizer: (optimizer, lambda: None, None) for optimizer in OPTIMIZERS},
    **{
        f"{store.__name__}, run by {'it' if on_store else 'the trainer'}": ("signsgd", store, on_store)
        for store in (VoteStore, ErrorFeedbackStore, MeanStore, PowerStore, compressed, RoundsStore, RingStore)
        for on_store in (True, False)
        if on_store or store not in (RoundsStore, RingStore)
    },
    "MXNet's store": ("plainsgd", lambda: "device", True),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("saved_after", [0, 3])
def test_loaded_into_used_objects_equals_loaded_into_new_ones(tmp_path, case, saved_after):
    net, trainer = begin(*CASES[case])
    if saved_after:
        steps(net, trainer, range(saved_after))
    path = checkpoint.save(tmp_path / "run", net, trainer, step=saved_after, epoch=0)
    results = []
    for use in (lambda *objects: None, used):
        net, trainer = begin(*CASES[case])
        use(net, trainer)
        checkpoint.load(path, net, trainer)
        loaded = runs.whole_state(tmp_path / "loaded", net, trainer)
        steps(net, trainer, range(10, 13))
        results.append((loaded, runs.fingerprint(net), runs.whole_state(tmp_path / "gone on", net, trainer)))
    assert results[0] == results[1]
