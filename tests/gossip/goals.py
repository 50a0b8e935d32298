"""A training that each rank takes to a goal of its own, by a store, and the same as a loop in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

SHAPES = [(3,), (4, 5), (1,)]
STEPS, LR = 6, 0.25  # a power of two, so that it does not matter whether the step is rounded once or twice


def targets(rank: int) -> list[np.ndarray]:
    luck = np.random.RandomState(rank)
    return [luck.randn(*shape).astype(np.float32) for shape in SHAPES]


def begun(store, momentum: float = 0.0):
    """A net of one parameter a shape, and its trainer."""
    net = gluon.nn.Block()
    with net.name_scope():
        for i, shape in enumerate(SHAPES):
            setattr(net, f"p{i}", net.params.get(f"p{i}", shape=shape))
    net.initialize(mx.init.One())
    options = {"learning_rate": LR, "momentum": momentum}
    return net, gluon.Trainer(net.collect_params(), "sgd", options, kvstore=store)


def trained(net, trainer, rank: int, steps: int) -> np.ndarray:
    """The weights as one vector, after so many steps along x − target."""
    parameters = list(net.collect_params().values())
    for _ in range(steps):
        for parameter, target in zip(parameters, targets(rank)):
            parameter.grad()[:] = parameter.data() - nd.array(target)
            parameter.data()._fresh_grad = True
        trainer.step(1)
    return np.concatenate([parameter.data().asnumpy().ravel() for parameter in parameters])


def loop(size: int, mix) -> np.ndarray:
    """The same by NumPy: the weights of each rank, a row each."""
    goals = np.stack([np.concatenate([one.ravel() for one in targets(rank)]) for rank in range(size)])
    x = np.ones_like(goals)
    for t in range(STEPS):
        x = mix(x, t) - np.float32(LR) * (x - goals)
    return x
