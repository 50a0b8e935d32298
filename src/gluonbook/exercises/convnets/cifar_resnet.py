"""Checks of the exercises of `convnets/cifar_resnet`."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

from gluonbook.exercises.checking import Exercises, Hint

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("how-many-blocks")
def how_many_blocks(number: float) -> None:
    if number == 54:
        raise Hint("So many blocks there are in all three stages together.")
    if number in (36, 36.0):
        raise Hint("These are the layers of a stage. How many layers has a block?")
    if number != 18:
        raise Hint("Three stages of n blocks, two layers each, and two layers besides: solve 6n + 2 for n.")


@exercises.add("price-of-shortcuts")
def price_of_shortcuts(number: float) -> None:
    if number == 2560:
        raise Hint("These are the convolutions. Each batch normalization has something to train as well.")
    if number == 2656:
        raise Hint("A batch normalization trains a scale and a shift for each channel.")
    if number == 2944:
        raise Hint("The running mean and variance are kept, but not trained.")
    if number in (23232, 23040):
        raise Hint("The shortcut's convolution is 1 × 1, not 3 × 3.")
    if number != 2752:
        raise Hint(
            "A 1 × 1 convolution has one weight for each pair of an input and an output channel. "
            "Add up both convolutions, and two numbers for each channel that comes out of them."
        )


@exercises.add("schedule-by-hand")
def schedule_by_hand(rate: Callable[[int, float, int, int], float]) -> None:
    from gluoncv.utils import LRScheduler, LRSequential  # imports a second long, which other checks need not wait for

    for lr, warm, total in ((0.1, 10, 50), (0.4, 7, 100)):
        up = LRScheduler("linear", base_lr=0, target_lr=lr, niters=warm)
        schedule = LRSequential([up, LRScheduler("cosine", base_lr=lr, target_lr=0, niters=total - warm)])
        for t in range(total):
            mine, right = float(rate(t, lr, warm, total)), schedule(t)
            if abs(mine - right) > 1e-9:
                where = "while it warms up" if t < warm else "on the cosine"
                raise Hint(
                    f"{where}: for t = {t}, lr = {lr}, warm = {warm}, total = {total} the rate is {right:.6g}; "
                    f"yours is {mine:.6g}."
                )


@exercises.add("looking-glass")
def looking_glass(mirror: Callable[[nd.NDArray], nd.NDArray]) -> None:
    X = nd.arange(2 * 3 * 4 * 3).reshape((2, 3, 4, 3))
    Y = mirror(X.copy())
    if not isinstance(Y, nd.NDArray) or Y.shape != X.shape:
        got = f"has shape {Y.shape}" if isinstance(Y, nd.NDArray) else f"is a {type(Y).__name__}"
        raise Hint(f"The result must be an NDArray of the shape of the images, {X.shape}; yours {got}.")
    wrong = {
        0: "You have turned round the order of the images.",
        1: "That is upside down.",
        3: "You have swapped the channels.",
    }
    for axis, hint in wrong.items():
        if np.array_equal(Y.asnumpy(), X.flip(axis=axis).asnumpy()):
            raise Hint(f"{hint} Which axis runs from left to right?")
    if not np.array_equal(Y.asnumpy(), X.flip(axis=2).asnumpy()):
        raise Hint("Each row of pixels must be read from right to left, and nothing else must change.")


@exercises.add("quiet-blocks")
def quiet_blocks(quiet: Callable[[gluon.HybridBlock], object]) -> None:
    from gluoncv.model_zoo import get_model

    net = get_model("cifar_resnet20_v1", classes=10)
    net.initialize(mx.init.Xavier())
    X = nd.random.normal(shape=(4, 3, 8, 8))
    net(X)
    weights = [p.data().asnumpy() for name, p in net.collect_params().items() if name.endswith("weight")]
    quiet(net)
    X = net.features[1](net.features[0](X))
    for number, stage in enumerate(net.features[2:5], 1):
        for block in stage:
            if block.body(X).abs().max().asscalar() != 0:
                raise Hint(f"In stage {number} there is a block whose body does not answer 0.")
            if block.body[1].gamma.data().abs().max().asscalar() == 0:
                raise Hint("You have silenced a block's first batch normalization: no gradient gets past it, for ever.")
            X = block(X)
    after = [p.data().asnumpy() for name, p in net.collect_params().items() if name.endswith("weight")]
    if not all(np.array_equal(a, b) for a, b in zip(weights, after)):
        raise Hint("The bodies answer 0, but you have changed convolutions: gamma alone should become 0.")
    if X.abs().max().asscalar() == 0:
        raise Hint("Nothing comes through any more: the shortcuts must stay as they were.")
