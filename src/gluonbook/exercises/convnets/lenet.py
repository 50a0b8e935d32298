"""The exercises of `convnets/lenet`."""

from __future__ import annotations

from itertools import product
from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

from gluonbook import datasets, models
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Within
from gluonbook.exercises.tried import Tried
from gluonbook.profiles import digits_or
from gluonbook.training import fit, set_seed

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "count-weights",
        520,
        [
            Mistake(500, hint="These are the weights. What does each filter add to its sum?"),
            Mistake(25, 26, hint="That is one filter. How many are there?"),
        ],
        otherwise="Each filter has one weight for each pixel of its patch and each channel of its input, and one bias.",
    )
)


def places(n, k, p, s):
    return (n + 2 * p - k) // s + 1


exercises.add(
    Tried(
        "places",
        places,
        list(product((7, 8, 224), (1, 2, 3, 5, 7), (0, 1, 3), (1, 2, 3))),
        [
            Mistake(
                lambda n, k, p, s: -(-(n + 2 * p - k) // s) + 1,
                hint="You round up. Where the last step would leave the row, it is not taken.",
            ),
            Mistake(lambda n, k, p, s: (n + p - k) // s + 1, hint="The zeros come on either side."),
            Mistake(lambda n, k, p, s: n - k + 1, hint="That is without padding and stride."),
            Mistake(lambda n, k, p, s: (n + 2 * p - k) // s, hint="These are the steps. What about the first place?"),
            Mistake(lambda n, k, p, s: (n + 2 * p - k) / s + 1, hint="Places are whole. Which way do you round?"),
            Mistake(lambda n, k, p, s: (n + 2 * p) // s, hint="The filter must fit in, not only begin there."),
        ],
        otherwise="For n = {n}, k = {k}, p = {p} and s = {s} there are {right} places; you have {given}.",
    )
)

exercises.add(
    Number(
        "how-far",
        16,
        [
            Mistake(8, hint="That is the whole digit. How far would it see on a larger image?"),
            Mistake(14, hint="That is how far it sees before the second pooling."),
            Mistake(10, 12, hint="After a pooling, one step in the layer above is two steps in the layer below."),
        ],
        otherwise="Go backwards from one number: a pooling doubles the width, a 5 × 5 convolution adds four.",
    )
)


def correlate(X, W):
    """By MXNet's own operator."""
    image, weight = nd.array(X[None, None]), nd.array(W[None, None])
    return nd.Convolution(image, weight, kernel=W.shape, num_filter=1, no_bias=True).asnumpy()[0, 0]


def _images_and_filters() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(7, 9)), rng.normal(size=(k, k))) for k in (3, 1, 4)]


def _slid(answer: Callable[[np.ndarray, np.ndarray], np.ndarray], X: np.ndarray, W: np.ndarray) -> np.ndarray:
    Y = answer(X, W)
    if not isinstance(Y, np.ndarray):
        raise Hint(f"Return a NumPy array; this returned a {type(Y).__name__}.")
    return Y


def _not_the_correlation(W: np.ndarray, given: np.ndarray, right: np.ndarray) -> str:
    if given.shape != right.shape:
        k = len(W)
        return f"An image of 7 × 9 and a filter of {k} × {k} give {right.shape}; yours has shape {given.shape}."
    return "The shape is right, the numbers are not. Try a filter that is 1 in one corner and 0 elsewhere."


exercises.add(
    Tried(
        "slide-it",
        correlate,
        _images_and_filters,
        [
            Mistake(
                lambda X, W: correlate(X, W[::-1, ::-1]),
                hint="That is the mathematicians' convolution: you have flipped the filter.",
            ),
        ],
        otherwise=_not_the_correlation,
        trial=_slid,
        atol=1e-5,
    )
)


def small():
    return models.lenet(channels=(10, 20), hidden=64)


@exercises.judged("half-the-weights", right=small)
def half_the_weights(small: Callable[[], gluon.HybridBlock]) -> None:
    train, held = datasets.hold_out(datasets.load("digits").train, 300)
    set_seed(0)
    sizes = {}
    for name, net in {"small": small(), "lenet": models.lenet()}.items():
        if not isinstance(net, gluon.Block):
            raise Hint(f"small() must return a network; it returned a {type(net).__name__}.")
        net.initialize(mx.init.Xavier())
        net(nd.array(train[:1][0]))
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
    history = fit(mine, trainer, train, test=held, epochs=20, batch_size=64)
    if history["test_accuracy"][-1] < 0.95:
        raise Hint(f"Small enough, but it reads {history['test_accuracy'][-1]:.1%}: spend the weights elsewhere.")


def smoothed(out, y):
    surprise = -nd.log_softmax(out)
    return 0.9 * nd.pick(surprise, y) + 0.1 * surprise.mean(axis=1)


def _scores_and_classes() -> list[tuple[nd.NDArray, nd.NDArray]]:
    rng = np.random.default_rng(0)
    return [(nd.array(rng.normal(size=(5, k))), nd.array(rng.integers(0, k, 5))) for k in (10, 3)]


def _one_a_sample(answer: Callable[[nd.NDArray, nd.NDArray], nd.NDArray], out: nd.NDArray, y: nd.NDArray) -> np.ndarray:
    losses = answer(out, y)
    if not isinstance(losses, nd.NDArray):
        raise Hint(f"Return an NDArray, or nothing can be differentiated; this is a {type(losses).__name__}.")
    if losses.shape != y.shape:
        raise Hint(f"{len(y)} samples have {len(y)} losses, shape {y.shape}; yours has shape {losses.shape}.")
    return losses.asnumpy()


def _softened(right_share: float, others: Callable[[nd.NDArray], nd.NDArray]) -> Callable:
    def loss(out: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
        surprise = -nd.log_softmax(out)
        return right_share * nd.pick(surprise, y) + 0.1 * others(surprise)

    return loss


exercises.add(
    Tried(
        "smoothed",
        smoothed,
        _scores_and_classes,
        [
            Mistake(
                lambda out, y: -nd.pick(nd.log_softmax(out), y),
                hint="That is the plain cross-entropy: the second term is missing.",
            ),
            Mistake(_softened(0.9, lambda surprise: surprise.sum(axis=1)), hint="The ε is shared by K classes."),
            Mistake(
                _softened(1, lambda surprise: surprise.mean(axis=1)),
                hint="All targets together must be 1, and yours are 1.1.",
            ),
            Mistake(lambda out, y: -smoothed(out, y), hint="The sign: logarithms of probabilities are negative."),
            Mistake(
                lambda out, y: smoothed(nd.softmax(out), y),
                hint="You take the softmax of a softmax: out has scores, and log_softmax wants these.",
            ),
        ],
        otherwise="It has the right shape, but not the right numbers. Try out = 0: there all p are 1/K.",
        trial=_one_a_sample,
        atol=1e-5,
    )
)


def scramble(X):
    return _reordered(X, np.random.RandomState(0).permutation(X[0].size))


def _reordered(X: np.ndarray, order: np.ndarray) -> np.ndarray:
    return X.reshape(len(X), -1)[:, order].reshape(X.shape)


@exercises.judged("scrambled", right=scramble)
def scrambled(shuffle: Callable[[np.ndarray], np.ndarray]) -> None:
    X = np.arange(3 * 64, dtype=np.float32).reshape(3, 1, 8, 8)
    Y = shuffle(X.copy())
    if not isinstance(Y, np.ndarray) or Y.shape != X.shape:
        raise Hint(f"The result must have the shape of the images, {X.shape}; yours has {np.shape(Y)}.")
    if not np.array_equal(np.sort(Y.reshape(3, -1)), X.reshape(3, -1)):
        raise Hint("Each image must keep all of its own pixels, each of them once.")
    order = Y[0].ravel().astype(int)
    others = [X, X[:2], X[::-1] ** 2]  # once more, fewer of them, and other pixels
    if not all(np.array_equal(shuffle(other.copy()), _reordered(other, order)) for other in others):
        raise Hint(
            "All images must be shuffled by one and the same permutation, the training set's and the test set's."
        )
    if (order == np.arange(64)).mean() > 0.5:
        raise Hint("Most pixels are still where they were.")


# The chapter is about the digits in one profile, and about MNIST, where neighbours are worth more, in the others.
_LOST = Within(-0.03, 0.04, 0.01) if digits_or("mnist") == "digits" else Within(0.002, 0.15, 0.05)

exercises.add(
    Number(
        "worth-of-neighbours",
        _LOST,
        [Mistake(Within(0.5, 101, 0.87), hint="Is the test set scrambled, too? And one per cent is 0.01.")],
        otherwise="A fair guess, but not what one measures: train LeNet on scrambled images, and test it on such.",
    )
)
