"""Checks of the exercises of `gluon/hybridize`."""

from __future__ import annotations

from typing import Callable

import numpy as np
from mxnet import autograd, gluon, nd

from gluonbook.exercises.checking import Exercises, Hint

exercises = Exercises(__name__)
check = exercises.check

Block = Callable[..., gluon.HybridBlock]


@exercises.add("trace-count")
def trace_count(number: int) -> None:
    if number == 1:
        raise Hint("Nearly. What happens to the old graph when hybridize is called again?")
    if number == 3:
        raise Hint("Does a batch of another size, or a recording, need a new trace? The chapter has measured it.")
    if number == 6:
        raise Hint("That would be the imperative count. A trace serves many calls.")
    if number != 2:
        raise Hint("Count the traces: when is there no graph yet, so that the Python must run?")


@exercises.add("soft-threshold")
def soft_threshold(threshold: Block) -> None:
    x = nd.array([[-3.0, -0.5, 0.2], [2.0, 1.0, 0.0]])
    for width in (1.0, 0.25):
        right = np.sign(x.asnumpy()) * np.maximum(np.abs(x.asnumpy()) - width, 0)
        for how, y in _both_lives(lambda width=width: threshold(width), x):
            if y.shape != x.shape:
                raise Hint(f"The result has the shape of the input, {x.shape}; {how}, yours has {y.shape}.")
            wrong = np.argwhere(~np.isclose(y.asnumpy(), right, atol=1e-6))
            if len(wrong):
                at = tuple(wrong[0])
                raise Hint(
                    f"With width {width:g}, {x[at].asscalar():g} becomes {right[at]:g}; "
                    f"{how}, yours makes it {y[at].asscalar():g}."
                )


@exercises.add("fresh-noise")
def fresh_noise(noisy: Block) -> None:
    x = nd.full((200, 50), 3.0)
    for how, y in _both_lives(lambda: noisy(0.5), x):
        if y.shape != x.shape:
            raise Hint(f"The result has the shape of the input, {x.shape}; {how}, yours has {y.shape}.")
        noise = (y - x).asnumpy()
        if np.ptp(noise) < 1e-6:
            raise Hint(f"Every entry gets a number of its own; {how}, yours adds {noise.flat[0]:.3g} to all of them.")
        if abs(noise.mean()) > 0.05 or abs(noise.std() - 0.5) > 0.05:
            raise Hint(
                f"With scale 0.5 the noise has mean 0 and standard deviation 0.5; "
                f"{how}, yours has {noise.mean():.2f} and {noise.std():.2f}."
            )
    net = noisy(1.0)
    net.hybridize()
    if (net(x) == net(x)).asnumpy().all():
        raise Hint("Hybridized, two calls give the same noise: it was drawn while tracing. Let F draw it.")
    smaller = x[:7]
    if net(smaller).shape != smaller.shape:
        raise Hint("After a batch of 200, a batch of 7 has the wrong shape: the trace must not contain a size.")


@exercises.add("safe-root")
def safe_root(root: Block) -> None:
    x = nd.array([-1.0, 0.0, 0.25, 4.0])
    for how, y in _both_lives(root, x):
        if not np.allclose(y.asnumpy(), [0, 0, 0.5, 2], atol=1e-6):
            raise Hint(f"For {x.asnumpy().tolist()}, {how}, yours gives {y.asnumpy().tolist()}.")
    net = root()
    net.hybridize()
    x.attach_grad()
    with autograd.record():
        y = net(x)
    y.backward(nd.full(4, 3.0))
    slope = x.grad.asnumpy()
    if not np.isfinite(slope).all():
        raise Hint(
            f"The values are right; the gradient is {slope.tolist()}. where computes both branches, backwards too: "
            "the root must not be taken of a number that is not positive."
        )
    if not np.allclose(slope, [0, 0, 3, 0.75], atol=1e-5):
        raise Hint(f"Finite, but with head gradients of 3 the gradient is [0, 0, 3, 0.75]; yours is {slope.tolist()}.")


@exercises.add("running-maximum")
def running_maximum(highest: Block) -> None:
    rng = np.random.RandomState(0)
    for shape in ((6, 3), (4, 1)):
        x = nd.array(rng.normal(size=shape) - 3)
        right = np.maximum.accumulate(x.asnumpy(), axis=0)
        for how, y in _both_lives(highest, x):
            if y.shape != x.shape:
                raise Hint(f"The result has the shape of the input, {x.shape}; {how}, yours has {y.shape}.")
            if np.allclose(y.asnumpy(), np.maximum(right, 0)):
                raise Hint("With negative numbers it stays at 0. What should the first state be?")
            if np.allclose(y.asnumpy(), np.maximum.accumulate(x.asnumpy(), axis=1)):
                raise Hint("That is along the features. foreach walks along the first axis, the time.")
            if not np.allclose(y.asnumpy(), right):
                raise Hint(f"{how.capitalize()}, the maximum so far is not right; does step return the state as well?")


def _both_lives(make: Callable[[], gluon.HybridBlock], x: nd.NDArray) -> list[tuple[str, nd.NDArray]]:
    """What a fresh block makes of x, imperatively and then hybridized; raises a Hint where it is no block."""
    net = make()
    if not isinstance(net, gluon.HybridBlock):
        raise Hint(f"Hand in the class, a HybridBlock; calling it gave a {type(net).__name__}.")
    net.initialize()
    imperative = net(x)
    if not isinstance(imperative, nd.NDArray):
        raise Hint(f"hybrid_forward must return an array; it returned a {type(imperative).__name__}.")
    net.hybridize()
    try:
        hybrid = net(x)
    except Exception as error:
        raise Hint(f"Fine imperatively. Hybridized it raises {type(error).__name__}: {error}") from error
    return [("imperatively", imperative), ("hybridized", hybrid)]
