"""Costs: the formulas at a few points counted by hand, and the model fitted to what it would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gluonbook.theory import costs
from gluonbook.theory.costs import AlphaBeta, break_even


def test_bytes_counted_by_hand():
    assert costs.vote_sharded(4, 800) == (6, 150, 600)  # three shards of 25 bytes out, and again the verdict's
    assert costs.vote_gathered(4, 800) == (3, 300, 1200)
    assert costs.vote_by_server(4, 800) == (2, 400, 800)
    assert costs.mean_by_ring(4, 800) == (6, 4800, 19200)
    assert costs.mean_by_server(4, 800) == (2, 12800, 25600)
    assert costs.gathered(4, 800, 2) == (3, 600, 2400)
    # P and Q of one column, 20 + 40 numbers, and a vector: 63 around the ring, in two rounds.
    assert costs.power(4, [(20, 8, 5), (3,)], 1) == (12, 378, 1512)


@given(st.integers(1, 5000), st.integers(1, 10**9), st.sampled_from([1, 2, 4, 16, 32]))
def test_what_is_gathered_costs_as_much_as_the_ring_of_float32_at_64_over_bits_workers(M, d, bits):
    gathered, ring = costs.gathered(M, d, bits).bytes, costs.mean_by_ring(M, d).bytes
    assert gathered == pytest.approx(ring * M * bits / 64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.gathered(2, 8, 0), r"bits must be a number in \(0, inf\), got 0"),
        (lambda: costs.power(2, [(3, 4)], 0), "r, the rank, must be a whole number from 1, got 0"),
        (lambda: costs.power(2, [], 1), "the number of parameters must be a whole number from 1, got 0"),
    ],
)
def test_what_cannot_be_sent_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@given(st.integers(1, 5000), st.integers(1, 10**9))
def test_a_vote_sends_32_times_less_and_never_more_than_a_quarter_byte(M, d):
    assert costs.vote_sharded(M, d).bytes * 32 == pytest.approx(costs.mean_by_ring(M, d).bytes)
    assert costs.vote_sharded(M, d).bytes < d / 4
    assert costs.vote_sharded(M, d).bytes <= costs.vote_gathered(M, d).bytes * (1 + 1e-9)


@given(st.floats(1e-6, 1e-2), st.floats(1e-10, 1e-6), st.floats(1e-11, 1e-8))
def test_the_model_is_found_again(alpha, beta, gamma):
    points = [(*costs.vote_sharded(M, d)[:2], M * d) for M in (2, 4, 8, 16) for d in (10**4, 10**6, 10**8)]
    true = AlphaBeta(alpha, beta, gamma)
    found = AlphaBeta.fit(points, [true.seconds(*point) for point in points])
    for point in points:
        assert found.seconds(*point) == pytest.approx(true.seconds(*point), rel=1e-3)


def test_no_part_of_the_model_is_negative():
    found = AlphaBeta.fit([(2, 100, 0), (4, 100, 0), (8, 100, 0)], [3.0, 2.0, 1.0])
    assert min(found.alpha, found.beta, found.gamma) >= 0


def test_break_even():
    at = break_even(0.05, 3.2e6, 0.01, 102.4e6)
    assert 0.05 + 3.2e6 / at == pytest.approx(0.01 + 102.4e6 / at)
    assert break_even(0.01, 1, 0.05, 2) == np.inf


@given(
    st.integers(2, 100),
    st.integers(1, 10**9),
    st.floats(1e-5, 1),
    st.floats(0, 10),
    st.floats(0, 1),
    st.sampled_from([2, 4]),
)
def test_at_the_border_a_vote_takes_as_long_as_what_hides_its_sending(M, d, work, computing, hidden, wide):
    border = costs.vote_pays_below(M, d, work=work, computing=computing, hidden=hidden, wide=wide)
    n = 2 * (M - 1) / M * d

    def lead(bandwidth):
        others = (1 - hidden) * computing + max(hidden * computing, wide * n / bandwidth)
        return others - (computing + work + n / 8 / bandwidth)

    scale = computing + work + wide * n / border
    assert abs(lead(border)) < 1e-9 * scale
    assert lead(border / 2) > 0 > lead(2 * border)


def test_borders_counted_by_hand():
    # Two workers send a million bytes for each byte of a number; of 4 - 1/8 of them the vote is spared.
    assert costs.vote_pays_below(2, 10**6, work=0.5) == pytest.approx(3.875e6 / 0.5)
    assert costs.vote_pays_below(2, 10**6, work=0.5, computing=3, hidden=0.5) == pytest.approx(3.875e6 / 2)
    assert costs.vote_pays_below(2, 10**6, work=0.5, computing=3, hidden=0.5, wide=2) == pytest.approx(1.875e6 / 2)


def test_one_worker_has_nobody_to_vote_with():
    with pytest.raises(ValueError, match="M, the number of workers, must be a whole number from 2, got 1"):
        costs.vote_pays_below(1, 10, work=1.0)


def test_the_slowest_of_two_coins():
    for M in (1, 2, 5):
        assert costs.expected_maximum([1, 0], M) == pytest.approx(1 - 0.5**M)


def test_the_slowest_of_exponential_times_is_a_harmonic_number():
    times = -np.log(1 - (np.arange(100_000) + 0.5) / 100_000)
    for M in (1, 2, 3, 10, 64):
        assert costs.expected_maximum(times, M) == pytest.approx(sum(1 / m for m in range(1, M + 1)), rel=1e-3)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30), st.integers(1, 200))
def test_the_slowest_lies_between_mean_and_maximum_and_grows(times, M):
    found = costs.expected_maximum(times, M)
    assert np.mean(times) - 1e-9 <= found <= max(times) + 1e-9
    assert found <= costs.expected_maximum(times, M + 1) + 1e-9


def test_the_slowest_is_what_drawing_gives():
    rng = np.random.default_rng(0)
    times = rng.gamma(3.0, size=50)
    drawn = rng.choice(times, (100_000, 8)).max(axis=1).mean()
    assert costs.expected_maximum(times, 8) == pytest.approx(drawn, rel=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.expected_maximum([], 2), r"one or more finite numbers, got \[\]"),
        (lambda: costs.expected_maximum([1, np.nan], 2), "one or more finite numbers"),
        (lambda: costs.expected_maximum([1, 2], 0), "the number of workers must be a whole number from 1, got 0"),
        (lambda: costs.vote_sharded(0, 10), "the number of workers must be a whole number from 1, got 0"),
        (lambda: costs.mean_by_server(2, 1.5), "the number of parameters must be a whole number from 1, got 1.5"),
        (lambda: AlphaBeta.fit([(1, 2, 3)], [1.0]), "three or more points .* got 1 points"),
        (lambda: AlphaBeta.fit([(1, 2, 3)] * 3, [1.0, 0.0, 2.0]), "positive time"),
        (lambda: break_even(1, 3, 1, 2), "fewer bytes, got 3 and 2"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
