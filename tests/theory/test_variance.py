"""By how much noise should shorten a step: factors that no other beats, and the rate that they give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from gluonbook.theory import NOISES, sign_factor, variance_factor, vsgd

quick = settings(max_examples=100, deadline=None)
numbers = st.floats(0.01, 100)
noises = pytest.mark.parametrize("noise", NOISES.values(), ids=lambda noise: noise.name)
normal = NOISES["normal"]


@quick
@given(numbers, numbers, st.floats(-2, 2))
def test_no_factor_of_a_length_is_better(grad, sigma, other):
    def error(factor):  # E(factor·g̃ − grad)²
        return factor**2 * (grad**2 + sigma**2) - 2 * factor * grad**2 + grad**2

    assert error(variance_factor(grad, sigma)) <= error(other) * (1 + 1e-12)
    assert variance_factor(grad, sigma) == pytest.approx(1 / (1 + (sigma / grad) ** 2))


@noises
@pytest.mark.parametrize("grad", [0.3, 1.7])
def test_no_factor_of_a_sign_is_better(noise, grad):
    signs = np.sign(grad + 0.8 * noise.sample(np.random.RandomState(0), (200_000,)))
    best = signs.mean()  # of (γ·sign − 1)², whose minimum is at the mean
    assert sign_factor(grad, 0.8, noise) == pytest.approx(best, abs=0.01)


@quick
@given(numbers, numbers)
def test_of_a_sign_under_normal_noise_it_is_the_error_function(grad, sigma):
    assert sign_factor(-grad, sigma) == pytest.approx(erf(grad / (np.sqrt(2) * sigma)), abs=1e-12)


@pytest.mark.parametrize("factor", [variance_factor, sign_factor])
def test_edges(factor):
    assert factor([2, 0, 0, -2], [0, 0, 1, 0]).tolist() == [1, 1, 0, 1]
    assert factor(1e-150, 1e150) == pytest.approx(0)
    assert factor(1e150, 1e-150) == 1
    assert factor(np.ones((2, 1)), np.ones(3)).shape == (2, 3)
    with pytest.raises(ValueError, match="from 0, got -2"):
        factor(1, [1, -2])


def test_under_skew_a_sign_may_be_worth_less_than_nothing():
    assert sign_factor(0.1, 1, NOISES["skewed"]) < 0
    assert sign_factor(0, 1, NOISES["skewed"]) == 0


CURVATURE = np.array([1.0, 4.0, 0.25])
START = np.array([3.0, -1.0, 2.0])


def bowl(x):
    return CURVATURE * x


def rate_by_rate(draws, samples, caution):
    """vSGD on the bowl, a coordinate after the other, in the words of the paper's Algorithm 1."""
    ends = []
    for h, x, noise in zip(CURVATURE, START, draws.T):
        first = [h * x + n for n in noise[:samples]]
        g, v, tau = np.mean(first), caution * np.mean(np.square(first)), samples
        for n in noise[samples:]:
            sample = h * x + n
            g, v = (1 - 1 / tau) * g + sample / tau, (1 - 1 / tau) * v + sample**2 / tau
            x = x - g**2 / (h * v) * sample
            tau = (1 - g**2 / v) * tau + 1
        ends.append(x)
    return ends


@pytest.mark.parametrize(("samples", "caution"), [(2, 2.0), (5, 1.0), (3, 10.0)])
def test_it_is_the_algorithm_of_the_paper(samples, caution):
    options = {"samples": samples, "caution": caution, "curvature": CURVATURE, "sigma": 0.5, "noise": normal, "seed": 4}
    x = vsgd(bowl, START, steps=40, **options)
    random = np.random.RandomState(4)
    draws = 0.5 * np.array([normal.sample(random, (1, 3))[0] for _ in range(40)])
    assert x.shape == (41, 1, 3)
    assert (x[: samples + 1] == START).all()
    assert x[-1, 0] == pytest.approx(rate_by_rate(draws, samples, caution))


def test_without_noise_it_is_newtons_step_but_for_its_caution():
    x = vsgd(bowl, START, steps=3, curvature=CURVATURE, noise=normal, sigma=0, caution=1)
    assert x[-1] == pytest.approx(np.zeros((1, 3)))
    careful = vsgd(bowl, START, steps=3, curvature=CURVATURE, noise=normal, sigma=0, caution=4)
    assert (abs(careful[-1]) > 0.3 * abs(START)).all()


def test_at_the_minimum_its_steps_die_away():
    x = vsgd(bowl, np.zeros(3), steps=2000, curvature=CURVATURE, noise=normal, runs=50)
    steps = abs(np.diff(x, axis=0)).mean(axis=(1, 2))
    assert steps[-100:].mean() < 0.1 * steps[2:12].mean()


def test_where_there_is_no_gradient_nothing_moves():
    assert (vsgd(np.zeros_like, START, steps=5, curvature=1, noise=normal, sigma=0) == START).all()


def test_runs_differ_and_come_again_with_their_seed():
    options = {"steps": 9, "curvature": CURVATURE, "noise": normal, "runs": 3}
    first, again, other = (vsgd(bowl, START, seed=seed, **options) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first[-1] != other[-1]).any()
    assert (first[-1, 0] != first[-1, 1]).any()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"steps": 1}, "steps must be a whole number from 2, got 1"),
        ({"samples": 1}, "samples must be a whole number from 2, got 1"),
        ({"caution": 0.5}, "caution"),
        ({"runs": 0}, "runs"),
        ({"curvature": 0}, "curvature must be positive, got 0"),
        ({"curvature": [1, -1, 1]}, "curvature must be positive, got -1"),
    ],
)
def test_what_is_out_of_range_is_refused(changed, told):
    with pytest.raises(ValueError, match=told):
        vsgd(bowl, START, **{"steps": 9, "curvature": CURVATURE, "noise": normal, **changed})


def test_a_start_of_another_shape():
    with pytest.raises(ValueError, match=r"shape \(d,\).*\(2, 2\)"):
        vsgd(bowl, np.ones((2, 2)), steps=9, curvature=1, noise=normal)
