"""The exercises of `practice/neural_lander`."""

from __future__ import annotations

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "rounds-to-settle",
        10,
        [
            Mistake(9, hint="Nearly: after so many rounds the error is still above a thousandth, at 1/512."),
            Mistake(7, hint="That is for a factor of 1/e a round. The slope says what the factor is."),
            Mistake(3, hint="That is for a factor of 1/10 a round. The slope says what the factor is."),
        ],
        otherwise="Each round sends the error of u through the force, so the slope multiplies it. Its sign may change.",
    )
)

exercises.add(
    Number(
        "where-it-hovers",
        near(0.1942, 6e-4),
        [
            Mistake(near(0.337, 0.003), hint="You have left out h: the rotors are higher than the feet."),
            Mistake(near(0.2764, 0.003), hint="That is for ΛK = 2m. Both Λ and K/m are 2 per second."),
            Mistake(near(0.4444, 0.003), hint="That is how high the rotors are. The feet are lower, by h."),
        ],
        otherwise="Lift is thrust times the factor of the cushion. Set it equal to m·g, divide by m, and solve for z.",
    )
)

exercises.add(
    Number(
        "another-scale",
        2,
        [
            Mistake(0.5, hint="That is the slope for u/(2·m·g). Is the input larger now, or smaller?"),
            Mistake(1, hint="That is the slope of the network in its own input. How far does one Newton move that?"),
            Mistake(0.25, hint="A larger input makes the network's output move more for each Newton, not less."),
        ],
        otherwise="By how much does the input move if u moves by one Newton, and what is the output multiplied by?",
    )
)


def limited(matrices, gamma):
    share = gamma ** (1 / len(matrices))
    return [W * min(1, share / np.linalg.norm(W, 2)) for W in matrices]


def _always(matrices, gamma):
    share = gamma ** (1 / len(matrices))
    return [W * share / np.linalg.norm(W, 2) for W in matrices]


def _frobenius(matrices, gamma):
    share = gamma ** (1 / len(matrices))
    return [W * min(1, share / np.linalg.norm(W)) for W in matrices]


def _without_the_root(matrices, gamma):
    return [W * min(1, gamma / np.linalg.norm(W, 2)) for W in matrices]


def _divided(matrices, gamma):
    return [W * min(1, gamma / len(matrices) / np.linalg.norm(W, 2)) for W in matrices]


def _together(matrices, gamma):
    product = np.prod([np.linalg.norm(W, 2) for W in matrices])
    return [W * min(1, gamma / product) ** (1 / len(matrices)) for W in matrices]


def _clipped(matrices, gamma):
    share = gamma ** (1 / len(matrices))
    parts = [np.linalg.svd(W, full_matrices=False) for W in matrices]
    return [U @ np.diag(np.minimum(values, share)) @ V for U, values, V in parts]


def _networks() -> list[tuple[list[np.ndarray], float]]:
    random = np.random.RandomState(0)
    shapes = [(5, 3), (4, 5), (1, 4)]
    return [
        ([scale * random.normal(size=shape) for scale, shape in zip(scales, shapes)], gamma)
        for scales, gamma in (((1, 1, 1), 1.0), ((0.05, 2, 1), 8.0), ((2, 0.1, 3), 0.5))
    ]


exercises.add(
    Tried(
        "a-limit-of-your-own",
        limited,
        _networks,
        [
            Mistake(_always, hint="A layer whose norm is below its share should stay as it is, and yours grows."),
            Mistake(_frobenius, hint="That is the root of the sum of all squares. The largest stretch is smaller."),
            Mistake(_without_the_root, hint="If each of n norms is at most γ, how large can their product be?"),
            Mistake(_divided, hint="It is the product of the norms that is to be at most γ, and not their sum."),
            Mistake(_together, hint="All layers are scaled by the same factor. Each has a share of its own to keep."),
            Mistake(_clipped, hint="You cut the largest singular values. Here the whole matrix is scaled."),
        ],
        otherwise="With γ = {gamma} and {matrices} it should be {right}, and yours is {given}.",
    )
)

exercises.add(
    Numbers(
        "a-stiffer-controller",
        Place(
            2 / 3,
            [
                Mistake(3 / 2, hint="The floor is divided by K: a larger K makes it smaller."),
                Mistake(1 / 3, hint="K was 2m before, and not m."),
            ],
            otherwise="The floor: which power of K stands in it?",
        ),
        Place(
            2 / 3,
            [
                Mistake(3 / 2, hint="The time: a larger K makes the first term fall faster."),
                Mistake(1 / 3, hint="The time: K was 2m before, and not m."),
                Mistake(4 / 9, hint="The time is proportional to m/K, and not to its square."),
            ],
            otherwise="The time: K·t/m must reach ln 100. How does t depend on K?",
        ),
    )
)
