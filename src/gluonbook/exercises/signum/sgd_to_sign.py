"""The exercises of `signum/sgd_to_sign`."""

from __future__ import annotations

import warnings
from typing import Callable

import numpy as np
from mxnet import nd

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check


def _first_step(method: str, length: float, *mistakes: Mistake) -> Place:
    return Place(
        near(length, 0.01 * length),
        [Mistake(near(-length, 0.01 * length), hint="Lengths are asked for, without a sign."), *mistakes],
        otherwise=f"{method}'s step has another length. Put g = 0.01 into its formula, with everything else still 0.",
    )


exercises.add(
    Numbers(
        "first-steps",
        _first_step("SGD", 0.001),
        _first_step("signSGD", 0.1),
        _first_step("AdaGrad", 0.1),
        _first_step(
            "RMSProp",
            0.1 / 0.1**0.5,
            Mistake(
                near(0.1, 1e-5),
                hint="RMSProp's mean begins at 0. What does it hold after one step? Nobody corrects it.",
            ),
        ),
        _first_step(
            "Adam",
            0.1,
            Mistake(near(0.1 * 0.1 / 0.001**0.5, 0.003), hint="Adam corrects the bias of both of its means."),
        ),
    )
)

exercises.add(
    Number(
        "adagrad-tires",
        100,
        [
            Mistake(10, hint="The sum of squares is ten times the first then. The step is divided by its root."),
            Mistake(99, 101, hint="Nearly: at step 1 the sum holds one square, and the step is the first."),
        ],
        otherwise="At step t the sum of squares is t·g². How long is the step?",
    )
)


def rmsprop(grad, n, lr, gamma, eps):
    n[:] = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n + eps).sqrt()


def _eps_outside(grad, n, lr, gamma, eps):
    n[:] = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n.sqrt() + eps)


def _two_steps() -> list[tuple[nd.NDArray, nd.NDArray, float]]:
    luck = np.random.RandomState(0)
    return [(nd.array(luck.randn(50)), nd.array(luck.rand(50)), eps) for eps in (0.25, 1e-3)]


def _rms_step(answer: Callable[..., nd.NDArray], grad: nd.NDArray, n: nd.NDArray, eps: float) -> dict[str, nd.NDArray]:
    step = answer(grad, n, 0.5, 0.75, eps)
    if not isinstance(step, nd.NDArray):
        raise Hint(f"The function must return an NDArray; it returned a {type(step).__name__}.")
    return {"n": n, "step": step}


exercises.add(
    Tried(
        "write-rmsprop",
        rmsprop,
        _two_steps,
        [
            Mistake(_eps_outside, hint="Nearly: here, as in MXNet, eps is under the root."),
            Mistake(
                lambda *given: -rmsprop(*given),
                hint="What you return is subtracted from the weight, so it points along the gradient.",
            ),
        ],
        otherwise={
            "n": "n is not right after a step. Is it changed in place, n[:] = ..., and with the square of grad?",
            "step": "n is right, and the step is not: it is the gradient, divided by the root of the new n + eps.",
        },
        trial=_rms_step,
        atol=1e-5,
    )
)


def careful_sign(gradients):
    m, v = gradients.mean(axis=0), (gradients**2).mean(axis=0)
    return m / np.sqrt(np.where(v > 0, v, 1))


def _without_root(gradients):
    m = gradients.mean(axis=0)
    return np.sign(m) / (1 + gradients.var(axis=0) / np.where(m, m, 1) ** 2)


def _gradients() -> list[tuple[np.ndarray]]:
    luck = np.random.RandomState(0)
    gradients = luck.randn(20, 30) + luck.randn(30)
    gradients[:, 3] = 0
    gradients[:, 4] = 2.0
    gradients[:, 5] = [1, -1] * 10
    return [(gradients,)]


def _signed(answer: Callable[[np.ndarray], np.ndarray], gradients: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = np.asarray(answer(gradients))
        except RuntimeWarning as warning:
            raise Hint(f"NumPy warned: {warning}. Which weight has a mean of 0?") from None
    if found.shape != (30,):
        raise Hint(f"One number for each weight, shape (30,), is asked for; yours has the shape {found.shape}.")
    if np.isnan(found).any():
        raise Hint("There is a NaN, where a weight's gradients cancel or are all 0. The result there is 0.")
    return found


def _not_so_careful(gradients: np.ndarray, given: np.ndarray, right: np.ndarray) -> str:
    m, v = gradients.mean(axis=0), (gradients**2).mean(axis=0)
    worst = int(abs(given - right).argmax())
    return (
        f"Gradients with mean {m[worst]:.3g} and mean square {v[worst]:.3g} give {given[worst]:.3g}, not "
        f"{right[worst]:.3g}. The variance is the mean of the squares less the squared mean."
    )


exercises.add(
    Tried(
        "careful-sign",
        careful_sign,
        _gradients,
        [
            Mistake(
                lambda gradients: np.sign(gradients.mean(axis=0)),
                hint="That is the plain sign; it is to be shortened where the gradients differ.",
            ),
            Mistake(_without_root, hint="Nearly: the root of 1 + r² is missing."),
        ],
        otherwise=_not_so_careful,
        trial=_signed,
        atol=1e-6,
    )
)
