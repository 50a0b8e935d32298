"""The exercises of `signum/landscape`."""

from __future__ import annotations

from math import pi
from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "density-by-hand",
        49 / 100,
        [
            Mistake(49 / 50, hint="The zeros count in d: the vector has four coordinates."),
            Mistake(1 / 100, hint="‖v‖₁ is the sum of the sizes, 3 + 4."),
            Mistake(7 / 20, 7 / 10, hint="Both norms are squared."),
        ],
        otherwise="Work out ‖v‖₁ and ‖v‖₂, and put them into the formula with d = 4.",
    )
)


def live_density(s):
    return s * 2 / pi


def _not_so_dense(s: float, given: float) -> str:
    if s == 1:
        return f"With s = 1 all are normal, and the density is 2/π; yours is {given:.3f}."
    return "Let s·d coordinates be normal: ‖v‖₁ is then s·d times √(2/π), and ‖v‖₂² is s·d."


exercises.add(
    Tried(
        "dead-coordinates",
        live_density,
        [(1.0,), (0.5,), (0.2,)],
        [
            Mistake(lambda s: 2 / pi, hint="Zeros change neither norm, but d counts them as well."),
            Mistake(
                lambda s: s**2 * 2 / pi,
                hint="Both ‖v‖₁² and ‖v‖₂² shrink with s, the first with its square, the second with s itself.",
            ),
        ],
        otherwise=_not_so_dense,
        rtol=1e-3,
    )
)


def batch_for(g, sigma, share):
    needed = np.sort(4 / 3 * sigma**2 / g**2)
    return int(np.floor(needed[int(np.ceil(share * len(needed))) - 1])) + 1


def _coordinates() -> list[tuple[np.ndarray, np.ndarray, float]]:
    random = np.random.RandomState(0)
    g, sigma = random.normal(size=200), random.uniform(1, 20, size=200)
    return [(g, sigma, share) for share in (0.1, 0.5, 1.0)]


def _batch(
    answer: Callable[[np.ndarray, np.ndarray, float], int], g: np.ndarray, sigma: np.ndarray, share: float
) -> int:
    n = answer(g, sigma, share)
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, (int, np.integer)):
        raise Hint(f"A batch is a whole number; batch_for returned {n!r:.40}.")
    return n


def _not_the_smallest(g: np.ndarray, sigma: np.ndarray, share: float, given: int, right: int) -> str:
    if given > right:
        return f"For a share of {share}, a batch of {given - 1} is enough already, and you say {given}."
    strong = _strong(g, sigma, max(given, 1))
    return f"At a batch of {given}, a share of {strong:.3f} is above, and {share} is asked."


def _strong(g: np.ndarray, sigma: np.ndarray, n: int) -> float:
    return float((np.sqrt(n) * abs(g) / sigma > 2 / np.sqrt(3)).mean())


exercises.add(Tried("large-enough", batch_for, _coordinates, otherwise=_not_the_smallest, trial=_batch))


def noise(X, y, w):
    return _noise(X, y, w)


def _noise(X, y, w, factor=1, mean=np.mean, scatter=np.std):
    G = factor * (X @ w - y)[:, None] * X
    return mean(G, axis=0), scatter(G, axis=0)


def _samples() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    random = np.random.RandomState(0)
    return [(random.normal(size=(50, 4)), random.normal(size=50), random.normal(size=4))]


def _both(answer: Callable, X: np.ndarray, y: np.ndarray, w: np.ndarray) -> dict[str, np.ndarray]:
    given = answer(X, y, w)
    if not isinstance(given, tuple) or len(given) != 2:
        raise Hint("noise must return the pair (g, σ).")
    g, sigma = (np.asarray(part, dtype=float) for part in given)
    if g.shape != (4,) or sigma.shape != (4,):
        raise Hint(f"For 4 weights g and σ have shape (4,); yours have {g.shape} and {sigma.shape}.")
    return {"g": g, "σ": sigma}


exercises.add(
    Tried(
        "least-squares-noise",
        noise,
        _samples,
        [
            Mistake(
                lambda X, y, w: _noise(X, y, w, factor=2), hint="Twice too large: the loss has a factor of one half."
            ),
            Mistake(
                lambda X, y, w: _noise(X, y, w, mean=np.sum),
                hint="That is the gradient of the sum. g is the mean over the samples.",
            ),
            Mistake(
                lambda X, y, w: _noise(X, y, w, factor=-1),
                hint="The gradient has the wrong sign: the residual is prediction less label.",
            ),
            Mistake(lambda X, y, w: _noise(X, y, w, scatter=np.var), hint="That is the variance; σ is its root."),
        ],
        otherwise={
            "g": "g is not the gradient of the mean loss. What is the gradient of sample i alone?",
            "σ": "σ is how much the gradients of single samples scatter: a standard deviation over the samples.",
        },
        trial=_both,
        rtol={"σ": 0.02},  # n or n − 1 in the variance, both will do
    )
)
