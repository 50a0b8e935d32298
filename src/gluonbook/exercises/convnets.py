"""Checks of the exercises of Part 2."""

from __future__ import annotations

from typing import Callable

import numpy as np
from mxnet import nd

from gluonbook.exercises.checking import Hint, exercise


@exercise("count-weights")
def count_weights(number: int) -> None:
    if number == 500:
        raise Hint("These are the weights. What does each filter add to its sum?")
    if number in (25, 26):
        raise Hint("That is one filter. How many are there?")
    if number != 520:
        raise Hint(
            "Each filter has one weight for each pixel of its patch and each channel of its input, and one bias."
        )


@exercise("slide-it")
def slide_it(correlate: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(7, 9)), rng.normal(size=(3, 3))
    right = nd.Convolution(
        nd.array(X[None, None]), nd.array(W[None, None]), kernel=(3, 3), num_filter=1, no_bias=True
    ).asnumpy()[0, 0]
    Y = np.asarray(correlate(X, W))
    if Y.shape != right.shape:
        raise Hint(f"An image of 7 × 9 and a filter of 3 × 3 give {right.shape}; yours has shape {Y.shape}.")
    flipped = np.asarray(correlate(X, W[::-1, ::-1]))
    if np.allclose(flipped, right, atol=1e-5):
        raise Hint("That is the mathematicians' convolution: you have flipped the filter.")
    if not np.allclose(Y, right, atol=1e-5):
        raise Hint("The shape is right, the numbers are not. Try a filter that is 1 in one corner and 0 elsewhere.")


@exercise("how-far")
def how_far(width: int) -> None:
    if width == 14:
        raise Hint("That is how far it sees before the second pooling.")
    if width in (10, 12):
        raise Hint("After a pooling, one step in the layer above is two steps in the layer below.")
    if width != 16:
        raise Hint("Go backwards from one number: a pooling doubles the width, a 5 × 5 convolution adds four.")


@exercise("scrambled")
def scrambled(accuracy: float) -> None:
    if not 0 <= accuracy <= 1:
        raise Hint(f"An accuracy lies between 0 and 1; this is {accuracy!r}.")
    if accuracy < 0.5:
        raise Hint("Did you scramble the test images with the same permutation as the training images?")
    if accuracy < 0.9:
        raise Hint("Lower than it should be: train as long as the chapter does, from fresh parameters.")
