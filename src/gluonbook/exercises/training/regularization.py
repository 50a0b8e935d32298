"""The exercises of `training/regularization`."""

from __future__ import annotations

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
        "variance-of-dropout",
        2.25,
        [
            Mistake(0.25, hint="That is the variance of the factor. The value of the unit is 3, and squared."),
            Mistake(1.44, hint="That is the variance without the division by 1 − p, 9 p (1 − p)."),
            Mistake(11.25, hint="That is the mean of the square. Take the square of the mean off."),
            Mistake(0.75, hint="You have multiplied by 3. A variance grows with the square."),
            Mistake(1.5, hint="That is the standard deviation."),
            Mistake(36, hint="You have taken p for the share that stays. It is the share that is dropped."),
        ],
        otherwise="What comes out is 0 in a fifth of the cases, and 3/0.8 in the others. Its mean is 3.",
    )
)

exercises.add(
    Number(
        "ridge-for-noise",
        5,
        [
            Mistake(0.01, hint="That is what one sample contributes. There are 500."),
            Mistake(50, hint="The penalty holds the variance of the noise, the square of 0.1."),
            Mistake(2.5, hint="That is for half the sum of the squared errors. Here it is the whole sum."),
            Mistake(0.1, hint="That is the noise itself. Its square is added, once for each sample."),
            Mistake(0.00002, hint="Each sample adds its noise to the sum: multiply by their number."),
        ],
        otherwise="The noise adds σ²‖w‖² for each sample. How much is that for all of them?",
    )
)

exercises.add(
    Number(
        "steps-for-ridge",
        near(1000, 0.5),
        [
            Mistake(near(500, 0.5), hint="That is for the penalty α‖w‖². Here it is half of that."),
            Mistake(near(50, 0.1), hint="That is 1/α, which is η t. How many steps of 0.05 are that?"),
            Mistake(near(20, 0.1), hint="That is 1/η. The strength of the ridge has to come in."),
            Mistake(near(2.5, 0.01), hint="You have divided by α and multiplied by η. Both make the time shorter."),
            Mistake(near(0.4, 0.001), hint="That is α/η. A strong penalty is a *short* training."),
            Mistake(near(0.001, 0.0001), hint="That is η α. One over it is the number of steps."),
        ],
        otherwise="Set 1/(η t) to 0.02, with η = 0.05.",
    )
)


def whiten(X, eps=0):
    centred = X - X.mean(axis=0)
    variances, U = np.linalg.eigh(np.cov(centred.T, bias=True))
    return centred @ U / np.sqrt(variances + eps)


def _not_centred(X, eps=0):
    variances, U = np.linalg.eigh(np.cov(X.T, bias=True))
    return X @ U / np.sqrt(variances + eps)


def _spectrum(scale: Callable[[np.ndarray, float], Any]) -> Callable[..., np.ndarray]:
    def whiten(X, eps=0):
        centred = X - X.mean(axis=0)
        variances, U = np.linalg.eigh(np.cov(centred.T, bias=True))
        return centred @ U * scale(variances, eps)

    return whiten


def _each_by_itself(X, eps=0):
    return (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + eps)


def _one_less(X, eps=0):
    centred = X - X.mean(axis=0)
    variances, U = np.linalg.eigh(np.cov(centred.T))
    return centred @ U / np.sqrt(variances + eps)


def _rows_of_u(X, eps=0):
    centred = X - X.mean(axis=0)
    variances, U = np.linalg.eigh(np.cov(centred.T, bias=True))
    return centred @ U.T / np.sqrt(variances + eps)


def _matrices() -> list[tuple[np.ndarray, float]]:
    random = np.random.RandomState(0)
    X = random.normal(size=(60, 3)) @ np.array([[3.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.2]]) + [5, -2, 1]
    Y = random.uniform(size=(20, 2)) @ np.array([[1.0, 2.0], [0.0, 0.3]])
    return [(X, 0.0), (Y, 0.0), (X, 0.5)]


def _moments(answer: Callable, X: np.ndarray, eps: float) -> dict[str, Any]:
    """The mean, the variances in order, and the products between samples, as far as no rotation changes them."""
    given = answer(X, eps) if eps else answer(X)
    if not isinstance(given, np.ndarray) or given.shape != X.shape:
        raise Hint(f"Return an array of the shape of X, {X.shape}.")
    return {
        "length of the mean": np.linalg.norm(given.mean(axis=0)),
        "eigenvalues of the covariance": np.linalg.eigvalsh(np.cov(given.T, bias=True)),
        "products between samples": given @ given.T,
    }


exercises.add(
    Tried(
        "whiten-inputs",
        whiten,
        _matrices,
        [
            Mistake(_not_centred, hint="The mean of what comes out is not zero. Take it off first."),
            Mistake(
                _spectrum(lambda variances, eps: 1 / (variances + eps)),
                hint="You divide by the variances. Divide by the standard deviations, their roots.",
            ),
            Mistake(
                _spectrum(lambda variances, eps: np.sqrt(variances + eps)),
                hint="You multiply by the standard deviations, so that large directions get larger still.",
            ),
            Mistake(
                _spectrum(lambda variances, eps: 1.0),
                hint="What comes out is uncorrelated, perhaps, but its variances are still those of X.",
            ),
            Mistake(_each_by_itself, hint="Each column has variance 1 now. They are still correlated: rotate first."),
            Mistake(_one_less, hint="Almost: you divide by n − 1 in the covariance, and asked was 1/n (`bias=True`)."),
            Mistake(_rows_of_u, hint="`eigh` has the eigenvectors in the *columns* of U: multiply by U, not Uᵀ."),
            Mistake(
                _spectrum(lambda variances, eps: 1 / np.sqrt(variances)),
                hint="Without `eps` all is right. It should be added to each variance.",
            ),
            Mistake(
                _spectrum(lambda variances, eps: 1 / (np.sqrt(variances) + eps)),
                hint="Without `eps` all is right. Add it to the variances, before the root is taken.",
            ),
        ],
        otherwise="For X of shape {X.shape} and eps = {eps}, the {part} should be {right}, and yours: {given}.",
        trial=_moments,
        atol=1e-6,
    )
)
