"""Checks of the exercises of `multi_gpu/kvstore`."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.kvstore import KVStoreBase

from gluonbook import models
from gluonbook.exercises.checking import Exercises, Hint, numbers
from gluonbook.machine.devices import devices
from gluonbook.training import set_seed

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("shelf-keeping")
def shelf_keeping(answer: tuple[float, float, float]) -> None:
    a, b, c = numbers(answer, 3)
    if a == 7:
        raise Hint("a: without an updater, what lay there before is replaced.")
    if a != 3:
        raise Hint("a: arrays of one push are added over devices.")
    if b == 8:
        raise Hint("b: two pushes are not added up.")
    if b != 5:
        raise Hint("b: what did the second push leave there?")
    if c == 3.5:
        raise Hint("c: the updater sees the sum over devices.")
    if c == 4:
        raise Hint("c: the other shelf starts with 4, not with what lies on the first.")
    if c != 3:
        raise Hint("c: here the sum is not put there; it is given to the updater.")


@exercises.add("memory-for-states")
def memory_for_states(answer: tuple[float, float]) -> None:
    on_store, on_devices = numbers(answer, 2)
    if (on_store, on_devices) == (8, 2):
        raise Hint("The other way round: which of the two keeps one set only?")
    if on_store == 1:
        raise Hint("Adam keeps two running means.")
    if on_store == 3:
        raise Hint("The weights themselves are no states of the optimizer.")
    if on_store != 2:
        raise Hint("With update_on_kvstore: how many arrays of a parameter's size, and how many sets of them?")
    if on_devices != 8:
        raise Hint("Without: every device has a set of its own. There are four.")


def _arrivals(grads: np.ndarray, threshold: float) -> np.ndarray:
    store = mx.kv.create("device")
    store.set_gradient_compression({"type": "2bit", "threshold": threshold})
    store.init("g", nd.zeros(grads.shape[1]))
    out, received = nd.zeros(grads.shape[1]), []
    for grad in grads:
        store.push("g", nd.array(grad))
        store.pull("g", out=out)
        received.append(out.asnumpy())
    return np.array(received)


@exercises.add("two-bits-by-hand")
def two_bits_by_hand(two_bits: Callable) -> None:
    threshold = 0.5
    # Sixteenths, so that no rounding can blur a comparison, and among them the threshold itself.
    grads = np.random.default_rng(0).integers(-16, 17, (20, 24)).astype(np.float32) / 16
    right, residual = _arrivals(grads, threshold), np.zeros(24, np.float32)
    for step, grad in enumerate(grads):
        kept = grad.copy(), residual.copy()
        q, r = two_bits(grad, residual, threshold)
        if (grad != kept[0]).any() or (residual != kept[1]).any():
            raise Hint("Your function has changed its arguments. -= and += on an array do that.")
        q, r = np.asarray(q), np.asarray(r)
        if set(np.unique(np.abs(q))) - {0, threshold}:
            raise Hint("q may hold nothing but −t, 0 and t.")
        if (q != right[step]).any():
            if step == 0 and (q[np.abs(grad) != threshold] == right[step][np.abs(grad) != threshold]).all():
                raise Hint("Look at gradients that equal the threshold: they are sent.")
            if step == 0:
                raise Hint("The first q is wrong, where there is no residual yet: look at the three cases.")
            raise Hint(f"Right for the first {step} pushes, then not: is the residual added before the comparison?")
        if not np.allclose(r, kept[1] + kept[0] - q):
            raise Hint("What is not sent stays behind: r = p − q.")
        residual = r.astype(np.float32)


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


@exercises.add("median-store")
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
