"""Walks of the sign: equal to the package's optimizers where they can be, and what a vote does to them."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from gluonbook import kernels
from gluonbook.optimizers import PlainSignum
from gluonbook.theory import NOISES, LogBowl, sign_walks

bowl = LogBowl(4)
START = np.array([1.0, -2.0, 0.5, 3.0])
settings = {"steps": 30, "lr": 0.07, "noise": NOISES["normal"]}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_without_noise_a_walk_is_that_of_signum(momentum):
    x = sign_walks(bowl.grad, START, sigma=0, momentum=momentum, **settings)
    optimizer = PlainSignum(learning_rate=0.07, momentum=momentum)
    weight = mx.nd.array(START, dtype="float64")
    state = optimizer.create_state(0, weight)
    for _ in range(30):
        optimizer.update(0, weight, mx.nd.array(bowl.grad(weight.asnumpy()), dtype="float64"), state)
    assert x.shape == (31, 1, 4)
    assert x[-1, 0] == pytest.approx(weight.asnumpy(), abs=1e-6)


def test_runs_differ_and_come_again_with_their_seed():
    first, again, other = (sign_walks(bowl.grad, START, runs=3, seed=s, **settings) for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
    assert (first[:, 0] != first[:, 1]).any()


def test_schedules_are_functions_of_the_step_from_0():
    seen = []
    x = sign_walks(bowl.grad, START, **{**settings, "steps": 3, "lr": lambda k: 1 / (k + 1)}, batch=seen_batch(seen))
    assert seen == [0, 1, 2]
    assert np.abs(np.diff(x[:, 0, 0])) == pytest.approx([1, 1 / 2, 1 / 3])


def seen_batch(seen):
    return lambda k: seen.append(k) or k + 1


def test_a_warm_up_is_plain():
    plain = sign_walks(bowl.grad, START, **settings)
    warm = sign_walks(bowl.grad, START, momentum=0.9, warmup=30, **settings)
    assert (plain == warm).all()


def test_more_voters_are_less_often_wrong():
    steps = []
    for workers in (1, 9, 81):
        x = sign_walks(bowl.grad, START, **{**settings, "steps": 1}, workers=workers, runs=500, sigma=2.0)
        steps.append((np.sign(x[0] - x[1]) == np.sign(START)).mean())
    assert steps == sorted(steps)
    assert steps[2] > 0.95


def test_noise_belongs_to_its_coordinate_and_shrinks_with_the_batch():
    sigma, shares = np.array([0, 0, 0, 5]), []
    for batch in (1, 100):
        x = sign_walks(bowl.grad, START, **{**settings, "steps": 1}, batch=batch, runs=500, sigma=sigma)
        shares.append((np.sign(x[0] - x[1]) == np.sign(START)).mean(axis=0))
    assert [list(share[:3]) for share in shares] == [[1, 1, 1]] * 2
    alone, together = shares[0][3], shares[1][3]  # the signal is 0.6: Φ(0.12) = 0.55 and Φ(1.2) = 0.88
    assert alone == pytest.approx(0.55, abs=0.08)
    assert together == pytest.approx(0.88, abs=0.05)


def test_inverters_turn_the_vote_once_they_are_the_majority():
    fair = sign_walks(bowl.grad, START, sigma=0, workers=7, inverters=3, **settings)
    turned = sign_walks(bowl.grad, START, sigma=0, workers=7, inverters=4, **settings)
    assert (bowl.value(np.diff(fair, axis=0)) > 0).all()
    assert bowl.value(fair[-1]) < bowl.value(START) < bowl.value(turned[-1])


def test_a_tie_draws_its_sign_as_a_vote_of_ballots_does():
    x = sign_walks(bowl.grad, START, sigma=0, workers=2, inverters=1, **{**settings, "steps": 3})[:, 0]
    ballots = [kernels.pack(sign * np.ones(START.size)) for sign in (1, -1)]
    for step in range(3):
        drawn = kernels.unpack(kernels.vote(ballots, step=step), START.size)
        assert x[step + 1] == pytest.approx(x[step] - 0.07 * drawn)
    assert x[2] == pytest.approx(START)


def test_zeros_draw_their_signs_as_in_ballots():
    def flat(x):
        return np.zeros_like(x)

    for workers in (1, 2, 3):
        x = sign_walks(flat, START, sigma=0, workers=workers, **{**settings, "steps": 4})[:, 0]
        for step in range(4):
            ballots = [kernels.pack(np.zeros(START.size), step=step + m) for m in range(workers)]
            drawn = kernels.unpack(kernels.vote(ballots, step=step), START.size)
            assert x[step + 1] == pytest.approx(x[step] - 0.07 * drawn)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"steps": 0}, "steps"),
        ({"lr": -1}, "lr"),
        ({"lr": lambda k: np.nan}, "lr"),
        ({"batch": 0}, "batch"),
        ({"momentum": 1}, "momentum"),
        ({"workers": 2, "inverters": 3}, "inverters must be a whole number from 0 to 2, got 3"),
        ({"runs": 1.5}, "runs"),
        ({"warmup": -1}, "warmup"),
    ],
)
def test_numbers_out_of_range(changed, told):
    with pytest.raises(ValueError, match=told):
        sign_walks(bowl.grad, START, **{**settings, **changed})


def test_a_start_of_another_shape():
    with pytest.raises(ValueError, match=r"shape \(d,\).*\(2, 2\)"):
        sign_walks(bowl.grad, np.ones((2, 2)), **settings)
