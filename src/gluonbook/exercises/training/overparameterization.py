"""The exercises of `training/overparameterization`."""

from __future__ import annotations

from math import factorial, pi

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Mistake
from gluonbook.exercises.numeric import Number, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "closer-start",
        138,
        [
            Mistake(
                near(np.log(0.5 / 1e-6) / np.log(1.1), 0.2),
                hint="So long it takes. Steps are whole: when is ½ reached?",
            ),
            Mistake(137, hint="After so many steps it is not quite ½. Round up."),
            Mistake(145, near(np.log(1e6) / np.log(1.1), 0.2), hint="So it would reach 1. The question is for ½."),
            Mistake(
                132,
                near(np.log(0.5 / 1e-6) / 0.1, 0.4),
                hint="You divide by η. At each step ln(1 + η) is gained, less.",
            ),
            Mistake(near(-np.log(0.5 / 1e-6) / np.log(1.1), 0.9), hint="A number of steps has no sign."),
            Mistake(near(np.log10(0.5 / 1e-6) / np.log(1.1), 0.9), hint="Both logarithms must have the same base."),
        ],
        otherwise="For which t is 10⁻⁶ · 1.1ᵗ at least ½?",
    )
)

exercises.add(
    Number(
        "ball-in-its-box",
        near(pi**5 / (2**10 * factorial(5)), 2e-5),
        [
            Mistake(near(pi**5 / factorial(5), 0.01), hint="That is the volume of the ball. And the cube's?"),
            Mistake(
                near(pi**5 / (2**10 * factorial(4)), 1e-4),
                near(pi**5 / (2**10 * factorial(6)), 1e-5),
                hint="Γ(n + 1) is n!, so Γ(6) is 5!.",
            ),
            Mistake(near(2**10 * factorial(5) / pi**5, 2), hint="The other way round: a share is below 1."),
            Mistake(
                near(100 * pi**5 / (2**10 * factorial(5)), 2e-3), hint="In per cent that is right. Answer with a share."
            ),
            Mistake(near(pi / 4, 2e-3), hint="That is the share of a disc in its square, with d = 2."),
            Mistake(
                near((pi / 4) ** 5, 2e-3),
                hint="You take the disc's share for each pair of dimensions. A product of discs is no ball: it is "
                "larger. The Γ is missing.",
            ),
        ],
        otherwise="Put d = 10 into the formula for ball over cube. What is Γ(d/2 + 1)?",
    )
)

exercises.add(
    Number(
        "numbers-in-an-update",
        near(4 * (256 + 512) / (256 * 512), 2e-4),
        [
            Mistake(4 * (256 + 512), hint="So many numbers they are. What share is that of the whole update?"),
            Mistake(near(4 / 256, 2e-4), hint="That is 4 of the 256 rows. There are two matrices, and they differ."),
            Mistake(
                near(4 / 512, 2e-4), hint="That is one of the two matrices, that of shape (256, 4). And the other?"
            ),
            Mistake(near(256 * 512 / (4 * (256 + 512)), 0.1), hint="The other way round: a share is below 1."),
            Mistake(
                near(400 * (256 + 512) / (256 * 512), 0.02), hint="In per cent that is right. Answer with a share."
            ),
        ],
        otherwise="Which two matrices have a product of shape (256, 512) and rank 4, and how many numbers are in each?",
    )
)


def sensitivity(A, x):
    return (A**2).sum() * (x**2).sum() / len(x) / ((A @ x) ** 2).sum()


def _matrices() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.RandomState(0)
    return [
        (np.diag([3.0, 1.0]), np.array([2.0, 0.0])),
        (random.normal(size=(4, 3)), random.normal(size=3)),
        (random.normal(size=(2, 5)), 10 * random.normal(size=5)),
    ]


exercises.add(
    Tried(
        "how-shaky",
        sensitivity,
        _matrices,
        [
            Mistake(
                lambda A, x: np.sqrt(sensitivity(A, x)),
                hint="That is its root. All lengths are squared in the formula.",
            ),
            Mistake(
                lambda A, x: 1 / sensitivity(A, x),
                lambda A, x: np.sqrt(1 / sensitivity(A, x)),
                hint="The other way round: it is large where A makes x shorter than it makes noise.",
            ),
            Mistake(
                lambda A, x: sensitivity(A, x) * len(x),
                hint="That is for noise whose every coordinate is about as large as x is long. Noise as long as x has "
                "to share its length among the coordinates.",
            ),
            Mistake(
                lambda A, x: sensitivity(A, x) * len(x) / len(A),
                hint="You divide by the number of rows. It is the inputs that the noise is shared among.",
            ),
            Mistake(
                lambda A, x: np.linalg.norm(A, 2) ** 2 * (x**2).sum() / ((A @ x) ** 2).sum(),
                lambda A, x: np.linalg.norm(A, 2) ** 2 * (x**2).sum() / len(x) / ((A @ x) ** 2).sum(),
                hint="You take the largest singular value for the length of A. Noise has parts in all directions, "
                "and the squares of all entries add up.",
            ),
            Mistake(
                lambda A, x: (A**2).sum() / ((A @ x) ** 2).sum(),
                lambda A, x: (A**2).sum() / len(x) / ((A @ x) ** 2).sum(),
                hint="The noise is as long as x: its length is missing.",
            ),
        ],
        otherwise="For the matrix {A} and the vector {x} it should be {right:.4g}, and yours is {given}.",
    )
)


def end_to_end(w, g, lr):
    length = np.linalg.norm(w)
    return w - lr * length * (g + w * (w @ g) / length**2)


def _points() -> list[tuple[np.ndarray, np.ndarray, float]]:
    random = np.random.RandomState(0)
    return [
        (np.array([2.0, 0.0]), np.array([1.0, 1.0]), 0.1),
        (random.normal(size=4), random.normal(size=4), 0.01),
        (5 * random.normal(size=3), random.normal(size=3), 0.5),
    ]


exercises.add(
    Tried(
        "two-layers-in-one",
        end_to_end,
        _points,
        [
            Mistake(
                lambda w, g, lr: w - lr * g,
                hint="That is the step of one layer. How do the lengths of s and u come in?",
            ),
            Mistake(
                lambda w, g, lr: w - lr * np.linalg.norm(w) * g,
                hint="That is the layer whose rate grows with w. The step along w is longer still.",
            ),
            Mistake(
                lambda w, g, lr: w - lr * (g + w * (w @ g) / (w @ w)),
                hint="The direction is right, and the length is not: all of it grows with the length of w.",
            ),
            Mistake(
                lambda w, g, lr: w - lr * np.linalg.norm(w) * (g + w * (w @ g)),
                lambda w, g, lr: w - lr * np.linalg.norm(w) * (g + w * (w @ g) / np.linalg.norm(w)),
                hint="A projection on w divides by its squared length.",
            ),
            Mistake(
                lambda w, g, lr: w - lr * ((w @ w) * g + w * (w @ g)),
                hint="The rule is in s and u there. Their length is the root of that of w, so s² is ‖w‖.",
            ),
            Mistake(
                lambda w, g, lr: -lr * np.linalg.norm(w) * (g + w * (w @ g) / (w @ w)),
                hint="That is the change of w. Return the new w.",
            ),
            Mistake(
                lambda w, g, lr: w + lr * np.linalg.norm(w) * (g + w * (w @ g) / (w @ w)),
                hint="That goes uphill.",
            ),
        ],
        otherwise="From w = {w} with the gradient {g} and the rate {lr} it should go to {right}, and yours to {given}.",
    )
)
