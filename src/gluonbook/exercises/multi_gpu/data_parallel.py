"""The exercises of `multi_gpu/data_parallel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon.utils import split_and_load

from gluonbook import models
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried
from gluonbook.machine.devices import devices
from gluonbook.training import set_seed

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "bytes-of-a-step",
        32_000_000,
        [
            Mistake(4_000_000, 8_000_000, hint="That is what one device sends, or sends and gets. There are four."),
            Mistake(16_000_000, hint="So much goes one way. The sum has to come back."),
            Mistake(
                24_000_000,
                hint="Right if the sum were made on one of the four devices. Here it is made on the host.",
            ),
            Mistake(1_000_000, 256_000_000, hint="The answer is in bytes, and a parameter of 32 bits has four."),
        ],
        otherwise="Bytes of one gradient, times devices, times two ways.",
    )
)


def cut(samples, n):
    each, left = divmod(samples, n)
    return [each + 1] * left + [each] * (n - left)


@exercises.judged("fair-cut", right=cut)
def fair_cut(answer: Callable[[int, int], list[int]]) -> None:
    for samples, n in [(32, 4), (10, 4), (7, 3), (3, 4), (0, 2), (5, 1)]:
        sizes = list(answer(samples, n))
        what = f"cut({samples}, {n}) gives {sizes}"
        if len(sizes) != n:
            raise Hint(f"{what}: that is not one size for each of the {n} devices.")
        if not all(isinstance(size, (int, np.integer)) for size in sizes):
            raise Hint(f"{what}: sizes are whole numbers. // divides without a remainder.")
        if sum(sizes) != samples:
            raise Hint(f"{what}, which add up to {sum(sizes)}.")
        if min(sizes) < 0 or max(sizes) - min(sizes) > 1:
            raise Hint(f"{what}: the largest and the smallest may differ by one at most.")
        if sizes != sorted(sizes, reverse=True):
            raise Hint(f"{what}: the larger pieces come first.")


def combine(means, counts):
    sums = [mean * n for mean, n in zip(means, counts) if n]
    return sum(sums) / sum(counts)


def _pieces() -> list[tuple[list[np.ndarray], list[int]]]:
    rng = np.random.default_rng(0)
    batches = [[rng.normal(size=(count, 5)) for count in counts] for counts in ([4, 4], [3, 3, 2, 2], [1, 1, 0, 0])]
    return [
        ([part.mean(axis=0) if len(part) else np.full(5, np.nan) for part in parts], list(map(len, parts)))
        for parts in batches
    ]


def _combined(answer: Callable[[Sequence, Sequence[int]], np.ndarray], means: list, counts: list[int]) -> np.ndarray:
    got, gradient = np.asarray(answer(means, counts), float), means[0].shape
    if got.shape != gradient:
        raise Hint(f"The result must have the shape of a gradient, {gradient}; yours has {got.shape}.")
    if np.isnan(got).any():
        raise Hint(f"Pieces of {counts} samples give NaN. Zero times NaN is NaN: leave such a device out.")
    return got


exercises.add(
    Tried(
        "mean-of-means",
        combine,
        _pieces,
        [
            Mistake(
                lambda means, counts: combine(means, counts) * sum(counts),
                hint="That is the sum over all samples, not yet their mean.",
            ),
        ],
        otherwise="Wrong for pieces of {counts} samples. Must each device count alike, or each sample?",
        trial=_combined,
    )
)


def step(net, X, y, ctx, lr):
    busy, loss = ctx[: len(X)], gluon.loss.SoftmaxCrossEntropyLoss()
    parts = zip(split_and_load(X, busy, even_split=False), split_and_load(y, busy, even_split=False))
    with autograd.record():
        losses = [loss(net(X_part), y_part) for X_part, y_part in parts]
    autograd.backward(losses)
    for parameter in net.collect_params().values():
        grads = [parameter.grad(c).as_in_context(ctx[0]) for c in busy]
        total = nd.add_n(*grads) * (lr / len(X))
        for weight in parameter.list_data():
            weight -= total.as_in_context(weight.context)


def _twins(ctx: list[mx.Context]) -> tuple[gluon.Block, np.ndarray, np.ndarray]:
    """A small net on `ctx`, the same at each call, and a batch."""
    set_seed(0)
    net = models.mlp((8,), classes=3)
    net.initialize(mx.init.Xavier(), ctx=ctx)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, 5)).astype(np.float32), rng.integers(3, size=10).astype(np.float32)
    net(nd.array(X, ctx[0]))
    return net, X, y


@exercises.judged("own-parallel-step", right=step)
def own_parallel_step(answer: Callable) -> None:
    ctx = devices(4)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    for count in (8, 10, 3):
        alone, X, y = _twins(ctx[:1])
        with autograd.record():
            losses = loss(alone(nd.array(X[:count], ctx[0])), nd.array(y[:count], ctx[0]))
        losses.backward()
        net, _, _ = _twins(ctx)
        before = net[0].weight.data(ctx[0]).asnumpy()
        try:
            answer(net, nd.array(X[:count]), nd.array(y[:count]), ctx, 0.5)
        except Exception as error:
            if count == 8:
                raise
            raise Hint(f"It works for 8 samples on 4 devices. For {count} it raises {type(error).__name__}.") from None
        for one, many in zip(alone.collect_params().values(), net.collect_params().values()):
            right = (one.data() - 0.5 / count * one.grad()).asnumpy()
            replicas = [weight.asnumpy() for weight in many.list_data()]
            if many is net[0].weight and (replicas[0] == before).all():
                raise Hint("The weights have not changed. Do you write into the arrays of parameter.list_data()?")
            if any((other != replicas[0]).any() for other in replicas[1:]):
                raise Hint(f"With {count} samples, replicas of {many.name} differ. Add in one place, then hand out.")
            if not np.allclose(replicas[0], right, atol=1e-5):
                raise Hint(f"With {count} samples, {many.name} is not where one device would put it. Is it lr/|B|?")
