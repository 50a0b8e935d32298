"""One worker of whole training steps: python training_worker.py OUT NET ROUNDS METHOD...

Each method trains a net of its own; they take turns. Of each there are a whole step, with forward and backward in it,
and its exchange and update alone, with gradients that are there already; of a single one also a step in which the
exchange begins when backward is over. Rank 0 writes to OUT, as JSON, the seconds of
every round and the bytes that crossed the loopback device in it, all workers together.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mxnet as mx
import numpy as np
from gluoncv.model_zoo import get_model
from links import raced
from mxnet import autograd, gluon, nd

import gluonbook.optimizers  # noqa: F401  it registers `signsgd`
from gluonbook import kvstore
from gluonbook.kvstore import CompressedStore, Feedback, Half, PowerStore, Store, TopK
from gluonbook.models import mlp

IMAGES = 32
STORES: dict[str, Callable[[], Store]] = {
    "vote": kvstore.VoteStore,
    "error feedback": kvstore.ErrorFeedbackStore,
    "PowerSGD 1": partial(PowerStore, rank=1),
    "PowerSGD 2": partial(PowerStore, rank=2),
    "PowerSGD 4": partial(PowerStore, rank=4),
    "top 1 %": partial(CompressedStore, codec=TopK(0.01), memory=Feedback()),
    "float16": partial(CompressedStore, codec=Half()),
    "mean": kvstore.MeanStore,
}
NETS = {
    "ResNet-20": (partial(get_model, "cifar_resnet20_v1"), (IMAGES, 3, 32, 32)),
    "MLP": (partial(mlp, (1024, 1024)), (IMAGES, 3072)),
}


class Training:
    """A net, the same for all methods and ranks, that learns one batch by a store."""

    def __init__(self, net: str, store: Store) -> None:
        make, shape = NETS[net]
        mx.random.seed(1)
        self._net = make()
        self._net.initialize(mx.init.Xavier())
        self._net.hybridize(static_alloc=True, static_shape=True)
        self._loss = gluon.loss.SoftmaxCrossEntropyLoss()
        luck = np.random.RandomState(store.rank)
        self._X, self._y = nd.array(luck.randn(*shape)), nd.array(luck.randint(10, size=IMAGES))
        optimizer = "signsgd" if isinstance(store, kvstore.VoteStore) else "sgd"
        self._trainer = gluon.Trainer(self._net.collect_params(), optimizer, {"learning_rate": 1e-4}, kvstore=store)

    def forward(self) -> nd.NDArray:
        with autograd.record():
            return self._loss(self._net(self._X), self._y)

    def forward_only(self) -> None:
        self.forward()
        nd.waitall()

    def compute(self) -> None:
        self.forward().backward()
        nd.waitall()

    def first_gradients(self) -> None:
        """Until the gradient of the last convolution, with its share of all weights, can be sent."""
        *_, last = (parameter for parameter in self._net.collect_params().values() if len(parameter.shape) == 4)
        self.forward().backward()
        last.grad().wait_to_read()

    def exchange(self) -> None:
        self._trainer.step(IMAGES)
        nd.waitall()

    def step(self) -> None:
        self.forward().backward()
        self.exchange()

    def step_apart(self) -> None:
        """The same, but that the exchange begins when backward is over."""
        self.compute()
        self.exchange()

    def mark(self) -> None:
        """Take the gradients of the last step for new ones."""
        for parameter in self._trainer._params:
            if parameter.grad_req != "null":
                parameter.data()._fresh_grad = True


def main(out: str, net: str, rounds: str, *names: str) -> None:
    """Race the works, and write what rank 0 has seen."""
    trainings: dict[str, Training] = {}
    works: dict[str, Callable[[], None]] = {}
    for name in names:
        store = STORES[name]("mpi", check_every=0)
        training = trainings[name] = Training(net, store)
        if not works:
            works = {"forward": training.forward_only, "forward and backward": training.compute}
        works |= {f"{name}: step": training.step, f"{name}: exchange": training.exchange}
        if len(names) == 1:
            works |= {f"{name}: step, apart": training.step_apart, "first gradients": training.first_gradients}

    def prepare(work: str) -> None:
        nd.waitall()
        if work.endswith(": exchange"):
            trainings[work.partition(":")[0]].mark()

    results = raced(works, int(rounds), lambda: store.link.all_gather(np.zeros(1)), prepare)
    if store.rank == 0:
        Path(out).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
