"""The exercises of `multi_gpu/kvstore`."""

from __future__ import annotations

from typing import Callable, final

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.kvstore import KVStoreBase

from gluonbook import models
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried
from gluonbook.machine.devices import devices
from gluonbook.training import set_seed

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "shelf-keeping",
        Place(
            3,
            [Mistake(7, hint="a: without an updater, what lay there before is replaced.")],
            otherwise="a: arrays of one push are added over devices.",
        ),
        Place(
            5,
            [Mistake(8, hint="b: two pushes are not added up.")],
            otherwise="b: what did the second push leave there?",
        ),
        Place(
            3,
            [
                Mistake(3.5, hint="c: the updater sees the sum over devices."),
                Mistake(4, hint="c: the other shelf starts with 4, not with what lies on the first."),
            ],
            otherwise="c: here the sum is not put there; it is given to the updater.",
        ),
    )
)

exercises.add(
    Numbers(
        "memory-for-states",
        Place(
            2,
            [
                Mistake(1, hint="Adam keeps two running means."),
                Mistake(3, hint="The weights themselves are no states of the optimizer."),
            ],
            otherwise="With update_on_kvstore: how many arrays of a parameter's size, and how many sets of them?",
        ),
        Place(8, otherwise="Without: every device has a set of its own. There are four."),
        mistakes=[Mistake((8, 2), hint="The other way round: which of the two keeps one set only?")],
    )
)

_THRESHOLD = 0.5


def two_bits(grad, residual, threshold):
    """By MXNet's own store, which gets the residual with its first push."""
    store = mx.kv.create("device")
    store.set_gradient_compression({"type": "2bit", "threshold": threshold})
    store.init("g", nd.zeros(grad.shape))
    store.push("g", nd.array(residual + grad))
    received = nd.zeros(grad.shape)
    store.pull("g", out=received)
    q = received.asnumpy()
    return q, residual + grad - q


def _pushes() -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Gradients, one push after the other, each with the residual that those before it have left."""
    # Sixteenths, so that no rounding can blur a comparison, and among them the threshold itself.
    grads = np.random.default_rng(0).integers(-16, 17, (20, 24)).astype(np.float32) / 16
    residual, pushes = np.zeros(24, np.float32), []
    for step, grad in enumerate(grads):
        pushes.append((step, grad, residual))
        _, residual = two_bits(grad, residual, _THRESHOLD)
    return pushes


def _pushed(answer: Callable, step: int, grad: np.ndarray, residual: np.ndarray) -> dict[str, np.ndarray]:
    kept = grad.copy(), residual.copy()
    q, r = answer(grad, residual, _THRESHOLD)
    if (grad != kept[0]).any() or (residual != kept[1]).any():
        raise Hint("Your function has changed its arguments. -= and += on an array do that.")
    q, r = np.asarray(q), np.asarray(r)
    if set(np.unique(np.abs(q))) - {0, _THRESHOLD}:
        raise Hint("q may hold nothing but −t, 0 and t.")
    return {"q": q, "r": r}


def _wrong_bits(step: int, given: np.ndarray, right: np.ndarray, grad: np.ndarray) -> str:
    if step == 0 and given.shape == right.shape and (given == right)[np.abs(grad) != _THRESHOLD].all():
        return "Look at gradients that equal the threshold: they are sent."
    if step == 0:
        return "The first q is wrong, where there is no residual yet: look at the three cases."
    return f"Right for the first {step} pushes, then not: is the residual added before the comparison?"


exercises.add(
    Tried(
        "two-bits-by-hand",
        two_bits,
        _pushes,
        otherwise={"q": _wrong_bits, "r": "What is not sent stays behind: r = p − q."},
        trial=_pushed,
    )
)


@final
class Median(KVStoreBase):
    type, rank, num_workers = "median", 0, 1

    @staticmethod
    def is_capable(capability):
        return False

    def broadcast(self, key, value, out, priority=0):
        for place in out:
            place[:] = value

    def pushpull(self, key, value, out=None, priority=0):
        grads = np.stack([grad.asnumpy() for grad in value])
        middle = len(grads) * np.median(grads, axis=0)
        for place in value if out is None else out:
            place[:] = middle


def _train(store: KVStoreBase, steps: int, broken: bool) -> np.ndarray:
    """The losses of a small training on three devices, the last of which sends 10⁶ in every step if broken."""
    ctx = devices(3)
    set_seed(0)
    net = models.mlp((16,), classes=3)
    net.initialize(mx.init.Xavier(), ctx=ctx)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, kvstore=store)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(steps):
        X = rng.normal(size=(3, 16, 3)).astype(np.float32)
        with autograd.record():
            parts = [
                gluon.loss.SoftmaxCrossEntropyLoss()(net(nd.array(x, c)), nd.array(x.argmax(axis=1), c))
                for x, c in zip(X, ctx)
            ]
        autograd.backward(parts)
        if broken:
            for parameter in net.collect_params().values():
                parameter.grad(ctx[2])[:] = 1e6
        trainer.step(48)
        losses.append(float(parts[0].mean().asscalar()))
    replicas = [[p.data(c).asnumpy() for p in net.collect_params().values()] for c in ctx]
    if any((a != b).any() for other in replicas[1:] for a, b in zip(replicas[0], other)):
        raise Hint("After the training the replicas differ: every array of value must get the same.")
    return np.array(losses)


@exercises.judged("median-store", right=Median)
def median_store(kind: type[KVStoreBase]) -> None:
    if not (isinstance(kind, type) and issubclass(kind, KVStoreBase)):
        raise Hint("Give the class itself, derived from KVStoreBase.")
    ctx = devices(3)
    values = [nd.array([1.0, 5.0], ctx[0]), nd.array([2.0, -7.0], ctx[1]), nd.array([30.0, 6.0], ctx[2])]
    kind().pushpull(0, values)
    got = values[0].asnumpy()
    if np.allclose(got, [33, 4]):
        raise Hint("That is the sum. One broken device spoils it.")
    if np.allclose(got, [2, 5]):
        raise Hint("That is the median. Times the number of devices, it can stand for a sum.")
    if not np.allclose(got, [6, 15]):
        raise Hint(f"From [1, 5], [2, −7] and [30, 6] it should make [6, 15]; yours makes {got.tolist()}.")
    sound, broken = (_train(kind(), 60, broken) for broken in (False, True))
    if not (sound[-10:].mean() < 0.7 * sound[:10].mean()):
        raise Hint("With three sound devices nothing is learned. Does each of them get the result?")
    if not (broken[-10:].mean() < 0.8 * broken[:10].mean()):
        raise Hint("With one broken device nothing is learned.")
