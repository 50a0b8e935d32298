"""The exercises of `signum/where_sign_fails`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers


def turned(x, eps=0.5):
    return np.array([eps * np.sign(x[0]), np.sign(x[1])])


def diagonal(x, eps=0.5):
    along, across = np.sign(x[0] + x[1]), np.sign(x[0] - x[1])
    return np.array([eps * along + across, eps * along - across])


def step(x, g, e, lr, debt=1):
    p = lr * g + e
    delta = abs(p).mean() * np.sign(p)
    return x - delta, debt * (p - delta)


def in_place(x, g, e, lr):
    x -= lr * g
    return x, e


def trap(steep=4.0, out=-1.0, direction=(1, 1, 1)):
    first = np.array(direction) / np.linalg.norm(direction)
    second = np.cross(first, [0, 0, 1])
    second /= np.linalg.norm(second)
    third = np.cross(first, second)
    return steep * np.outer(first, first) + out * np.outer(second, second) + 0.1 * np.outer(third, third)


test_right_answers_are_right = right_answers(
    ("turn-the-valley", turned),
    ("own-error-feedback", step),
    ("trap-in-three", trap()),
)


test_hints_fit_the_mistake = hints(
    ("turn-the-valley", diagonal, "away from 0"),
    ("turn-the-valley", lambda x: turned(x, eps=0.25), "half that of the walls"),
    ("turn-the-valley", lambda x: 1.0, "two numbers"),
    ("own-error-feedback", lambda *a: step(*a, debt=0), "left out"),
    ("own-error-feedback", lambda x, g, e, lr: (x - lr * g, e), "should move"),
    ("own-error-feedback", lambda x, g, e, lr: x - lr * g, "a pair"),
    ("own-error-feedback", in_place, "in place"),
    ("trap-in-three", np.eye(2), "shape (2, 2)"),
    ("trap-in-three", np.eye(3), "Exactly one eigenvalue"),
    ("trap-in-three", trap(out=-1e-3), "larger in size"),
    ("trap-in-three", trap(direction=(1, 0, 0)), "gets away"),
)
