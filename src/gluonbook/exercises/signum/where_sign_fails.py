"""The exercises of `signum/where_sign_fails`."""

from __future__ import annotations

from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

Vector = np.ndarray


def turned_grad(x):
    return np.array([0.5 * np.sign(x[0]), np.sign(x[1])])


@exercises.judged("turn-the-valley", right=turned_grad)
def turn_the_valley(grad: Callable[[Vector], Vector]) -> None:
    for point in ([1.3, 0.7], [-0.2, 2.0], [3.0, -0.1]):
        x = np.array(point)
        g = np.asarray(grad(x.copy()), dtype=float)
        if g.shape != (2,):
            raise Hint(f"grad(x) must return two numbers, like x; it returned shape {g.shape}.")
        if (g == 0).any() or (np.sign(g) != np.sign(x)).any():
            raise Hint(f"At {tuple(point)} each part of the gradient should point away from 0, and yours is {g}.")
        if not np.isclose(abs(g[0] / g[1]), 0.5):
            raise Hint(f"At {tuple(point)} the slope along the floor should be half that of the walls, for ε = 0.5.")
    x = np.array([1.3, 0.7])
    for _ in range(200):
        x = x - 0.01 * np.sign(grad(x))
    if abs(x).max() > 0.05:
        raise Hint(f"After 200 steps of 0.01, signSGD is at {x}, and not at the minimum.")


exercises.add(
    Numbers(
        "wilson-scores",
        Place(
            -4,
            [
                Mistake(
                    4,
                    hint="4 is the score of a positive training sample. The negative one has five 1s in its block.",
                ),
            ],
            otherwise="Training sample: one weight of +1 meets y = −1, two meet 1, "
            "and five weights of −1 meet its block.",
        ),
        Place(
            3,
            [
                Mistake(
                    4,
                    hint="A new sample's block lies where no training sample had anything: what are the weights there?",
                ),
            ],
            otherwise="New and positive: three weights of +1 meet 1, and the block counts for nothing.",
        ),
        Place(1, otherwise="New and negative: the same, only that the first coordinate is −1 now."),
    )
)


def step(x, g, e, lr):
    return _step(x, g, e, lr)


def _step(x, g, e, lr, size=np.mean, debt=1):
    p = lr * g + e
    delta = size(abs(p)) * np.sign(p)
    return x - delta, debt * (p - delta)


def _three_steps() -> list[tuple[Vector, Vector, Vector, float]]:
    random = np.random.RandomState(1)
    x, e, steps = random.normal(size=5), np.zeros(5), []
    for lr in (0.1, 0.1, 0.5):
        g = random.normal(size=5)
        steps.append((x, g, e, lr))
        x, e = step(x, g, e, lr)
    return steps


def _moved(answer: Callable, x: Vector, g: Vector, e: Vector, lr: float) -> dict[str, Vector]:
    before = x.copy(), g.copy(), e.copy()
    given = answer(x, g, e, lr)
    if not all((old == new).all() for old, new in zip(before, (x, g, e))):
        raise Hint("Your step changes its arguments in place: make new arrays.")
    if not isinstance(given, tuple) or len(given) != 2:
        raise Hint("step must return a pair, the new x and the new e.")
    return {"x": np.asarray(given[0]) - x, "e": np.asarray(given[1])}


def _moves_wrong(given: Vector, right: Vector) -> str:
    return f"x should move by {right.round(3)}, and yours moves by {given.round(3)}."


exercises.add(
    Tried(
        "own-error-feedback",
        step,
        _three_steps,
        [
            Mistake(
                lambda x, g, e, lr: _step(x, g, e, lr, size=np.sum),
                hint="The step is d times too long: ‖p‖₁ is to be divided by d, which makes it the mean of |p|.",
            ),
            Mistake(
                lambda x, g, e, lr: step(x, g, 0 * e, lr),
                hint="You take the sign of lr·g, and the memory e is never used.",
            ),
            Mistake(
                lambda x, g, e, lr: _step(x, g, e, lr, debt=-1),
                hint="The new e has the wrong sign: it is what is missing, p − Δ.",
            ),
        ],
        otherwise={"x": _moves_wrong, "e": "The new e should be what the step left out, p − Δ."},
        trial=_moved,
    )
)


def _trap():
    steep, out, rest = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
    return 4 * np.outer(steep, steep) - np.outer(out, out) + 0.1 * np.outer(rest, rest)


@exercises.judged("trap-in-three", right=_trap())
def trap_in_three(A: np.ndarray) -> None:
    A = np.asarray(A, dtype=float)
    if A.shape != (3, 3) or not np.allclose(A, A.T):
        raise Hint(f"Answer with a symmetric matrix of shape (3, 3); yours has shape {A.shape}.")
    values = np.linalg.eigvalsh(A)
    if (values < -1e-6).sum() != 1:
        raise Hint(f"Exactly one eigenvalue must be negative; yours are {values.round(3)}.")
    for seed in range(5):
        off = 0.001 * np.random.RandomState(seed).choice([-1, 1], 3) * [1.0, 0.7, 0.4]
        start = 0.7 + off
        if _greatest(A, start, lambda g: 0.1 / max(1.0, abs(values).max()) * g, 3000) < 2:
            raise Hint("Gradient descent does not get away either: make the negative eigenvalue larger in size.")
        if _greatest(A, start, lambda g: 0.03 * np.sign(g), 1000) > 0.9:
            raise Hint("signSGD gets away. Which direction do its steps have when all three signs are the same?")


def _greatest(A: np.ndarray, x: np.ndarray, step: Callable[[np.ndarray], np.ndarray], steps: int) -> float:
    """The largest |xᵢ| on the way, at most just above 2."""
    largest = abs(x).max()
    for _ in range(steps):
        x = x - step(A @ x)
        largest = max(largest, abs(x).max())
        if largest > 2:
            break
    return float(largest)
