"""The exercises of `training/normalization`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place
from gluonbook.exercises.tried import Tried
from gluonbook.exercises.verbal import Words

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Words(
        "which-one-notices",
        [
            (
                "batch",
                "(a): the unit's mean over the batch grows by 5, and is subtracted. How far does a sample's go?",
            ),
            (
                "layer",
                "(b): along which axis must a mean be taken so that it grows by 5 with all that it is subtracted from?",
            ),
            (
                "batch",
                "(c): whose spread grows tenfold with the unit? That of the unit over the batch; that of a sample?",
            ),
            ("both", "(d): every mean and every spread is now ten times as large, whichever way they are taken."),
        ],
        among=("batch", "layer", "both", "neither"),
    )
)

exercises.add(
    Number(
        "relative-step",
        1 / 100,
        [
            Mistake(1 / 10, hint="That is the factor of the gradient. By what is the step divided, to be relative?"),
            Mistake(1, hint="The output stays as it was. Does the gradient?"),
            Mistake(100, hint="The right number, upside down: larger weights, a smaller gradient."),
            Mistake(10, hint="The gradient behind a batch normalization falls when the weights grow."),
        ],
        otherwise="Two factors: what happens to the gradient, and what happens to the length of W?",
    )
)

exercises.add(
    Numbers(
        "propagate-abs",
        Place(
            np.sqrt(2 / np.pi),
            [
                Mistake(1 / np.sqrt(2 * np.pi), hint="That is the mean of max(0, x). |x| has two sides."),
                Mistake(0, hint="|x| is never negative, so its mean is not 0."),
            ],
            otherwise="The first number is the mean of |x|. How does |x| follow from max(0, x) and max(0, −x)?",
        ),
        Place(
            np.sqrt(1 - 2 / np.pi),
            [
                Mistake(1 - 2 / np.pi, hint="That is the variance of |x|. What is it divided by?"),
                Mistake(1, hint="The mean of |x|² is 1, but the mean of |x| is not 0: what is left as its variance?"),
                Mistake(
                    np.sqrt(0.5 * (1 - 1 / np.pi)),
                    hint="That is the spread of max(0, x). What is the mean of |x|², and what does c₁ leave of it?",
                ),
            ],
            otherwise="The second number is the standard deviation of |x|: the root of the mean of |x|² less c₁².",
        ),
    )
)


def weight_norm_grads(gw, g, v):
    length = np.linalg.norm(v)
    gg = gw @ v / length
    return gg, g / length * gw - g * gg / length**2 * v


def _units() -> Iterator[tuple[np.ndarray, float, np.ndarray]]:
    random = np.random.RandomState(0)
    for d, g in ((3, 1.3), (5, -0.7), (20, 2.0)):
        yield random.normal(size=d), g, 2 * random.normal(size=d)


def _two(answer: Callable[..., Any], names: tuple[str, str], *case: Any) -> dict[str, Any]:
    given = answer(*case)
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise Hint(f"Return two things, for {names[0]} and for {names[1]}.")
    return dict(zip(names, given))


def _grads(answer: Callable[..., Any], gw: np.ndarray, g: float, v: np.ndarray) -> dict[str, Any]:
    return _two(answer, ("g", "v"), gw, g, v)


def _swapped(gw, g, v):
    return weight_norm_grads(gw, g, v)[::-1]


def _no_projection(gw, g, v):
    return weight_norm_grads(gw, g, v)[0], g / np.linalg.norm(v) * gw


def _no_length(gw, g, v):
    return gw @ v, weight_norm_grads(gw, g, v)[1]


def _no_scale(gw, g, v):
    length = np.linalg.norm(v)
    gg = gw @ v / length
    return gg, gw - gg / length * v


exercises.add(
    Tried(
        "weight-norm-backward",
        weight_norm_grads,
        _units,
        [
            Mistake(_swapped, hint="Both are right, in the other order: g comes first."),
            Mistake(_no_length, hint="For g: a longer v must not make its gradient larger. Divide by the length."),
            Mistake(_no_projection, hint="For v: the part along v is missing. Is your gradient at a right angle to v?"),
            Mistake(_no_scale, hint="For v: a right angle it is, but how long? Twice the g moves w twice as far."),
        ],
        otherwise={
            "g": "For v = {v} and g = {g} the gradient for g should be {right}, and yours is {given}.",
            "v": "For v = {v} and g = {g} the gradient for v should be {right}, and yours is {given}.",
        },
        trial=_grads,
    )
)


def fold(weight, bias, gamma, beta, mean, var, eps):
    factor = gamma / np.sqrt(var + eps)
    return weight * factor[:, None], factor * (bias - mean) + beta


def _layers() -> Iterator[tuple]:
    random = np.random.RandomState(0)
    for units, inputs in ((4, 4), (3, 5)):
        gamma, beta, mean, bias = random.normal(size=(4, units))
        yield random.normal(size=(units, inputs)), bias, gamma, beta, mean, random.uniform(0.01, 2, size=units), 0.1


def _folded(
    answer: Callable[..., Any],
    weight: np.ndarray,
    bias: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float,
) -> dict[str, Any]:
    given = _two(answer, ("weight", "bias"), weight, bias, gamma, beta, mean, var, eps)
    for name, like in (("weight", weight), ("bias", bias)):
        if np.shape(given[name]) != like.shape:
            raise Hint(f"The {name} has the shape of the one given, {like.shape}, not {np.shape(given[name])}.")
    return given


def _columns(weight, bias, gamma, beta, mean, var, eps):
    """Fails where the weight is not square."""
    factor = gamma / np.sqrt(var + eps)
    return weight * factor, factor * (bias - mean) + beta


def _no_eps(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, bias, gamma, beta, mean, var, 0)


def _no_root(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, bias, gamma, beta, mean, (var + eps) ** 2, 0)


def _bias_as_it_was(weight, bias, gamma, beta, mean, var, eps):
    factor = gamma / np.sqrt(var + eps)
    return weight * factor[:, None], bias - factor * mean + beta


def _no_mean(weight, bias, gamma, beta, mean, var, eps):
    return fold(weight, bias, gamma, beta, 0 * mean, var, eps)


exercises.add(
    Tried(
        "fold-batch-norm",
        fold,
        _layers,
        [
            Mistake(
                _columns, hint="Each unit has a factor of its own, and a unit is a row of the weight, not a column."
            ),
            Mistake(_no_eps, hint="Nearly: where is eps? Here it is so large that one sees it."),
            Mistake(_no_root, hint="You divide by the variance. Batch normalization divides by its root."),
            Mistake(_bias_as_it_was, hint="The weight is right. The old bias is normalized, too: it takes the factor."),
            Mistake(_no_mean, hint="The weight is right. What does batch normalization subtract?"),
        ],
        otherwise={
            "weight": "The weight is not right yet. Write down γ(Wx + b − mean)s + β. What multiplies x?",
            "bias": "The weight is right, and the bias is not yet. What does γ(Wx + b − mean)s + β give for x = 0?",
        },
        trial=_folded,
    )
)
