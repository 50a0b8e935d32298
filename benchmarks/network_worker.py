"""One worker of the network benchmarks: python network_worker.py OUT MILLIONS ROUNDS WORK...

Works take turns, each a whole exchange and update of all parameters. Rank 0 writes to OUT, as JSON, the seconds of
every round, and the bytes that crossed the loopback device in it, all workers together.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Callable

import mxnet as mx
import numpy as np
from kernel_rows import resnet50_shapes
from links import raced
from mxnet import gluon, nd

import gluonbook.optimizers  # noqa: F401  it registers `signsgd`
from gluonbook import kernels, kvstore

OPTIONS = {"learning_rate": 1e-4}


def shapes(millions: float) -> list[tuple[int, ...]]:
    """ResNet-50's shapes, or as many arrays of equal size; `millions` of parameters in all."""
    wanted = resnet50_shapes()
    total = sum(map(math.prod, wanted))
    return wanted if abs(total / 1e6 - millions) < 0.1 else [(round(millions * 1e6 / 16),)] * 16


class Training:
    """Parameters whose gradients are there already, and a trainer for them."""

    def __init__(self, sizes: list[tuple[int, ...]], rank: int, optimizer: str = "sgd", **options: object) -> None:
        self.params = gluon.ParameterDict()
        luck = np.random.RandomState(rank)
        for place, shape in enumerate(sizes):
            parameter = self.params.get(f"p{place}", shape=shape)
            parameter.initialize(mx.init.Zero())
            parameter.grad()[:] = nd.array(luck.randn(*shape))
        self.grads = [parameter.grad() for parameter in self.params.values()]
        self.weights = [parameter.data() for parameter in self.params.values()]
        self.trainer = gluon.Trainer(self.params, optimizer, dict(OPTIONS), **options)

    def step(self) -> None:
        for weight in self.weights:
            weight._fresh_grad = True
        self.trainer.step(1)
        nd.waitall()


def with_store(name: str, engine: str, sizes: list) -> tuple[kvstore.Store, Training]:
    kind, optimizer = {"vote": (kvstore.VoteStore, "signsgd"), "mean": (kvstore.MeanStore, "sgd")}[name]
    store = kind(engine, check_every=0)
    return store, Training(sizes, store.rank, optimizer, kvstore=store)


def mpi(names: list[str], sizes: list) -> tuple[int, dict, Callable]:
    """Stores over MPI; where both are raced, the parts of a vote beside them."""
    works: dict[str, Callable] = {}
    for name in names:
        store, training = with_store(name, "mpi", sizes)
        works[name] = training.step
    return store.rank, {**works, **(_parts(store.link, training, sizes) if "mean" in names else {})}, _barrier(store)


def _barrier(store: kvstore.Store) -> Callable:
    return lambda: store.link.all_gather(np.zeros(1))


def _parts(link: kvstore.Link, training: Training, sizes: list) -> dict[str, Callable]:
    """What a step consists of, one by one."""
    total = np.zeros(sum(map(math.prod, sizes)), np.float32)
    moms, new = ([nd.zeros(shape) for shape in sizes] for _ in range(2))
    bad = np.zeros(len(sizes), bool)
    ballot = kernels.pack(training.grads)
    few = [ballot[: len(ballot) // link.size]] * link.size
    return {
        "all-reduce alone": lambda: link.all_reduce(total),
        "pack": lambda: kernels.momentum_pack(moms, training.grads, momentum=0.9, new=new, bad=bad, out=ballot),
        "exchange alone": lambda: link.vote(ballot, range(link.size), step=0),
        "count votes": lambda: kernels.vote(few),
        "unpack and apply": lambda: kernels.apply_signs(training.weights, ballot, lr=1e-4),
    }


def pslite(names: list[str], sizes: list) -> tuple[int, dict, Callable]:
    """Our vote over ps-lite."""
    store, training = with_store("vote", "pslite", sizes)
    return store.rank, {"vote over ps-lite": training.step}, _barrier(store)


def dist_sync(names: list[str], sizes: list) -> tuple[int, dict, Callable]:
    """MXNet's own store, by push and pull: its trainer refuses compression. The servers add up, the workers update."""
    store = mx.kv.create("dist_sync")
    training = Training(sizes, store.rank, kvstore=None)
    (name,) = names
    if name == "dist_sync, 2 bit":
        store.set_gradient_compression({"type": "2bit", "threshold": 0.5})
    keys, sums = list(range(len(sizes))), [grad.copy() for grad in training.grads]
    store.init(keys, training.weights)
    nd.waitall()
    store._barrier()

    def step() -> None:
        for key, grad, total in zip(keys, training.grads, sums):
            store.push(key, grad, priority=-key)
            store.pull(key, total, priority=-key)
        training.trainer._updaters[0](keys, sums, training.weights)
        nd.waitall()

    return store.rank, {name: step}, store._barrier


ENGINES = {"mpi": mpi, "pslite": pslite, "dist_sync": dist_sync}


def main(out: str, engine: str, millions: str, rounds: str, *names: str) -> None:
    """Race the works, and write what rank 0 has seen."""
    rank, works, barrier = ENGINES[engine](list(names), shapes(float(millions)))
    results = raced(works, int(rounds), barrier)
    if rank == 0:
        Path(out).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
