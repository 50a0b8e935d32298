"""Whole training steps with the fused optimizer against the same with MXNet's."""

from __future__ import annotations

from collections.abc import Iterator

import mxnet as mx
from gluoncv.model_zoo import get_model
from mxnet import autograd, gluon, nd

import gluonbook.optimizers  # noqa: F401  it registers `fusedsignum`
from gluonbook.models import lenet
from measure import Row, Work, race, row

OPTIONS = {"learning_rate": 1e-4, "momentum": 0.9}


def training_step(net: gluon.HybridBlock, shape: tuple[int, ...], optimizer: str) -> Work:
    """A step of training on a batch of noise, with 10 classes."""
    mx.random.seed(0)
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True, static_shape=True)
    X, y = nd.random.normal(shape=shape), nd.arange(shape[0]) % 10
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), optimizer, dict(OPTIONS))

    def work() -> None:
        with autograd.record():
            error = loss(net(X), y)
        error.backward()
        trainer.step(shape[0])

    return work


def rows(repeat: int) -> Iterator[Row]:
    """The rows for LeNet and for a ResNet with 20 layers."""
    nets = {
        "LeNet, batch 64": (lenet, (64, 1, 28, 28)),
        "cifar_resnet20_v1, batch 32": (lambda: get_model("cifar_resnet20_v1"), (32, 3, 32, 32)),
    }
    for name, (make, shape) in nets.items():
        works = {optimizer: training_step(make(), shape, optimizer) for optimizer in ("fusedsignum", "signum")}
        t = race(works, 4 * repeat)
        ratio = t["signum"] / t["fusedsignum"]
        yield row("training step", "mx.optimizer.Signum", name, t["fusedsignum"], ratio, at_least=1)
