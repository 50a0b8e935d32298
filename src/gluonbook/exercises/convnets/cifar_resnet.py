"""The exercises of `convnets/cifar_resnet`."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "how-many-blocks",
        18,
        [
            Mistake(54, hint="So many blocks there are in all three stages together."),
            Mistake(36, hint="These are the layers of a stage. How many layers has a block?"),
        ],
        otherwise="Three stages of n blocks, two layers each, and two layers besides: solve 6n + 2 for n.",
    )
)

exercises.add(
    Number(
        "price-of-shortcuts",
        2752,
        [
            Mistake(2560, hint="These are the convolutions. Each batch normalization has something to train as well."),
            Mistake(2656, hint="A batch normalization trains a scale and a shift for each channel."),
            Mistake(2944, hint="The running mean and variance are kept, but not trained."),
            Mistake(23232, 23040, hint="The shortcut's convolution is 1 × 1, not 3 × 3."),
        ],
        otherwise="A 1 × 1 convolution has one weight for each pair of an input and an output channel. "
        "Add up both convolutions, and two numbers for each channel that comes out of them.",
    )
)


def rate(t, lr, warm, total):
    """By MXNet's own schedule."""
    return mx.lr_scheduler.CosineScheduler(total, base_lr=lr, final_lr=0, warmup_steps=warm)(t)


def _off_schedule(t: int, lr: float, warm: int, total: int, given: float, right: float) -> str:
    where = "while it warms up" if t < warm else "on the cosine"
    return (
        f"{where}: for t = {t}, lr = {lr}, warm = {warm}, total = {total} the rate is {right:.6g}; "
        f"yours is {given:.6g}."
    )


exercises.add(
    Tried(
        "schedule-by-hand",
        rate,
        [(t, lr, warm, total) for lr, warm, total in ((0.1, 10, 50), (0.4, 7, 100)) for t in range(1, total + 1)],
        otherwise=_off_schedule,
        rtol=0,
        atol=1e-9,
    )
)


def mirror(X):
    return X.flip(axis=2)


def _mirrored(answer: Callable[[nd.NDArray], nd.NDArray], shape: tuple[int, ...]) -> nd.NDArray:
    X = nd.arange(np.prod(shape)).reshape(shape)
    Y = answer(X)
    if not isinstance(Y, nd.NDArray) or Y.shape != X.shape:
        got = f"has shape {Y.shape}" if isinstance(Y, nd.NDArray) else f"is a {type(Y).__name__}"
        raise Hint(f"The result must be an NDArray of the shape of the images, {X.shape}; yours {got}.")
    return Y


exercises.add(
    Tried(
        "looking-glass",
        mirror,
        [((2, 3, 4, 3),)],
        [
            Mistake(
                lambda X: X.flip(axis=0),
                hint="You have turned round the order of the images. Which axis runs from left to right?",
            ),
            Mistake(lambda X: X.flip(axis=1), hint="That is upside down. Which axis runs from left to right?"),
            Mistake(
                lambda X: X.flip(axis=3),
                hint="You have swapped the channels. Which axis runs from left to right?",
            ),
        ],
        otherwise="Each row of pixels must be read from right to left, and nothing else must change.",
        trial=_mirrored,
        rtol=0,
        atol=0,
    )
)


def quiet(net):
    for stage in net.features[2:5]:
        for block in stage:
            gamma = block.body[-1].gamma
            gamma.set_data(nd.zeros_like(gamma.data(gamma.list_ctx()[0])))


@exercises.judged("quiet-blocks", right=quiet)
def quiet_blocks(answer: Callable[[gluon.HybridBlock], object]) -> None:
    from gluoncv.model_zoo import get_model

    net = get_model("cifar_resnet20_v1", classes=10)
    net.initialize(mx.init.Xavier())
    X = nd.random.normal(shape=(4, 3, 8, 8))
    net(X)
    weights = [p.data().asnumpy() for name, p in net.collect_params().items() if name.endswith("weight")]
    answer(net)
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
