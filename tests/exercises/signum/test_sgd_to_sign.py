"""The exercises of `signum/sgd_to_sign`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest

FIRST = (0.001, 0.1, 0.1, 0.1 / 0.1**0.5, 0.1)


def rmsprop(grad, n, lr, gamma, eps):
    n[:] = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n + eps).sqrt()


def eps_outside(grad, n, lr, gamma, eps):
    n[:] = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n.sqrt() + eps)


def not_in_place(grad, n, lr, gamma, eps):
    n = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n + eps).sqrt()


def without_root(grad, n, lr, gamma, eps):
    n[:] = gamma * n + (1 - gamma) * grad.square()
    return lr * grad / (n + eps)


def careful_sign(gradients):
    m, v = gradients.mean(axis=0), (gradients**2).mean(axis=0)
    return m / np.sqrt(np.where(v > 0, v, 1))


def dividing(gradients):
    m = gradients.mean(axis=0)
    return np.sign(m) / np.sqrt(1 + gradients.var(axis=0) / m**2)


def silenced(gradients):
    with np.errstate(all="ignore"):
        return dividing(gradients)


def without_the_root(gradients):
    m = gradients.mean(axis=0)
    return np.sign(m) / (1 + gradients.var(axis=0) / np.where(m == 0, 1, m) ** 2)


def by_deviation(gradients):
    m = gradients.mean(axis=0)
    return np.sign(m) / np.sqrt(1 + gradients.std(axis=0) / np.where(m == 0, 1, m) ** 2)


@pytest.mark.parametrize(
    ("name", "answer"),
    [("first-steps", FIRST), ("adagrad-tires", 100), ("write-rmsprop", rmsprop), ("careful-sign", careful_sign)],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("first-steps", 0.1, "5 numbers, as a tuple"),
        ("first-steps", (0.1, *FIRST[1:]), "SGD's step"),
        ("first-steps", (-0.001, *FIRST[1:]), "without a sign"),
        ("first-steps", (*FIRST[:3], 0.1, 0.1), "Nobody corrects"),
        ("first-steps", (*FIRST[:4], 0.3162), "corrects the bias"),
        ("adagrad-tires", 10, "by its root"),
        ("adagrad-tires", 99, "Nearly"),
        ("adagrad-tires", 7, "How long is the step"),
        ("write-rmsprop", eps_outside, "under the root"),
        ("write-rmsprop", not_in_place, "in place"),
        ("write-rmsprop", without_root, "divided by the root"),
        ("write-rmsprop", lambda *arguments: -rmsprop(*arguments), "is subtracted"),
        ("write-rmsprop", lambda *arguments: None, "must return an NDArray"),
        ("careful-sign", dividing, "NumPy warned"),
        ("careful-sign", silenced, "NaN"),
        ("careful-sign", lambda gradients: np.sign(gradients), "shape"),
        ("careful-sign", lambda gradients: np.sign(gradients.mean(axis=0)), "plain sign"),
        ("careful-sign", without_the_root, "root of 1"),
        ("careful-sign", by_deviation, "mean of the squares"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
