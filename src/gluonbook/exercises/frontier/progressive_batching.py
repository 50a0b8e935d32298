"""The exercises of `frontier/progressive_batching`."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "first-length",
        1 / 1.81,
        [
            Mistake(1 / 1.9, hint="The test bounds the variance by θ² times the square, not by θ times it."),
            Mistake(1.0, hint="That is the length without any noise. The test allows a good deal of it."),
            Mistake(0.81 / 1.81, hint="That is the noise's share. What is the gradient's?"),
            Mistake(0.81, 0.9, hint="That is the noise that is allowed. It stands below the fraction bar, beside 1."),
            Mistake(1 / 1.81**2, hint="Once is enough: nothing is squared but θ."),
        ],
        otherwise="If the test is just met, Var/(|S|·‖g‖²) is θ². What is α then?",
    )
)


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


exercises.add(
    Number(
        "wrong-curvature",
        near(_normal(-0.4), 0.0055),  # to two digits will do
        [
            Mistake(near(_normal(0.4), 0.003), hint="That is how often s·y is above 0."),
            Mistake(
                near(_normal(-0.1 * 32**0.5), 0.003),
                hint="That is the noise of one gradient. y is the difference of two, and both are noisy.",
            ),
            Mistake(
                near(_normal(-1.6), 0.003),
                hint="You have divided by the variance of y. A normal distribution is asked in standard deviations.",
            ),
            Mistake(
                near(_normal(-0.1 / 2**0.5), 0.003),
                near(_normal(-0.1), 0.001),
                hint="That is with one sample in each batch. The mean of 32 has a smaller variance.",
            ),
            Mistake(0.0, hint="That is with one and the same batch. Here the noise of the two does not cancel."),
            Mistake(0.5, hint="It would be half if the step were infinitely short. The curvature does help a little."),
        ],
        otherwise="s·y/|s| is normal, with the mean h·|s| = 0.1 and twice the variance of a mean of 32. How often is "
        "such a number below 0?",
    )
)


def sample_size(slopes, theta):
    wanted = np.var(slopes, ddof=1) / (theta * np.mean(slopes)) ** 2
    return max(len(slopes), math.ceil(wanted))


def _shrinks(slopes, theta):
    return math.ceil(np.var(slopes, ddof=1) / (theta * np.mean(slopes)) ** 2)


def _cut_off(slopes, theta):
    return max(len(slopes), int(np.var(slopes, ddof=1) / (theta * np.mean(slopes)) ** 2))


def _without_theta(slopes, theta):
    return sample_size(slopes, 1.0)


def _theta_once(slopes, theta):
    return sample_size(slopes, theta**0.5)


def _deviation(slopes, theta):
    return max(len(slopes), math.ceil(np.std(slopes, ddof=1) / (theta * abs(np.mean(slopes)))))


def _divided_twice(slopes, theta):
    return max(len(slopes), math.ceil(np.var(slopes, ddof=1) / len(slopes) / (theta * np.mean(slopes)) ** 2))


def _biased(slopes, theta):
    return max(len(slopes), math.ceil(np.var(slopes) / (theta * np.mean(slopes)) ** 2))


exercises.add(
    Tried(
        "sample-size",
        sample_size,
        [
            (np.array([1.0, 3.0, -2.0, 2.0]), 0.9),
            (np.array([1.0, 3.0, -2.0, 2.0]), 0.5),
            (np.array([5.0, 5.5, 4.5, 5.0, 5.2]), 0.9),
            (np.array([-1.0, 4.0, 0.0, 0.5, -2.0, 1.0]), 0.3),
            (np.array([-3.0, 1.0, 0.0, -1.0]), 0.7),
            (np.array([2.0, -1.0]), 1.5),
        ],
        [
            Mistake(_shrinks, hint="A batch never shrinks: where the test holds, it stays as large as it is."),
            Mistake(_cut_off, hint="Rounded down, the test still fails by a little. Round up."),
            Mistake(_without_theta, hint="θ is missing: the smaller it is, the more samples it asks for."),
            Mistake(_theta_once, hint="The test says θ², not θ."),
            Mistake(_deviation, hint="You have compared the standard deviation with the mean. Both come squared."),
            Mistake(_divided_twice, hint="The size that you look for takes the place of |S|; do not divide by both."),
            Mistake(_biased, hint="Nearly. The variance of a sample divides by n − 1: `ddof=1`."),
        ],
        otherwise="For the slopes {slopes} and θ = {theta} it should be {right}, and yours is {given}.",
    )
)


def updated(H, s, y):
    rho = 1 / (s @ y)
    left = np.eye(len(s)) - rho * np.outer(s, y)
    return left @ H @ left.T + rho * np.outer(s, s)


def _swapped(H, s, y):
    return updated(H, y, s)


def _nothing_added(H, s, y):
    return updated(H, s, y) - np.outer(s, s) / (s @ y)


def _one_sided(H, s, y):
    rho = 1 / (s @ y)
    return (np.eye(len(s)) - rho * np.outer(s, y)) @ H + rho * np.outer(s, s)


def _same_side(H, s, y):
    rho = 1 / (s @ y)
    left = np.eye(len(s)) - rho * np.outer(s, y)
    return left @ H @ left + rho * np.outer(s, s)


def _without_rho(H, s, y):
    left = np.eye(len(s)) - np.outer(s, y) / (s @ y)
    return left @ H @ left.T + np.outer(s, s)


def _written_over(H, s, y):
    H += updated(H, s, y) - H
    return H


def _update(answer: Callable, H: np.ndarray, s: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    before = H.copy()
    return {"matrix": answer(H, s, y), "what was given": np.array_equal(H, before)}


def _updates() -> list[tuple[np.ndarray, ...]]:
    random = np.random.RandomState(0)
    A = random.normal(size=(3, 3))
    s = random.normal(size=3)
    return [(np.eye(2), np.array([1.0, 0.0]), np.array([2.0, 1.0])), (A @ A.T + np.eye(3), s, 2 * s + A @ A.T @ s)]


exercises.add(
    Tried(
        "dense-update",
        updated,
        _updates,
        [
            Mistake(_swapped, hint="Yours maps s to y, as a Hessian does. H is the inverse: it maps y to s."),
            Mistake(_nothing_added, hint="Now H·y is 0, and it should be s. A term is missing."),
            Mistake(_one_sided, hint="Your matrix is not symmetric. H stands between two factors."),
            Mistake(_same_side, hint="The factor on the right is the one on the left, transposed."),
            Mistake(_without_rho, hint="Look at H·y: it should be s, and is s times s·y. A ρ is missing."),
            Mistake(_written_over, hint="The matrix is right. But you have overwritten the H that you were given."),
        ],
        otherwise={
            "matrix": "For H = {H}, s = {s}, y = {y} the matrix should be {right}, and yours is {given}.",
            "what was given": "Leave H as it is, and return a new matrix.",
        },
        trial=_update,
    )
)


@exercises.judged("norm-asks-for-less", right=([[10, 40], [10, 0], [10, -37]], [1, 100]))
def _norm_asks_for_less(answer: Any) -> None:
    form = "Answer with a pair: three gradients of two numbers each, and the two numbers on the diagonal of H."
    try:
        gradients, diagonal = (np.asarray(part, dtype=float) for part in answer)
    except (TypeError, ValueError):
        raise Hint(form) from None
    if gradients.shape != (3, 2) or diagonal.shape != (2,) or not np.isfinite(gradients).all():
        raise Hint(form)
    if not (diagonal > 0).all() or not np.isfinite(diagonal).all():
        raise Hint("H is positive: both numbers on its diagonal are above 0.")
    g = gradients.mean(axis=0)
    if not g.any():
        raise Hint("Your gradients have the mean 0. Then neither test can be met.")
    if not gradients.std(axis=0).any():
        raise Hint("Your gradients are all the same. Then there is nothing to test.")
    slopes = gradients @ (diagonal**2 * g)
    wanted = slopes.var(ddof=1) / slopes.mean() ** 2, gradients.var(axis=0, ddof=1).sum() / (g @ g)
    inner, norm = np.maximum(1, np.ceil(wanted))
    if diagonal[0] == diagonal[1]:
        raise Hint("With H in proportion to the identity it cannot be done: Cauchy and Schwarz are against you.")
    if not inner >= 10 * norm:  # numbers too large for squares make it NaN
        raise Hint(
            f"With θ = 1 the norm asks for a batch of {norm:.3g}, the inner product for {inner:.3g}. Put the noise "
            "where the gradient is small, and let H look at that coordinate above all."
        )
