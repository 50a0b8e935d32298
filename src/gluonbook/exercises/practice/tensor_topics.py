"""The exercises of `practice/tensor_topics`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "three-places",
        Place(
            720,
            [
                Mistake(1000, hint="That has triples in which a place comes twice."),
                Mistake(120, hint="That is without an order. Each three of places have six orders."),
                Mistake(504, hint="That is 9 · 8 · 7. There are ten places to begin with."),
                Mistake(30, hint="Multiply: each choice of the first place goes with each of the second."),
                Mistake(90, hint="That is for two places."),
            ],
            otherwise="How many choices are there for the first place, how many are left for the second, the third?",
        ),
        Place(
            3,
            [
                Mistake(2, hint="Two words are a pair. n − 2 would be 0, and there is a division by it."),
                Mistake(1, hint="One word has no other beside it."),
            ],
            otherwise="How many different places does M3 ask about?",
        ),
    )
)


def pairs(x):
    x = np.asarray(x, dtype="float64")
    n = x.sum()
    return (np.outer(x, x) - np.diag(x)) / (n * (n - 1))


def _with_itself(x):
    return np.outer(x, x) / np.sum(x) ** 2


def _with_itself_over_others(x):
    return np.outer(x, x) / (np.sum(x) * (np.sum(x) - 1))


def _over_all(x):
    return (np.outer(x, x) - np.diag(x)) / np.sum(x) ** 2


def _no_diagonal(x):
    table = np.outer(x, x) - np.diag(np.square(x))
    return table / (table.sum() or 1)


def _emptied(x):
    return (np.outer(x, x) - np.diag(np.square(x))) / (np.sum(x) * (np.sum(x) - 1))


def _counted(x):
    return np.outer(x, x) - np.diag(x)


def _unordered(x):
    return pairs(x) / 2


def _table(answer: Callable, x: np.ndarray) -> np.ndarray:
    given = np.asarray(answer(x), dtype=float)
    if given.shape != (len(x), len(x)):
        raise Hint(f"For {len(x)} words it is a table ({len(x)}, {len(x)}); yours has the shape {given.shape}.")
    return given


exercises.add(
    Tried(
        "not-with-itself",
        pairs,
        [
            (np.array([1.0, 1.0, 1.0]),),
            (np.array([2.0, 0.0, 1.0, 4.0]),),
            (np.array([3, 1]),),
            (np.array([5.0, 0.0]),),
        ],
        [
            Mistake(
                _with_itself,
                _with_itself_over_others,
                hint="For the counts {x} a place is paired with itself. Which entries is that in, and how often?",
            ),
            Mistake(_over_all, hint="You left out the pairs of a place with itself above the fraction bar. And below?"),
            Mistake(
                _no_diagonal,
                _emptied,
                hint="A word that occurs twice does stand at two different places. For {x} the diagonal is not 0.",
            ),
            Mistake(_counted, hint="Those are counts. As shares of all pairs they have the sum 1."),
            Mistake(_unordered, hint="The whole table has the sum 1. Each pair is in it in both orders."),
        ],
        otherwise="For the counts {x} it should be {right}, and yours is {given}.",
        trial=_table,
    )
)


def whiten(M2, k):
    values, vectors = np.linalg.eigh(M2)
    return vectors[:, -k:] / np.sqrt(values[-k:])


def _smallest(M2, k):
    values, vectors = np.linalg.eigh(M2)
    return vectors[:, :k] / np.sqrt(values[:k])


def _without_values(M2, k):
    return np.linalg.eigh(M2)[1][:, -k:]


def _without_root(M2, k):
    values, vectors = np.linalg.eigh(M2)
    return vectors[:, -k:] / values[-k:]


def _back(M2, k):
    values, vectors = np.linalg.eigh(M2)
    return vectors[:, -k:] * np.sqrt(values[-k:])


def _whitened(answer: Callable, M2: np.ndarray, k: int) -> dict[str, Any]:
    W = np.asarray(answer(M2, k), dtype=float)
    if W.shape != (len(M2), k):
        raise Hint(f"W must have the shape ({len(M2)}, {k}); yours has {W.shape}.")
    return {"identity": W.T @ M2 @ W, "span": W @ W.T}


def _tables() -> list[tuple[np.ndarray, int]]:
    random = np.random.RandomState(0)
    made = []
    for values, k in (([0.1, 0.5, 2.0, 3.0], 2), ([0.25, 0.5, 4.0], 1), ([0.2, 0.7, 1.5, 2.5, 5.0], 3)):
        Q = np.linalg.qr(random.normal(size=(len(values), len(values))))[0]
        made.append(((Q * values) @ Q.T, k))
    return made


exercises.add(
    Tried(
        "whiten-it",
        whiten,
        _tables,
        [
            Mistake(_smallest, hint="WᵀM2W is the identity, but of the smallest eigenvalues. `eigh` sorts upwards."),
            Mistake(
                _without_values, hint="WᵀM2W is diagonal, with the eigenvalues. What must each column be divided by?"
            ),
            Mistake(_without_root, hint="Nearly. Each column stands in WᵀM2W twice, so it takes the root."),
            Mistake(_back, hint="That is the way back. Whitening divides by the root of the eigenvalue."),
        ],
        otherwise={
            "identity": "WᵀM2W should be the identity, and is {given}.",
            "span": "WᵀM2W is the identity, but W is not made of the eigenvectors with the largest eigenvalues.",
        },
        trial=_whitened,
    )
)


def power_step(T, theta):
    theta = np.einsum("abc,b,c->a", T, theta, theta)
    return theta / np.linalg.norm(theta)


def _unscaled(T, theta):
    return np.einsum("abc,b,c->a", T, theta, theta)


def _by_sum(T, theta):
    theta = _unscaled(T, theta)
    return theta / abs(theta).sum()


def _by_square(T, theta):
    theta = _unscaled(T, theta)
    return theta / (theta @ theta)


def _as_a_matrix(T, theta):
    theta = T.sum(axis=0) @ theta
    return theta / np.linalg.norm(theta)


def _diagonal(T, theta):
    theta = np.einsum("abb,b->a", T, theta**2)
    return theta / np.linalg.norm(theta)


def _vector(answer: Callable, T: np.ndarray, theta: np.ndarray) -> np.ndarray:
    given = np.asarray(answer(T, theta), dtype=float)
    if given.shape != theta.shape:
        raise Hint(
            f"θ has the shape {theta.shape}, and what you return {given.shape}. Two of the three axes take the vector."
        )
    return given


def _tensors() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.RandomState(1)
    made = []
    for n in (2, 3, 5):
        V = np.linalg.qr(random.normal(size=(n, n)))[0]
        theta = random.normal(size=n)
        made.append((np.einsum("i,ia,ib,ic->abc", np.arange(1.0, n + 1), V, V, V), theta / np.linalg.norm(theta)))
    return made


exercises.add(
    Tried(
        "tensor-power-step",
        power_step,
        _tensors,
        [
            Mistake(_unscaled, hint="The direction is right. The length should be 1."),
            Mistake(_by_sum, hint="The direction is right. The length is the root of the sum of squares."),
            Mistake(_by_square, hint="The direction is right. You divided by the square of the length."),
            Mistake(_as_a_matrix, hint="θ goes in twice: once for b, and once for c."),
            Mistake(_diagonal, hint="b and c run over all pairs, not over equal ones alone."),
        ],
        otherwise="For θ = {theta} it should be {right}, and yours is {given}.",
        trial=_vector,
    )
)

exercises.add(
    Number(
        "weight-of-a-topic",
        2 / 9,
        [
            Mistake(4 / 9, hint="There is λ without its square."),
            Mistake(2, hint="Did you leave out (α0 + 2)², which is 9?"),
            Mistake(2 / 3, hint="α0 + 2 is squared."),
            Mistake(1 / 9, hint="α0(α0 + 1) is 1 · 2, not 1."),
            Mistake(1 / 18, hint="There is a factor of 4 above the fraction bar."),
            Mistake(0.5, hint="α is no longer 1/λ here: that would be without any of the factors."),
        ],
        otherwise="Put α0 = 1 and λ = 2 into the formula for αᵢ that leads back.",
    )
)
