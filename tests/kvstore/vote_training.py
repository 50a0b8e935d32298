"""Real trainings on the digits, by majority vote if nothing else is said; as a script, one rank of them.

python vote_training.py unharmed FOLDER METHODS...            one training by each method, each in a folder of its own
python vote_training.py resumable FOLDER METHOD RANK STEP SECONDS
                                                the rank is killed so long after it has saved that step
python vote_training.py skipping FOLDER RANK STEP             the rank leaves out that step
python vote_training.py inverted FOLDER INVERTERS...          so many ranks send the opposite of what they find
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path

import mxnet as mx
import numpy as np
from mpi4py import MPI
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluonbook import datasets
from gluonbook.gossip import RingStore, RoundsStore
from gluonbook.kvstore import CompressedStore, MomentumCorrection, PowerStore, RandomK, VoteStore
from gluonbook.models import mlp
from gluonbook.storage import folders
from gluonbook.training import ShuffledBatches, evaluate, fit, set_seed

sys.path.append(str(Path(__file__).parents[1]))
import runs

STEPS = 24
METHODS = {
    "vote": partial(VoteStore, momentum=0.9, check_every=1),
    "compressed": partial(CompressedStore, codec=RandomK(0.25), memory=MomentumCorrection(0.5), check_every=1),
    "power": partial(PowerStore, check_every=1),
    "rounds": partial(RoundsStore, seed=5),
    "ring": RingStore,
}


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
    while not any(saved >= step for saved in folders.steps(folder)):
        time.sleep(0.0005)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def unharmed(folder: str, *methods: str) -> None:
    for method in methods:
        own = Path(folder, method)
        own.mkdir(exist_ok=True)  # whichever rank is first
        train(own, METHODS[method]("mpi"))


def resumable(folder: str, method: str, victim: str, step: str, seconds: str) -> None:
    store = METHODS[method]("mpi")
    if store.rank == int(victim):
        own = Path(folder, f"rank-{store.rank}")
        threading.Thread(target=kill_after, args=(own, int(step), float(seconds)), daemon=True).start()
    train(folder, store)


def train(folder: str | Path, store) -> None:
    """From where the checkpoints in the folder end; what the rank has come to is noted beside them."""
    net, trainer = start(store)
    fit(net, trainer, shard(store), epochs=4, batch_size=10, seed=7 + store.rank, checkpoints=folder, every=1)
    weights = sha256(b"".join(p.data().asnumpy().tobytes() for p in trainer._params if p.grad_req != "null"))
    everything = sha256(runs.whole_state(Path(folder, f"whole-{store.rank}"), net, trainer))
    found = {"weights": weights.hexdigest(), "everything": everything.hexdigest(), "exchanges": store.steps}
    Path(folder, f"rank-{store.rank}.json").write_text(json.dumps(found), encoding="utf-8")


def skipping(folder: str, odd: str, at: str) -> None:
    MPI.COMM_WORLD.Barrier()  # the deadline is shorter than ranks may differ in what they take to import MXNet
    store = VoteStore("mpi")
    net, trainer = start(store)
    X, y = shard(store)[:10]
    X, y = mx.nd.array(X), mx.nd.array(y)
    for step in range(30):
        with autograd.record():
            loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(X), y)
        loss.backward()
        Path(folder, f"at-{store.rank}").write_text(str(time.monotonic()), encoding="utf-8")
        if (store.rank, step) != (int(odd), int(at)):
            trainer.step(len(X))
    nd.waitall()


def toy() -> tuple[gluon.data.ArrayDataset, gluon.data.ArrayDataset]:
    """Two clouds of points in 20 dimensions: a line of best separation is right in 99 of 100 cases."""
    luck = np.random.RandomState(99)
    direction = luck.randn(20)
    direction *= 2.33 / np.linalg.norm(direction)

    def draw(count: int) -> gluon.data.ArrayDataset:
        y = luck.randint(0, 2, count)
        X = luck.randn(count, 20) + np.outer(2 * y - 1, direction)
        return gluon.data.ArrayDataset(X.astype(np.float32), y.astype(np.int32))

    return draw(7 * 300), draw(5000)


def inverted(folder: str, *counts: str) -> None:
    """Tasks × numbers of inverters, the last ranks, in one trainer: that is one exchange a step for all of them."""
    store = VoteStore("mpi")
    digits = datasets.load("digits")
    tasks = {"toy": (toy(), ()), "digits": ((digits.train, digits.test), (32,))}
    parameters, nets, steps = gluon.ParameterDict(), {}, 200
    for task, (_, hidden) in tasks.items():
        for inverters in counts:
            set_seed(3)
            nets[task, inverters] = net = mlp(hidden=hidden)
            net.initialize(mx.init.Xavier())
            net.hybridize()
            net.collect_params().setattr("lr_mult", 4 if task == "toy" else 1)
            parameters.update(net.collect_params())
    schedule = mx.lr_scheduler.CosineScheduler(max_update=steps, base_lr=0.004)
    trainer = gluon.Trainer(parameters, "signsgd", {"lr_scheduler": schedule}, kvstore=store)
    batches = {task: endless(train, store) for task, ((train, _), _) in tasks.items()}
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    for _ in range(steps):
        drawn = {task: next(own) for task, own in batches.items()}
        with autograd.record():
            losses = []
            for (task, inverters), net in nets.items():
                sign = -1 if store.rank >= store.num_workers - int(inverters) else 1
                X, y = drawn[task]
                losses.append(sign * loss(net(X), y))
        autograd.backward(losses)
        trainer.step(30)
    found = {}
    for (task, _), net in nets.items():
        found.setdefault(task, []).append([evaluate(net, tasks[task][0][1]).accuracy, runs.fingerprint(net)])
    Path(folder, f"rank-{store.rank}.json").write_text(json.dumps(found), encoding="utf-8")


def endless(train: gluon.data.ArrayDataset, store) -> Iterator[tuple]:
    """Batches of 30 from this rank's share, epoch after epoch."""
    X, y = (part[store.rank :: store.num_workers] for part in train[:])
    for epoch in count():
        for batch in ShuffledBatches(len(X), 30, seed=store.rank, epoch=epoch):
            yield nd.array(X[batch]), nd.array(y[batch])


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
