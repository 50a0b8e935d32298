"""The exercises of `training/overparameterization`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from answers import hints, right_answers

from gluonbook.exercises.training import overparameterization


def by_trace(A, x):
    return np.trace(A.T @ A) / A.shape[1] * x.dot(x) / np.linalg.norm(A @ x) ** 2


def by_projector(w, g, lr):
    along = np.outer(w, w) / w.dot(w)
    return w - lr * w.dot(w) ** 0.5 * ((np.eye(len(w)) + along) @ g)


test_right_answers_are_right = right_answers(
    ("closer-start", 138),
    ("ball-in-its-box", 0.00249),
    ("ball-in-its-box", np.pi**5 / 1024 / 120),
    ("numbers-in-an-update", 3072 / 131072),
    ("numbers-in-an-update", 0.0234),
    ("how-shaky", by_trace),
    ("two-layers-in-one", by_projector),
)

test_wrong_answers_get_their_hint = hints(
    ("closer-start", 137.7, "Steps are whole"),
    ("closer-start", 137, "Round up"),
    ("closer-start", 144.95, "reach 1"),
    ("closer-start", 131.2, "divide by η"),
    ("closer-start", -138, "no sign"),
    ("closer-start", 59.8, "same base"),
    ("closer-start", 7, "at least ½"),
    ("ball-in-its-box", 2.55, "volume of the ball"),
    ("ball-in-its-box", np.pi**5 / 1024 / 24, "Γ(6) is 5!"),
    ("ball-in-its-box", np.pi**5 / 1024 / 720, "Γ(6) is 5!"),
    ("ball-in-its-box", 401.5, "below 1"),
    ("ball-in-its-box", 0.249, "per cent"),
    ("ball-in-its-box", 0.785, "with d = 2"),
    ("ball-in-its-box", 0.2988, "product of discs"),
    ("ball-in-its-box", 0.5, "formula"),
    ("numbers-in-an-update", 3072, "What share"),
    ("numbers-in-an-update", 4 / 256, "two matrices"),
    ("numbers-in-an-update", 4 / 512, "And the other"),
    ("numbers-in-an-update", 42.7, "below 1"),
    ("numbers-in-an-update", 2.34, "per cent"),
    ("how-shaky", lambda A, x: by_trace(A, x) ** 0.5, "root"),
    ("how-shaky", lambda A, x: 1 / by_trace(A, x), "other way round"),
    ("how-shaky", lambda A, x: by_trace(A, x) * len(x), "share its length"),
    ("how-shaky", lambda A, x: by_trace(A, x) * len(x) / len(A), "number of rows"),
    ("how-shaky", lambda A, x: 0.0, "should be"),
    ("two-layers-in-one", lambda w, g, lr: w - lr * g, "one layer"),
    ("two-layers-in-one", lambda w, g, lr: by_projector(w, g, lr) - w, "change of w"),
    ("two-layers-in-one", lambda w, g, lr: by_projector(w, g, -lr), "uphill"),
    ("two-layers-in-one", lambda w, g, lr: w, "should go to"),
)


@pytest.mark.parametrize("seed", range(3))
def test_the_sensitivity_is_what_noise_does(seed):
    random = np.random.RandomState(seed)
    A, x = random.normal(size=(5, 4)), random.normal(size=4)
    noise = random.normal(size=(200_000, 4))
    noise *= np.linalg.norm(x) / np.linalg.norm(noise, axis=1, keepdims=True)
    drawn = ((noise @ A.T) ** 2).sum(axis=1).mean() / ((A @ x) ** 2).sum()
    assert overparameterization.sensitivity(A, x) == pytest.approx(drawn, rel=0.02)


@pytest.mark.parametrize("lr", [1e-2, 1e-3])
def test_two_balanced_layers_step_as_one(lr):
    random = np.random.RandomState(0)
    w, g = random.normal(size=4), random.normal(size=4)
    s = np.linalg.norm(w) ** 0.5
    u = w / s
    stepped = (s - lr * (u @ g)) * (u - lr * s * g)
    gap = stepped - overparameterization.end_to_end(w, g, lr)
    assert np.abs(gap).max() <= 10 * lr**2


def test_the_ball_fills_what_random_points_say():
    points = np.random.RandomState(0).uniform(-1, 1, size=(400_000, 10))
    (told,) = (one.right for one in overparameterization.exercises if one.name == "ball-in-its-box")
    assert ((points**2).sum(axis=1) <= 1).mean() == pytest.approx(told, rel=0.1)
