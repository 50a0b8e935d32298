"""The longest step on late gradients: against the eigenvalues of the recursion, and what is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from gluonbook.theory import delay_limit


def growth(step, delay, momentum):
    """The largest size of an eigenvalue of the matrix that takes (x_t, …, x_{t−τ−1}) one step on, for curvature 1."""
    matrix = np.eye(delay + 2, k=-1)
    matrix[0, :2] += [1 + momentum, -momentum]
    matrix[0, delay] -= step
    return abs(np.linalg.eigvals(matrix)).max()


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 7, 20])
@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9, 0.99])
def test_below_it_errors_fall_and_above_they_grow(delay, momentum):
    limit = delay_limit(delay, momentum)
    for share in (0.05, 0.3, 0.6, 0.9, 0.999):
        assert growth(share * limit, delay, momentum) < 1
    for share in (1.001, 1.1, 2):
        assert growth(share * limit, delay, momentum) > 1


@pytest.mark.parametrize("delay", [0, 1, 5, 100])
def test_without_momentum_it_is_a_sine(delay):
    assert delay_limit(delay) == pytest.approx(2 * np.sin(np.pi / (2 * (2 * delay + 1))), rel=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_without_a_delay_it_is_that_of_the_heavy_ball(momentum):
    assert delay_limit(0, momentum) == pytest.approx(2 * (1 + momentum), rel=1e-12)


def test_a_long_delay_leaves_the_steps_in_flight_half_a_pi():
    assert 1000 * delay_limit(1000) == pytest.approx(np.pi / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((-1,), r"^delay must be a whole number from 0, got -1$"),
        ((0.5,), r"^delay must be a whole number from 0, got 0.5$"),
        ((1, 1.0), r"^momentum must be a number in \[0, 1\), got 1.0$"),
    ],
)
def test_what_cannot_be_is_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        delay_limit(*numbers)
