"""The exercises of `gluon/arrays`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from mxnet import nd

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check


exercises.add(
    Numbers(
        "reshape-codes",
        Place(
            6,
            [Mistake(2, hint="-3 takes two axes of the old shape, and makes one of them.")],
            otherwise="-3 merges the first two axes. How many rows is that?",
        ),
        Place(
            4,
            [
                Mistake(3, hint="0 keeps the axis that is next, and -3 has used up two of them already."),
                Mistake(0, hint="0 is a code: it keeps an axis of the old shape. Which one is next?"),
            ],
            otherwise="0 keeps one axis of the old shape, the first that -3 has left.",
        ),
        Place(
            5, [Mistake(-1, hint="-1 is a code, for whatever is left.")], otherwise="All in all there are 120 numbers."
        ),
    )
)


def _as_numpy(array: Any) -> np.ndarray:
    """The numbers of an NDArray; raises a Hint for anything else."""
    if not isinstance(array, nd.NDArray):
        raise Hint(f"This must be an NDArray; it is of type {type(array).__name__}.")
    return array.asnumpy()


def brightness(images):
    return images.astype("float32").mean(axis=0, exclude=True)


def _mean_of_each(answer: Callable, images: np.ndarray) -> dict[str, Any]:
    means = _as_numpy(answer(nd.array(images, dtype="uint8")))
    return {"shape": means.shape, "values": means, "type": means.dtype.name}


exercises.add(
    Tried(
        "brightness",
        brightness,
        lambda: [(np.random.RandomState(0).randint(60, 250, size=(3, 8, 9)),), (np.full((2, 28, 28), 100),)],
        [
            Mistake(
                lambda images: images.mean(axis=(1, 2)),
                lambda images: images.mean(axis=(1, 2)).astype("float32"),
                hint="These means are far too small. In which type was the sum computed?",
            ),
            Mistake(
                lambda images: images.astype("float32").mean(axis=0),
                hint="One number an image: reduce over all axes but the first.",
            ),
            Mistake(
                lambda images: images.astype("float32").mean(),
                hint="That is the mean of all images together. Which axes should vanish?",
            ),
        ],
        otherwise={
            "shape": "{right} is the shape of one number an image; yours has {given}.",
            "values": "The means are {right}; yours are {given}.",
            "type": "The means are right; their type should be float32, and is {given}.",
        },
        trial=_mean_of_each,
        rtol=1e-4,
    )
)


def above(x, limit):
    mask = x > limit
    return nd.contrib.boolean_mask(x, mask) if mask.sum() > 0 else x[0:0]


def _selected(answer: Callable, x: list[float], limit: float) -> np.ndarray:
    try:
        return _as_numpy(answer(nd.array(x), limit))
    except Hint:
        raise
    except Exception as error:
        if max(x) > limit:
            raise
        raise Hint(f"When none of {x} exceeds {limit:g}, yours raises {type(error).__name__}. Count first.") from error


def _not_selected(x: list[float], limit: float, given: np.ndarray, right: np.ndarray) -> str:
    return f"Of {x}, {len(right)} exceed {limit:g}: {right.tolist()}; yours gives {given.tolist()}."


exercises.add(
    Tried(
        "all-above",
        above,
        [([1.0, 2.0, 3.0], 1.0), ([4.0, -1.0, 7.0, 5.0], 4.0), ([1.0, 2.0], 9.0)],
        [
            Mistake(
                lambda x, limit: x[x > limit],
                hint="Yours gives {given}: the comparison was taken for a list of the indices 0 and 1.",
            ),
            Mistake(
                lambda x, limit: nd.where(x > limit, x, nd.zeros_like(x)),
                hint="That keeps the shape, and puts zeros where nothing exceeds. Here the others should go.",
            ),
            Mistake(
                lambda x, limit: above(x, limit - 1e-6),
                hint="What equals the limit does not exceed it.",
            ),
        ],
        otherwise=_not_selected,
        trial=_selected,
    )
)


def distances(A, B):
    return ((A.expand_dims(1) - B.expand_dims(0)) ** 2).sum(axis=2)


def _of_rows(answer: Callable, A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return _as_numpy(answer(nd.array(A), nd.array(B)))


def _not_the_distances(given: np.ndarray, right: np.ndarray) -> str:
    if given.shape != right.shape:
        return (
            f"{right.shape[0]} rows and {right.shape[1]} rows make the shape {right.shape}; yours has {given.shape}. "
            "Which axis of each should be stretched?"
        )
    return f"The distance of the two first rows, squared, is {right[0, 0]:.4g}; yours is {given[0, 0]:.4g}."


def _rows() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.RandomState(0)
    return [(rng.normal(size=(m, d)), rng.normal(size=(n, d))) for m, n, d in ((3, 2, 4), (3, 3, 3))]


exercises.add(
    Tried(
        "all-distances",
        distances,
        _rows,
        [
            Mistake(lambda A, B: distances(B, A), hint="A row for each row of A: yours is transposed."),
            Mistake(lambda A, B: distances(A, B).sqrt(), hint="The squares, please: leave the root out."),
            Mistake(
                lambda A, B: (A.expand_dims(1) - B.expand_dims(0)).sum(axis=2) ** 2,
                hint="Square first, then sum.",
            ),
        ],
        otherwise=_not_the_distances,
        trial=_of_rows,
        rtol=1e-4,
        atol=1e-5,
    )
)


def standardise(X):
    mean, variance = nd.moments(X, axes=[0])
    X[:] = (X - mean) / variance.sqrt()


def _rebound(X):
    mean, variance = nd.moments(X, axes=[0])
    X = (X - mean) / variance.sqrt()
    return X


def _along(axis, power=0.5):
    def wrong(X):
        centred = X - X.mean(axis=axis, keepdims=True)
        X[:] = centred / (centred**2).mean(axis=axis, keepdims=True) ** power

    return wrong


def _unbiased(X):
    X[:] = X - X.mean(axis=0)
    X[:] = X / ((X**2).sum(axis=0) / (len(X) - 1)).sqrt()


def _standardised(answer: Callable, X: np.ndarray) -> np.ndarray:
    array = nd.array(X)
    answer(array)
    return array.asnumpy()


def _not_standard(given: np.ndarray) -> str:
    return (
        f"Afterwards the first column has mean {given[:, 0].mean():.3g} and variance {given[:, 0].var():.3g}; "
        "they should be 0 and 1."
    )


exercises.add(
    Tried(
        "standardise",
        standardise,
        lambda: [(np.random.RandomState(0).normal(loc=3, scale=[1, 2, 5], size=(6, 3)),)],
        [
            Mistake(
                _rebound,
                hint="X is what it was before. X = … gives a new array the old name; write into the old one.",
            ),
            Mistake(_along(1), hint="These are the means of rows. A column goes along axis 0."),
            Mistake(_along(0, power=1), hint="Divided by the variance. The root of it makes the variance 1."),
            Mistake(_unbiased, hint="That is the variance with 1/(n−1). Here it is the mean of the squares."),
        ],
        otherwise=_not_standard,
        trial=_standardised,
        rtol=1e-4,
        atol=1e-5,
    )
)
