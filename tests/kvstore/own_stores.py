"""Methods of one's own, each one class; as a script, one worker of trainings with them on the digits.

python own_stores.py ENGINE FOLDER METHOD...      writes the weights, and the accuracy, to FOLDER/METHOD-RANK.npz
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import final

import mxnet as mx
import numpy as np
from mxnet import gluon

import gluonbook.optimizers  # noqa: F401  (registers ours)
from gluonbook import datasets
from gluonbook.kvstore import GradientStore, Store, WeightStore
from gluonbook.models import mlp
from gluonbook.training import evaluate, fit, set_seed


@final
class HalfStore(GradientStore):
    """The mean of gradients that travel as float16."""

    method = "half"

    def aggregate(self, gradients, voters):
        halves = self.link.all_gather(gradients.values.astype(np.float16))
        return halves[voters].mean(axis=0, dtype=np.float32)


@final
class TopStore(GradientStore):
    """The mean of each rank's largest entries, a tenth of a gradient; what is left is sent later."""

    method = "top"

    def aggregate(self, gradients, voters):
        for key, grad in gradients.parts.items():
            grad += self.states.setdefault(key, np.zeros_like(grad))
        left, chosen = gradients.values.copy(), np.zeros_like(gradients.values)
        places = np.argsort(np.abs(left), kind="stable")[-max(1, len(left) // 10) :]
        sent = self.link.all_gather(left[places])[voters], self.link.all_gather(places)[voters]
        for values, where in zip(*sent):
            chosen[where] += values / len(voters)
        left[places] = 0
        if self.rank in voters:
            gradients.values[:] = left
            self.states.update((key, part.copy()) for key, part in gradients.parts.items())
        return chosen


@final
class GossipStore(WeightStore):
    """Each rank takes the mean of its own weights and those of its left neighbour in a ring."""

    method = "gossip"

    def average(self, weights):
        size = self.num_workers
        theirs = self.link.sendrecv(weights.values, to=(self.rank + 1) % size, source=(self.rank - 1) % size)
        return (weights.values + theirs) / 2


OWN = {kind.method: kind for kind in (HalfStore, TopStore, GossipStore)}


def main(engine: str, folder: str, *methods: str) -> None:
    """Train a small net by each method, for 4 epochs, on this worker's share of the digits."""
    for method in methods:
        store = OWN[method](engine)
        weights, accuracy = trained(store)
        np.savez(Path(folder, f"{method}-{store.rank}.npz"), *weights, accuracy=accuracy)


def trained(store: Store) -> tuple[list[np.ndarray], float]:
    """The weights after a training of 4 epochs on this worker's share, and the accuracy."""
    digits = datasets.load("digits")
    X, y = (part[store.rank :: store.num_workers] for part in digits.train[:])
    set_seed(5)
    net = mlp((32,))
    net.initialize(mx.init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5}, kvstore=store)
    fit(net, trainer, gluon.data.ArrayDataset(X, y), epochs=4, batch_size=50, seed=store.rank)
    return [p.data().asnumpy() for p in trainer._params], evaluate(net, digits.test).accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
