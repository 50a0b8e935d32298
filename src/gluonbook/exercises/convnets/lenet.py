"""Checks of the exercises of `convnets/lenet`."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

from gluonbook import datasets, models
from gluonbook.exercises.checking import Exercises, Hint
from gluonbook.training import fit, set_seed

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("count-weights")
def count_weights(number: int) -> None:
    if number == 500:
        raise Hint("These are the weights. What does each filter add to its sum?")
    if number in (25, 26):
        raise Hint("That is one filter. How many are there?")
    if number != 520:
        raise Hint(
            "Each filter has one weight for each pixel of its patch and each channel of its input, and one bias."
        )


@exercises.add("how-far")
def how_far(width: int) -> None:
    if width == 8:
        raise Hint("That is the whole digit. How far would it see on a larger image?")
    if width == 14:
        raise Hint("That is how far it sees before the second pooling.")
    if width in (10, 12):
        raise Hint("After a pooling, one step in the layer above is two steps in the layer below.")
    if width != 16:
        raise Hint("Go backwards from one number: a pooling doubles the width, a 5 × 5 convolution adds four.")


@exercises.add("slide-it")
def slide_it(correlate: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    for k in (3, 1, 4):
        X, W = rng.normal(size=(7, 9)), rng.normal(size=(k, k))
        image, weight = nd.array(X[None, None]), nd.array(W[None, None])
        right = nd.Convolution(image, weight, kernel=(k, k), num_filter=1, no_bias=True).asnumpy()[0, 0]
        Y, flipped = correlate(X, W), correlate(X, W[::-1, ::-1])
        if not isinstance(Y, np.ndarray):
            raise Hint(f"Return a NumPy array; this returned a {type(Y).__name__}.")
        if Y.shape != right.shape:
            raise Hint(f"An image of 7 × 9 and a filter of {k} × {k} give {right.shape}; yours has shape {Y.shape}.")
        if k > 1 and np.allclose(flipped, right, atol=1e-5):
            raise Hint("That is the mathematicians' convolution: you have flipped the filter.")
        if not np.allclose(Y, right, atol=1e-5):
            raise Hint("The shape is right, the numbers are not. Try a filter that is 1 in one corner and 0 elsewhere.")


@exercises.add("half-the-weights")
def half_the_weights(small: Callable[[], gluon.HybridBlock]) -> None:
    digits = datasets.load("digits")
    set_seed(0)
    sizes = {}
    for name, net in {"small": small(), "lenet": models.lenet()}.items():
        if not isinstance(net, gluon.Block):
            raise Hint(f"small() must return a network; it returned a {type(net).__name__}.")
        net.initialize(mx.init.Xavier())
        net(nd.array(digits.train[:1][0]))
        sizes[name] = sum(parameter.data().size for parameter in net.collect_params().values())
        if name == "small":
            mine = net
    kinds: list[str] = []
    mine.apply(lambda block: kinds.append(type(block).__name__))
    if "Conv2D" not in kinds:
        raise Hint("There is no Conv2D in your network.")
    if 2 * sizes["small"] >= sizes["lenet"]:
        raise Hint(f"LeNet has {sizes['lenet']:,} parameters, yours {sizes['small']:,}. Which layers have the most?")
    trainer = gluon.Trainer(mine.collect_params(), "sgd", {"learning_rate": 0.02, "momentum": 0.9})
    history = fit(mine, trainer, digits.train, test=digits.test, epochs=20, batch_size=64)
    if history["test_accuracy"][-1] < 0.95:
        raise Hint(f"Small enough, but it reads {history['test_accuracy'][-1]:.1%}: spend the weights elsewhere.")


@exercises.add("scrambled")
def scrambled(scramble: Callable[[np.ndarray], np.ndarray]) -> None:
    X = np.arange(3 * 64, dtype=np.float32).reshape(3, 1, 8, 8)
    Y = scramble(X.copy())
    if not isinstance(Y, np.ndarray) or Y.shape != X.shape:
        raise Hint(f"The result must have the shape of the images, {X.shape}; yours has {np.shape(Y)}.")
    if not np.array_equal(np.sort(Y.reshape(3, -1)), X.reshape(3, -1)):
        raise Hint("Each image must keep all of its own pixels, each of them once.")
    orders = Y.reshape(3, -1) - 64 * np.arange(3)[:, None]
    if not (orders == orders[0]).all() or not np.array_equal(scramble(X.copy()), Y):
        raise Hint(
            "All images must be shuffled by one and the same permutation, the training set's and the test set's."
        )
    if (orders[0] == np.arange(64)).mean() > 0.5:
        raise Hint("Most pixels are still where they were.")
