"""The kernels of `gluonbook.kernels` against MXNet's operators and the memory's bandwidth."""

from __future__ import annotations

import math
from collections.abc import Iterator

import mxnet as mx
import numba
import numpy as np
from gluoncv.model_zoo import get_model
from mxnet import nd

from gluonbook import kernels
from gluonbook.kernels import hyper, memory
from gluonbook.kernels.expressions import Expressions
from gluonbook.kernels.form import SignumStep
from gluonbook.kernels.threads import Call, share
from measure import Row, race, row

SINGLE = np.dtype("float32")
LR, MOMENTUM = 1e-3, 0.9
VOTERS = 7


def resnet50_shapes() -> list[tuple[int, ...]]:
    """The shapes of ResNet-50's 161 trained arrays: 25.6 million parameters; nothing is downloaded."""
    net = get_model("resnet50_v1b", pretrained=False)  # without the biases that v1 has before batch normalisation
    net.initialize()
    net(nd.zeros((1, 3, 32, 32)))
    trained = (parameter for parameter in net.collect_params().values() if parameter.grad_req != "null")
    return [parameter.shape for parameter in trained]


@numba.njit(nogil=True)
def triad(start, stop, a, b, c, scalar):
    """a = b + scalar·c, the usual measure of bandwidth."""
    a, b, c = a[start:stop], b[start:stop], c[start:stop]
    for i in range(len(a)):
        a[i] = b[i] + scalar * c[i]


@numba.njit(nogil=True, fastmath=True)
def plain_sum(start, stop, x, total):
    """The sum of x, added up in any order, so that it is as fast as reading can be."""
    x, part = x[start:stop], np.float32(0)
    for i in range(len(x)):
        part += x[i]
    total[0] += part


class Arrays:
    """Weights, gradients and states of given shapes, and the works on them."""

    def __init__(self, shapes: list[tuple[int, ...]]) -> None:
        mx.random.seed(0)
        self.weights, self.grads, self.moms = ([nd.random.normal(shape=shape) for shape in shapes] for _ in range(3))
        self.sizes = [math.prod(shape) for shape in shapes]
        self.total = sum(self.sizes)
        self.ballots = [kernels.pack([nd.random.normal(shape=n) for n in self.sizes]) for _ in range(VOTERS)]
        self.words = np.empty_like(self.ballots[0])
        self.bad = np.zeros(len(shapes), bool)
        self.flat = [
            [array.asnumpy().reshape(-1) for array in arrays] for arrays in (self.weights, self.grads, self.moms)
        ]
        self.constants = hyper.signum(SINGLE, LR, MOMENTUM, 0.0, 0.0, 1.0, None)
        self.updater = mx.optimizer.get_updater(
            mx.optimizer.create("signum", learning_rate=LR, momentum=MOMENTUM, wd=0.0)
        )

    def fused(self) -> None:
        kernels.signum_step(self.weights, self.grads, self.moms, lr=LR, momentum=MOMENTUM)

    def built_in(self) -> None:
        for i, (weight, grad) in enumerate(zip(self.weights, self.grads)):
            self.updater(i, grad, weight)

    def as_expressions(self) -> None:
        columns = (memory.column("array", arrays, True) for arrays in (self.weights, self.grads, self.moms))
        Expressions().signum_step(SignumStep(*columns, None, [self.constants] * len(self.sizes)))

    def pack(self) -> None:
        kernels.pack(self.grads, out=self.words)

    def momentum_pack(self) -> None:
        kernels.momentum_pack(self.moms, self.grads, momentum=MOMENTUM, out=self.words)

    def momentum_pack_and_search(self) -> None:
        kernels.momentum_pack(self.moms, self.grads, momentum=MOMENTUM, bad=self.bad, out=self.words)

    def nonfinite(self) -> None:
        kernels.nonfinite(self.grads)

    def vote(self) -> None:
        kernels.vote(self.ballots, out=self.words)

    def apply_signs(self) -> None:
        kernels.apply_signs(self.weights, self.ballots[0], lr=LR)

    def triad(self) -> None:
        share([Call(triad, a.size, 16, (a, b, c, np.float32(3))) for a, b, c in zip(*self.flat)])

    def sum(self) -> None:
        total = np.zeros(1, np.float32)
        share([Call(plain_sum, x.size, 4, (x, total)) for x in self.flat[0]])


def rows(repeat: int) -> Iterator[Row]:
    """The rows for one long array, and for ResNet-50's."""
    shapes = resnet50_shapes()
    total = sum(map(math.prod, shapes))
    one, many = Arrays([(total,)]), Arrays(shapes)
    name = f"{total / 1e6:.1f} M in {len(shapes)} arrays"
    yield from _rows(f"{total / 1e6:.1f} M in 1 array", one, repeat)
    yield from _rows(name, many, repeat)
    yield from _against_one(name, one, many, repeat)


def _against_one(name: str, one: Arrays, many: Arrays, repeat: int) -> Iterator[Row]:
    """What it costs that a net has many arrays."""
    for work in ("fused", "pack", "momentum_pack", "vote", "apply_signs", "nonfinite"):
        t = race({"many": getattr(many, work), "one": getattr(one, work)}, repeat)
        called = {"fused": "Signum step", "vote": f"vote of {VOTERS}"}.get(work, work)
        yield row(called, "the same in 1 array", name, t["many"], t["many"] / t["one"], at_most=1.05)


def _rows(name: str, arrays: Arrays, repeat: int) -> Iterator[Row]:
    works = {"fused": arrays.fused, "built-in": arrays.built_in, "triad": arrays.triad}
    works.update({"pack": arrays.pack, "sum": arrays.sum, "momentum_pack": arrays.momentum_pack})
    works.update({"vote": arrays.vote, "apply_signs": arrays.apply_signs})
    works.update({"search": arrays.nonfinite, "both": arrays.momentum_pack_and_search})
    t = race(works, repeat)
    # Ballots that have just come in lie in the last cache, as they do in the second of two votes.
    hot = race({"first": arrays.vote, "vote": arrays.vote, "pack": arrays.pack}, repeat)
    slow = race({"fused": arrays.fused, "expressions": arrays.as_expressions}, max(3, repeat // 4))

    def bandwidth(work: str, bytes_each: float, peer: str, peer_bytes: float) -> np.ndarray:
        return (bytes_each / t[work]) / (peer_bytes / t[peer])

    fused, triad_name = t["fused"], "bandwidth of a triad"
    yield row("Signum step", "mx.optimizer.Signum", name, fused, t["built-in"] / fused, at_least=4)
    ratio = slow["expressions"] / slow["fused"]
    yield row("Signum step", "NDArray expressions", name, slow["fused"], ratio, at_least=20)
    yield row("Signum step", triad_name, name, fused, bandwidth("fused", 20, "triad", 16), at_least=0.9)
    ratio = bandwidth("pack", 4.125, "sum", 4)
    yield row("pack", "bandwidth of a sum", name, t["pack"], ratio, at_least=0.8)
    ratio = bandwidth("momentum_pack", 12.125, "triad", 16)
    yield row("momentum_pack", triad_name, name, t["momentum_pack"], ratio, at_least=0.8)
    ratio = t["both"] / (t["momentum_pack"] + t["search"])
    yield row("momentum_pack that looks for NaN", "momentum_pack, then nonfinite", name, t["both"], ratio, at_most=0.8)
    yield row(f"vote of {VOTERS}", "pack of one", name, t["vote"], t["vote"] / t["pack"], at_most=0.2)
    hot_name = f"vote of {VOTERS}, in cache"
    yield row(hot_name, "pack of one", name, hot["vote"], hot["vote"] / hot["pack"], at_most=0.2)
    ratio = bandwidth("apply_signs", 8.125, "triad", 16)
    yield row("apply_signs", triad_name, name, t["apply_signs"], ratio, at_least=0.8)
