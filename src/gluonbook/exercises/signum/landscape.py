"""Checks of the exercises of `signum/landscape`."""

from __future__ import annotations

from math import isclose, pi
from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises, Hint, number

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("density-by-hand")
def density_by_hand(answer: float) -> None:
    answer = number(answer)
    if isclose(answer, 49 / 50):
        raise Hint("The zeros count in d: the vector has four coordinates.")
    if isclose(answer, 1 / 100):
        raise Hint("‖v‖₁ is the sum of the sizes, 3 + 4.")
    if isclose(answer, 7 / 20) or isclose(answer, 7 / 10):
        raise Hint("Both norms are squared.")
    if not isclose(answer, 49 / 100):
        raise Hint("Work out ‖v‖₁ and ‖v‖₂, and put them into the formula with d = 4.")


@exercises.add("dead-coordinates")
def dead_coordinates(formula: Callable[[float], float]) -> None:
    values = {s: float(formula(s)) for s in (1.0, 0.5, 0.2)}
    if not isclose(values[1.0], 2 / pi, rel_tol=1e-3):
        raise Hint(f"With s = 1 all are normal, and the density is 2/π; yours is {values[1.0]:.3f}.")
    if isclose(values[0.5], 2 / pi, rel_tol=1e-3):
        raise Hint("Zeros change neither norm, but d counts them as well.")
    if isclose(values[0.5], 0.25 * 2 / pi, rel_tol=1e-3):
        raise Hint("Both ‖v‖₁² and ‖v‖₂² shrink with s, the first with its square, the second with s itself.")
    if not all(isclose(value, s * 2 / pi, rel_tol=1e-3) for s, value in values.items()):
        raise Hint("Let s·d coordinates be normal: ‖v‖₁ is then s·d times √(2/π), and ‖v‖₂² is s·d.")


@exercises.add("large-enough")
def large_enough(batch_for: Callable[[np.ndarray, np.ndarray, float], int]) -> None:
    random = np.random.RandomState(0)
    g, sigma = random.normal(size=200), random.uniform(1, 20, size=200)
    for share in (0.1, 0.5, 1.0):
        n = batch_for(g.copy(), sigma.copy(), share)
        if isinstance(n, (bool, np.bool_)) or not isinstance(n, (int, np.integer)):
            raise Hint(f"A batch is a whole number; batch_for returned {n!r:.40}.")
        if n < 1 or _strong(g, sigma, n) < share:
            raise Hint(
                f"At a batch of {n}, a share of {_strong(g, sigma, max(n, 1)):.3f} is above, and {share} is asked."
            )
        if n > 1 and _strong(g, sigma, n - 1) >= share:
            raise Hint(f"For a share of {share}, a batch of {n - 1} is enough already, and you say {n}.")


def _strong(g: np.ndarray, sigma: np.ndarray, n: int) -> float:
    return float((np.sqrt(n) * abs(g) / sigma > 2 / np.sqrt(3)).mean())


@exercises.add("least-squares-noise")
def least_squares_noise(noise: Callable) -> None:
    random = np.random.RandomState(0)
    X, y, w = random.normal(size=(50, 4)), random.normal(size=50), random.normal(size=4)
    given = noise(X.copy(), y.copy(), w.copy())
    if not isinstance(given, tuple) or len(given) != 2:
        raise Hint("noise must return the pair (g, σ).")
    g, sigma = (np.asarray(part, dtype=float) for part in given)
    if g.shape != (4,) or sigma.shape != (4,):
        raise Hint(f"For 4 weights g and σ have shape (4,); yours have {g.shape} and {sigma.shape}.")
    G = (X @ w - y)[:, None] * X
    if np.allclose(g, 2 * G.mean(axis=0)):
        raise Hint("Twice too large: the loss has a factor of one half.")
    if np.allclose(g, G.sum(axis=0)):
        raise Hint("That is the gradient of the sum. g is the mean over the samples.")
    if np.allclose(g, -G.mean(axis=0)):
        raise Hint("The gradient has the wrong sign: the residual is prediction less label.")
    if not np.allclose(g, G.mean(axis=0)):
        raise Hint("g is not the gradient of the mean loss. What is the gradient of sample i alone?")
    if np.allclose(sigma, G.var(axis=0)):
        raise Hint("That is the variance; σ is its root.")
    if not np.allclose(sigma, G.std(axis=0), rtol=0.02):
        raise Hint("σ is how much the gradients of single samples scatter: a standard deviation over the samples.")
