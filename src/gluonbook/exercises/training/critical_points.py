"""The exercises of `training/critical_points`."""

from __future__ import annotations

from itertools import product
from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried
from gluonbook.exercises.verbal import Words

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Words(
        "three-critical-points",
        [
            ("minimum", "x² + xy + y²: its Hessian has 2 on the diagonal and 1 beside it. What are the eigenvalues?"),
            ("saddle", "x² + 3xy + y²: what is it worth along y = −x? And along y = x?"),
            (
                "undecided",
                "x³ + y²: one of the second derivatives is 0. What does the test say then, whatever you know besides?",
            ),
        ],
        among=("minimum", "maximum", "saddle", "undecided"),
    )
)

exercises.add(
    Number(
        "how-many-steps",
        139,
        [
            Mistake(138, hint="Nearly: after so many steps the error is still above a millionth. Round up."),
            Mistake(70, hint="That is when f is a millionth of what it was. It falls with the square of the error."),
            Mistake(270, hint="That is for the step 1/λmax. The best one is nearly twice as large."),
        ],
        otherwise="Each step multiplies the error by (κ − 1)/(κ + 1). How often until it is 10⁻⁶ of what it was?",
    )
)


@exercises.judged("hidden-condition", right=np.array([[1.0, 100.0], [0.0, 1.0]]))
def hidden_condition(answer: Any) -> None:
    matrix = np.asarray(answer, dtype=float)
    if matrix.shape != (2, 2):
        raise Hint(f"Answer with an array of shape (2, 2), not of shape {matrix.shape}.")
    (a, b), (c, d) = matrix
    # The eigenvalues differ by the root of (a − d)² + 4bc: they may be far apart where the determinant is nearly 1.
    if not (abs(a + d - 2) < 1e-9 and np.isclose((a - d) ** 2, -4 * b * c, rtol=1e-13, atol=1e-10)):
        yours = f"{a + d:.10g} and {a * d - b * c:.10g}"
        raise Hint(f"With both eigenvalues 1 the trace is 2 and the determinant 1; yours are {yours}.")
    if (condition := np.linalg.cond(matrix)) <= 1000:
        raise Hint(
            f"Both eigenvalues are 1, and the condition number is {condition:.4g}. A symmetric matrix cannot do better "
            "than 1: what may stand on one side of the diagonal without a change of the eigenvalues?"
        )


def saddle_free(H, g):
    return _step(H, g, abs)


def _step(H: np.ndarray, g: np.ndarray, change: Callable[[np.ndarray], np.ndarray], sign: int = -1) -> np.ndarray:
    values, vectors = np.linalg.eigh(H)
    return sign * vectors @ (vectors.T @ g / change(values))


def _saddles() -> list[tuple[np.ndarray, np.ndarray]]:
    random, made = np.random.RandomState(0), []
    for d in (2, 3, 5):
        A = random.normal(size=(d, d))
        values = random.choice([-1, 1], size=d) * random.uniform(0.5, 3, size=d)
        values[:2] = abs(values[0]), -abs(values[1])
        Q = np.linalg.qr(A)[0]
        made.append((Q @ np.diag(values) @ Q.T, random.normal(size=d)))
    return made


exercises.add(
    Tried(
        "saddle-free-step",
        saddle_free,
        _saddles,
        [
            Mistake(
                lambda H, g: -np.linalg.solve(H, g),
                hint="That is Newton's step, which goes to the saddle: nothing has become positive yet.",
            ),
            Mistake(
                lambda H, g: -np.linalg.solve(abs(H), g),
                hint="You take the absolute values of the entries of H. It is the eigenvalues that should be positive.",
            ),
            Mistake(
                lambda H, g: _step(H, g, abs, sign=1),
                hint="Right but for its sign: the step should lead down.",
            ),
            Mistake(
                lambda H, g: -(np.linalg.eigh(H)[1].T @ g) / abs(np.linalg.eigh(H)[0]),
                hint="These are the parts along the eigenvectors. Turn them back: which matrix undoes vectors.T?",
            ),
        ],
        otherwise="For H = {H} and g = {g} the step should be {right}, and yours is {given}.",
    )
)


def f(x, y):
    return (y - abs(x) ** 3) * (y - 3 * abs(x) ** 3)


@exercises.judged("down-a-curve", right=f)
def down_a_curve(answer: Callable) -> None:
    x, y = np.random.RandomState(0).uniform(-1, 1, size=(2, 20))
    if np.allclose(_values(answer, x, y), (y - x**2) * (y - 3 * x**2)):
        raise Hint("That is Peano's function itself. Bend the strip in which it is negative in another way.")
    if (height := float(_values(answer, np.zeros(1), np.zeros(1))[0])) != 0:
        raise Hint(f"Let f be 0 at the origin, so that rising and falling are easy to see; it is {height:g} there.")
    s = np.geomspace(1e-9, 1e-7, 5) * np.array([[1], [-1]])
    for degrees in range(180):
        along, across = np.round([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], 12)
        if (_values(answer, s * along, s * across) <= 0).any():
            raise Hint(f"Along the line at {degrees}° to the first axis it does not rise from the origin.")
    s = np.geomspace(1e-3, 3e-2, 5)
    for power, factor, side in product(np.arange(1.5, 4.01, 0.25), np.geomspace(0.1, 10, 41), (1, -1)):
        for c in (factor, -factor):
            curve = side * s, c * s**power
            if any((_values(answer, *order) < 0).all() for order in (curve, curve[::-1])):
                return
    raise Hint(
        "It rises along all lines. But it falls along none of the curves y = c·xᵖ that are tried: c from 0.1 to 10, "
        "in steps of an eighth. If yours lies elsewhere or in a narrow strip, move or widen it."
    )


def _values(f: Callable, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    found = np.asarray(f(x.copy(), y.copy()), dtype=float)
    if found.shape != x.shape:
        raise Hint(f"f must take arrays, and give one number for each point: {x.shape} points gave {found.shape}.")
    return found
