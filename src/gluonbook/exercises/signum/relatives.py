"""The exercises of `signum/relatives`."""

from __future__ import annotations

from math import log
from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, Within, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "translate-decay",
        near(0.5, 1e-6),
        [
            Mistake(0.1, hint="Then ηλ is five times smaller than before, and weights shrink as much more slowly."),
            Mistake(0.02, hint="That divides by five. A smaller learning rate has to be made up for."),
            Mistake(2.5, 0.0005, hint="Five times, once: ηλ is to stay as it is."),
        ],
        otherwise="What counts is the product ηλ. It was 0.001 · 0.1; with η = 0.0002, which λ gives the same?",
    )
)

exercises.add(
    Numbers(
        "half-a-weight",
        Place(
            Within(6900, 6960, log(2) / 1e-4),
            [
                Mistake(
                    near(log(2) / 0.1, 0.5),
                    near(log(2) / 1e-3, 5),
                    hint="Beside: a step multiplies the weight by 1 − ηλ, with both numbers in it.",
                ),
                Mistake(5000, hint="Beside: not the same amount in each step, but the same share of what is left."),
                Mistake(10_000, hint="Beside: after 1/(ηλ) steps a share of 1/e is left, and not a half."),
            ],
            otherwise="Beside: how often must you multiply by 1 − ηλ until a half is left? A logarithm tells.",
        ),
        Place(
            25,
            [
                Mistake(50, hint="Inside: after 50 steps the weight is gone; half of it is asked for."),
                Mistake(250, hint="Inside: the sign forgets the size of λ. The step is η, not ηλ."),
            ],
            otherwise="Inside: with a gradient of zero, the sign is that of λw. How long is each step?",
        ),
    )
)


def weights(beta1, beta2, n):
    return np.concatenate([[1 - beta1], beta1 * (1 - beta2) * beta2 ** np.arange(n - 1.0)])


def _weights(answer: Callable[..., np.ndarray], beta1: float, beta2: float, n: int) -> np.ndarray:
    given = np.asarray(answer(beta1, beta2, n), dtype=float)
    if given.shape != (n,):
        raise Hint(f"weights({beta1}, {beta2}, {n}) has {n} numbers; yours has the shape {given.shape}.")
    return given


def _not_remembered(beta1: float, beta2: float, n: int, given: np.ndarray) -> str:
    if abs(given[0] - (1 - beta1)) > 1e-9:
        return "The newest gradient stands in the formula by itself: which factor has it?"
    return "All but the newest are in m as it was before this step. Unroll m: what factor has the last gradient in it?"


exercises.add(
    Tried(
        "what-lion-remembers",
        weights,
        [(0.9, 0.99, 6), (0.5, 0.5, 5), (0.8, 0.9, 2)],
        [
            Mistake(
                lambda beta1, beta2, n: weights(beta1, beta2, n)[::-1],
                hint="The right numbers, the wrong way round: the newest gradient comes first.",
            ),
            Mistake(
                lambda beta1, beta2, n: (1 - beta2) * beta2 ** np.arange(float(n)),
                hint="Those are the weights in m. The sign is of a blend of m and the newest gradient.",
            ),
            Mistake(
                lambda beta1, beta2, n: (
                    beta1 * (1 - beta2) * beta2 ** np.arange(float(n)) + (1 - beta1) * (np.arange(n) == 0)
                ),
                hint="Nearly: m enters the sign as it was *before* this step, so the newest gradient is not in it yet.",
            ),
        ],
        otherwise=_not_remembered,
        trial=_weights,
        atol=1e-9,
    )
)


def damping(r):
    return 1 / (1 + r**2)


exercises.add(
    Tried(
        "best-damping",
        damping,
        [(0.0,), (0.5,), (1.0,), (3.0,)],
        [
            Mistake(
                lambda r: 1 / (1 + r**2) ** 0.5,
                hint="That is Adam's factor, for a sign. Here the gradient itself is multiplied.",
            ),
            Mistake(lambda r: 1 / (1 + r), hint="Squares: the variance of γ times the noise is γ²σ²."),
            Mistake(lambda r: r**2 / (1 + r**2), hint="One less the right factor: without noise nothing is cut."),
        ],
        otherwise="damping({r}) must be {right:.4f}, and is {given:.4f}. Write the mean of (γ·g̃ − g)² as a function of "
        "γ: a square of g, and one of σ.",
        atol=1e-9,
    )
)
