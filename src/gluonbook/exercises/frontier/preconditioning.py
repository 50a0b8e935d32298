"""The exercises of `frontier/preconditioning`."""

from __future__ import annotations

from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place, near
from gluonbook.exercises.tried import Tried
from gluonbook.exercises.verbal import Words

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Words(
        "which-turns",
        {
            "SGD": (
                "any",
                "SGD: its step is the gradient, which turns with the map, whatever the turn.",
            ),
            "Adam": (
                "none",
                "Adam: each weight is divided by what this weight has seen. What is that after a turn?",
            ),
            "Shampoo": (
                "rows and columns",
                "Shampoo: L turns with the rows and R with the columns. Is there a matrix for turns that mix the two?",
            ),
            "GGT": (
                "any",
                "GGT: all weights of a parameter are one column, and its matrix is a full one, if of few gradients.",
            ),
        },
        among=("any", "rows and columns", "none"),
    )
)

_BOTH = 512**2 + 256**2

exercises.add(
    Numbers(
        "numbers-to-keep",
        Place(
            (512 * 256) ** 2,
            [
                Mistake(512 * 256, hint="So many weights there are. The matrix has a row and a column for each."),
                Mistake(512**2, 256**2, _BOTH, hint="The full matrix has a row for each weight, not for each unit."),
            ],
            otherwise="How many weights has the layer? The full matrix has that many rows and columns.",
        ),
        Place(
            20 * 512 * 256,
            [
                Mistake(20**2, hint="The 20 × 20 matrix is made anew at each step. What is it made of?"),
                Mistake(512 * 256, hint="That is one gradient. How many are in the window?"),
                Mistake(20 * (512 + 256), hint="A gradient has a number for each weight, not for each unit and input."),
            ],
            otherwise="GGT keeps the gradients of its window, as they are.",
        ),
        Place(
            _BOTH,
            [
                Mistake(512 * 256, hint="That is the size of the gradient. L and R are both square."),
                Mistake(512 + 256, hint="So many rows have L and R together. And their columns?"),
                Mistake(2 * _BOTH, hint="With the roots, yes. Only L and R are asked for."),
            ],
            otherwise="L has a row and a column for each unit, R has them for each input.",
        ),
    )
)

exercises.add(
    Numbers(
        "as-long-as-it-gets",
        Place(
            500,
            [
                Mistake(
                    near(0.5 / 1e-6**0.25, 0.1),
                    hint="Two roots are multiplied by, one from the left, one from the right.",
                ),
                Mistake(
                    near(0.5 / 1e-6, 100), hint="Each of the two roots has the exponent −1/4. Together that is −1/2."
                ),
                Mistake(1000, hint="That is what the roots multiply by. The gradient's singular value is 0.5."),
                Mistake(
                    1, near(0.5 / (0.25 + 1e-6) ** 0.5, 1e-3), hint="That is with new roots, which is asked for second."
                ),
            ],
            otherwise="Old roots are ε^(−1/4) in every direction, on both sides. And the singular value is 0.5.",
        ),
        Place(
            near(0.5 / (0.25 + 1e-6) ** 0.5, 1e-3),
            [
                Mistake(0.5, hint="That is the gradient. In its direction L and R are now 0.25 + ε, both."),
                Mistake(2, hint="Close: (0.25 + ε)^(−1/2) is what the roots multiply by. And what is multiplied?"),
                Mistake(500, hint="That is with old roots."),
            ],
            otherwise="New roots have seen the gradient: L and R are 0.5² + ε in its direction.",
        ),
    )
)


def sign_of(G):
    U, _, Vt = np.linalg.svd(G, full_matrices=False)
    return U @ Vt


def _given_as_matrix(answer: Callable, G: np.ndarray) -> np.ndarray:
    given = np.asarray(answer(G), dtype=float)
    if given.shape != G.shape:
        raise Hint(f"A matrix of shape {G.shape} needs a sign of that shape; yours has {given.shape}.")
    return given


def _matrices() -> list[tuple[np.ndarray]]:
    random = np.random.RandomState(0)
    return [
        (np.diag([3.0, -0.5]),),
        (np.array([[0.0, 2.0], [-1.0, 0.0]]),),
        (random.normal(size=(4, 3)),),
        (1e-3 * random.normal(size=(3, 5)),),
    ]


exercises.add(
    Tried(
        "sign-of-a-matrix",
        sign_of,
        _matrices,
        [
            Mistake(np.sign, hint="That is the sign of each entry, which is Adam's first step."),
            Mistake(lambda G: G, hint="With its singular values G is G again. Leave them out."),
            Mistake(
                lambda G: G / np.linalg.norm(G, 2),
                lambda G: G / np.linalg.norm(G),
                hint="You divide all singular values by the same number. Each should become 1.",
            ),
            Mistake(
                lambda G: sign_of(G) * np.linalg.svd(G, compute_uv=False).mean(),
                hint="All singular values are the same; they should be 1.",
            ),
            Mistake(lambda G: -sign_of(G), hint="The step goes against the gradient; the sign itself does not."),
        ],
        otherwise="For {G} it should be {right}, and yours is {given}.",
        trial=_given_as_matrix,
    )
)


def of_axis(G, i):
    rows = np.moveaxis(G, i, 0).reshape(G.shape[i], -1)
    return rows @ rows.T


def _not_moved(G, i):
    rows = G.reshape(G.shape[i], -1)
    return rows @ rows.T


def _columns(G, i):
    rows = np.moveaxis(G, i, 0).reshape(G.shape[i], -1)
    return rows.T @ rows


def _diagonal(G, i):
    return np.diag(np.diag(of_axis(G, i)))


def _first(G, i):
    return of_axis(G, 0)


def _other(G, i):
    return of_axis(G, G.ndim - 1 - i)


def _axes() -> list[tuple[np.ndarray, int]]:
    random = np.random.RandomState(0)
    matrix, kernel = random.normal(size=(2, 3)), random.normal(size=(4, 2, 3))
    return [(matrix, 1), (matrix, 0), *((kernel, i) for i in range(3)), (random.normal(size=5), 0)]


exercises.add(
    Tried(
        "along-an-axis",
        of_axis,
        _axes,
        [
            Mistake(
                _not_moved,
                hint="To reshape alone does not do it: the numbers of a row must come from one place of axis {i}.",
            ),
            Mistake(_columns, hint="That is the product the other way round. H has as many rows as axis {i} is long."),
            Mistake(_diagonal, hint="That is the diagonal alone, which is AdaGrad's part of it."),
            Mistake(_first, _other, hint="For axis {i} of the shape it should have as many rows as that axis is long."),
        ],
        otherwise="For axis {i} of {G} it should be {right}, and yours is {given}.",
    )
)
