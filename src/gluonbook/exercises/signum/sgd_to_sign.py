"""Checks of the exercises of `signum/sgd_to_sign`."""

from __future__ import annotations

import warnings
from typing import Callable

import numpy as np
from mxnet import nd

from gluonbook.exercises.checking import Exercises, Hint, numbers

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("first-steps")
def first_steps(answer: tuple[float, ...]) -> None:
    answer = numbers(answer, 5)
    right = {"SGD": 0.001, "signSGD": 0.1, "AdaGrad": 0.1, "RMSProp": 0.1 / 0.1**0.5, "Adam": 0.1}
    for (method, length), given in zip(right.items(), answer):
        if np.isclose(given, length, rtol=0.01):
            continue
        if np.isclose(given, -length, rtol=0.01):
            raise Hint("Lengths are asked for, without a sign.")
        if method == "RMSProp" and np.isclose(given, 0.1):
            raise Hint("RMSProp's mean begins at 0. What does it hold after one step? Nobody corrects it.")
        if method == "Adam" and np.isclose(given, 0.1 * 0.1 / 0.001**0.5, rtol=0.01):
            raise Hint("Adam corrects the bias of both of its means.")
        raise Hint(f"{method}'s step has another length. Put g = 0.01 into its formula, with everything else still 0.")


@exercises.add("adagrad-tires")
def adagrad_tires(answer: float) -> None:
    if answer == 10:
        raise Hint("The sum of squares is ten times the first then. The step is divided by its root.")
    if answer in (99, 101):
        raise Hint("Nearly: at step 1 the sum holds one square, and the step is the first.")
    if answer != 100:
        raise Hint("At step t the sum of squares is t·g². How long is the step?")


@exercises.add("write-rmsprop")
def write_rmsprop(rmsprop: Callable[..., nd.NDArray]) -> None:
    luck = np.random.RandomState(0)
    n = nd.array(luck.rand(50))
    mean = n.asnumpy()
    for eps in (0.25, 1e-3):
        grad = nd.array(luck.randn(50))
        g = grad.asnumpy()
        mean = 0.75 * mean + 0.25 * g**2
        step = rmsprop(grad, n, 0.5, 0.75, eps)
        if not isinstance(step, nd.NDArray):
            raise Hint(f"The function must return an NDArray; it returned a {type(step).__name__}.")
        if not np.allclose(n.asnumpy(), mean, atol=1e-5):
            raise Hint("n is not right after a step. Is it changed in place, n[:] = ..., and with the square of grad?")
        if np.allclose(step.asnumpy(), 0.5 * g / (np.sqrt(mean) + eps), atol=1e-5):
            raise Hint("Nearly: here, as in MXNet, eps is under the root.")
        if np.allclose(step.asnumpy(), -0.5 * g / np.sqrt(mean + eps), atol=1e-5):
            raise Hint("What you return is subtracted from the weight, so it points along the gradient.")
        if not np.allclose(step.asnumpy(), 0.5 * g / np.sqrt(mean + eps), atol=1e-5):
            raise Hint("n is right, and the step is not: it is the gradient, divided by the root of the new n + eps.")


@exercises.add("careful-sign")
def careful_sign(answer: Callable[[np.ndarray], np.ndarray]) -> None:
    luck = np.random.RandomState(0)
    gradients = luck.randn(20, 30) + luck.randn(30)
    gradients[:, 3] = 0
    gradients[:, 4] = 2.0
    gradients[:, 5] = [1, -1] * 10
    m, v = gradients.mean(axis=0), (gradients**2).mean(axis=0)
    right = m / np.sqrt(np.where(v > 0, v, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = np.asarray(answer(gradients.copy()))
        except RuntimeWarning as warning:
            raise Hint(f"NumPy warned: {warning}. Which weight has a mean of 0?") from None
    if found.shape != (30,):
        raise Hint(f"One number for each weight, shape (30,), is asked for; yours has the shape {found.shape}.")
    if np.isnan(found).any():
        raise Hint("There is a NaN, where a weight's gradients cancel or are all 0. The result there is 0.")
    if np.allclose(found, np.sign(m)):
        raise Hint("That is the plain sign; it is to be shortened where the gradients differ.")
    ordinary = np.arange(30) > 5
    if np.allclose(found[ordinary], (np.sign(m) / (1 + (v - m**2) / np.where(m, m, 1) ** 2))[ordinary]):
        raise Hint("Nearly: the root of 1 + η² is missing.")
    if not np.allclose(found, right, atol=1e-6):
        worst = int(abs(found - right).argmax())
        raise Hint(
            f"Gradients with mean {m[worst]:.3g} and mean square {v[worst]:.3g} give {found[worst]:.3g}, not "
            f"{right[worst]:.3g}. The variance is the mean of the squares less the squared mean."
        )
