"""The sign-error lemma: the bound itself, and which families of noise keep it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluonbook.theory import CRITICAL_SNR, NOISES, Noise, sign_error_bound, signal_to_noise

quick = settings(max_examples=100, deadline=None)
ratios = st.floats(0, 50)
promised = pytest.mark.parametrize("noise", [n for n in NOISES.values() if n.promised], ids=lambda n: n.name)


@quick
@given(ratios, ratios)
def test_a_stronger_signal_never_has_a_larger_bound(a, b):
    low, high = sorted((a, b))
    assert 0 < sign_error_bound(high) <= sign_error_bound(low) <= 0.5


def test_the_branches_meet():
    assert sign_error_bound(0) == 0.5
    assert sign_error_bound(CRITICAL_SNR) == pytest.approx(1 / 6)
    assert sign_error_bound(np.nextafter(CRITICAL_SNR, 2)) == pytest.approx(1 / 6)
    assert sign_error_bound(3) == pytest.approx(2 / 81)
    assert sign_error_bound(np.inf) == 0


def test_shapes_are_kept():
    assert sign_error_bound([[0, 1, 2]]).shape == (1, 3)


@pytest.mark.parametrize("snr", [-1, [1, np.nan]])
def test_what_is_no_ratio_is_refused(snr):
    with pytest.raises(ValueError, match=r"from 0, got (-1|nan)"):
        sign_error_bound(snr)


@promised
@quick
@given(ratios)
def test_symmetric_noise_with_one_mode_keeps_it(noise: Noise, snr):
    assert noise.wrong_sign(snr) <= sign_error_bound(snr) + 1e-12


@pytest.mark.parametrize("name", ["skewed", "two points"])
def test_the_others_break_it(name):
    snr = np.linspace(0.01, 3, 100)
    assert (NOISES[name].wrong_sign(snr) > sign_error_bound(snr)).any()


def test_under_skew_more_than_half_of_the_signs_are_wrong():
    assert NOISES["skewed"].wrong_sign(0.1) > 0.5


@pytest.mark.parametrize("noise", NOISES.values(), ids=lambda n: n.name)
def test_mean_variance_and_the_errors_of_samples(noise: Noise):
    draws = noise.sample(np.random.RandomState(0), (400, 500))
    assert draws.shape == (400, 500)
    assert noise.distribution.mean() == pytest.approx(0, abs=1e-12)
    assert noise.distribution.var() == pytest.approx(1)
    assert draws.mean() == pytest.approx(0, abs=0.02)
    assert (0.7 + draws <= 0).mean() == pytest.approx(noise.wrong_sign(0.7), abs=0.005)


def test_samples_follow_the_generator():
    for noise in NOISES.values():
        first, second = (noise.sample(np.random.RandomState(3), (5,)) for _ in range(2))
        assert (first == second).all()
        assert (noise.sample(np.random.RandomState(4), (5,)) != first).any()


def test_signal_to_noise():
    assert signal_to_noise([-3, 1, 0], [2, 0, 1]).tolist() == [1.5, np.inf, 0]
    assert np.isnan(signal_to_noise(0, 0))
    with pytest.raises(ValueError, match=r"from 0, got -2"):
        signal_to_noise([1, 1], [1, -2])
