"""Real trainings by majority vote on the digits; as a script, one rank of them.

python vote_training.py resumable FOLDER RANK STEP SECONDS    the rank is killed so long after it has saved that step
python vote_training.py skipping FOLDER RANK STEP             the rank leaves out that step
python vote_training.py inverted FOLDER INVERTERS...          one training for each number of ranks that invert
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

from gluonbook import atomic, datasets
from gluonbook.kvstore import MPIVoteStore
from gluonbook.models import mlp
from gluonbook.training import ShuffledBatches, evaluate, fit, set_seed

sys.path.append(str(Path(__file__).parents[1]))
import runs

STEPS = 24


def shard(store) -> gluon.data.ArrayDataset:
    """What this rank trains on."""
    X, y = runs.digits(240)[:]
    return gluon.data.ArrayDataset(X[store.rank :: store.num_workers], y[store.rank :: store.num_workers])


def start(store) -> tuple[gluon.Block, gluon.Trainer]:
    set_seed(3)
    net = mlp(hidden=(16,), dropout=0.5)
    net.add(nn.BatchNorm())  # its running statistics are each rank's own
    net.initialize(mx.init.Xavier())
    net.hybridize()
    schedule = mx.lr_scheduler.CosineScheduler(max_update=STEPS, base_lr=0.01)
    return net, gluon.Trainer(net.collect_params(), "signsgd", {"lr_scheduler": schedule, "wd_lh": 0.1}, kvstore=store)


def kill_after(folder: Path, step: int, seconds: float) -> None:
    """From outside of the training, as far as that is possible: it is not asked where it is."""
    while not any(saved >= step for saved in atomic.steps(folder)):
        time.sleep(0.0005)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def resumable(folder: str, victim: str, step: str, seconds: str) -> None:
    store = MPIVoteStore(momentum=0.9, check_every=1)
    if store.rank == int(victim):
        own = Path(folder, f"rank-{store.rank}")
        threading.Thread(target=kill_after, args=(own, int(step), float(seconds)), daemon=True).start()
    net, trainer = start(store)
    fit(net, trainer, shard(store), epochs=4, batch_size=10, seed=7 + store.rank, checkpoints=folder, every=1)
    weights = sha256(b"".join(p.data().asnumpy().tobytes() for p in trainer._params if p.grad_req != "null"))
    everything = sha256(runs.whole_state(Path(folder, f"whole-{store.rank}"), net, trainer))
    found = {"weights": weights.hexdigest(), "everything": everything.hexdigest(), "exchanges": store.steps}
    Path(folder, f"rank-{store.rank}.json").write_text(json.dumps(found))


def skipping(folder: str, odd: str, at: str) -> None:
    store = MPIVoteStore()
    net, trainer = start(store)
    X, y = shard(store)[:10]
    X, y = mx.nd.array(X), mx.nd.array(y)
    for step in range(30):
        with autograd.record():
            loss = runs.gluon.loss.SoftmaxCrossEntropyLoss()(net(X), y)
        loss.backward()
        Path(folder, f"at-{store.rank}").write_text(str(time.monotonic()))
        if (store.rank, step) != (int(odd), int(at)):
            trainer.step(len(X))


def inverted(folder: str, *counts: str) -> None:
    store = MPIVoteStore()
    digits = datasets.load("digits")
    X, y = digits.train[:]
    X, y = X[store.rank :: store.num_workers], y[store.rank :: store.num_workers]
    found = {}
    for count in map(int, counts):
        begun = time.monotonic()
        accuracy, digest = trained(store if count == int(counts[0]) else MPIVoteStore(), X, y, count, digits.test)
        found[count] = [accuracy, digest, time.monotonic() - begun]
    Path(folder, f"rank-{store.rank}.json").write_text(json.dumps(found))


def trained(store, X: np.ndarray, y: np.ndarray, inverters: int, test) -> tuple[float, str]:
    """The accuracy after 300 steps in which the last ranks send the opposite of what they find."""
    set_seed(3)
    net = mlp(hidden=(32,))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    steps, size = 300, 30
    schedule = mx.lr_scheduler.CosineScheduler(max_update=steps, base_lr=0.004)
    trainer = gluon.Trainer(net.collect_params(), "signsgd", {"lr_scheduler": schedule}, kvstore=store)
    sign = -1 if store.rank >= store.num_workers - inverters else 1
    loss, epoch, done = gluon.loss.SoftmaxCrossEntropyLoss(), 0, 0
    while done < steps:
        for batch in list(ShuffledBatches(len(X), size, seed=store.rank, epoch=epoch))[: steps - done]:
            with autograd.record():
                losses = sign * loss(net(mx.nd.array(X[batch])), mx.nd.array(y[batch]))
            losses.backward()
            trainer.step(len(batch))
            done += 1
        epoch += 1
    return evaluate(net, test).accuracy, runs.fingerprint(net)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
