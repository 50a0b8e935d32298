"""Codecs and memories by themselves, on numpy arrays: properties that hold for all of them, and each one's formula."""

from __future__ import annotations

from itertools import combinations
from math import prod

import numpy as np
import pytest
from compressors import CODECS, PAIRS
from hypothesis import given
from hypothesis import strategies as st

from gluonbook.kvstore import (
    Exact,
    Feedback,
    Half,
    Levels,
    MomentumCorrection,
    NoMemory,
    OneBit,
    RandomK,
    ScaledSign,
    Threshold,
    TopK,
)
from gluonbook.kvstore.compensation import Sent

SHAPES = ((1,), (3,), (7, 9), (64,), (5, 13), (17, 241))
KINDS = {
    "normal": lambda luck, d: luck.randn(d),
    "few": lambda luck, d: luck.randn(d) * (luck.rand(d) < 0.1),
    "outliers": lambda luck, d: luck.standard_cauchy(d),
    "large": lambda luck, d: 1e30 * luck.randn(d),
    "largest": lambda luck, d: 2e36 * luck.choice([-1, 1], d),
    "tiny": lambda luck, d: 1e-42 * luck.randn(d),
    "equal": lambda luck, d: np.full(d, luck.randn()),
    "zeros": lambda luck, d: np.zeros(d),
}
vectors = st.tuples(st.sampled_from(SHAPES), st.sampled_from([*KINDS]), st.integers(0, 2**32 - 1))


def drawn(shape, kind, seed) -> np.ndarray:
    return KINDS[kind](np.random.RandomState(seed), prod(shape)).astype(np.float32)


def through(codec, v, shape, seed=0) -> np.ndarray:
    return codec.decode(codec.encode(v, shape, np.random.default_rng(seed)), shape)


def sender(codec, shape, seed=0):
    """A `send`, and the list of what goes through it."""
    gone = []

    def send(v):
        gone.append(v.copy())
        return Sent(codec, codec.encode(v, shape, np.random.default_rng(seed)), shape)

    return send, gone


@pytest.mark.parametrize("codec", CODECS, ids=str)
@given(vectors)
def test_a_message_has_its_length_and_says_finite_numbers(codec, vector):
    shape, v = vector[0], drawn(*vector)
    message = codec.encode(v, shape, np.random.default_rng(0))
    assert (message.dtype, message.shape) == (np.uint8, (codec.nbytes(shape),))
    found = codec.decode(message, shape)
    assert (found.dtype, found.shape) == (np.float32, v.shape)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(v, drawn(*vector))


@pytest.mark.parametrize("codec", CODECS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nothing_but_zeros(codec, shape):
    zeros = np.zeros(prod(shape), np.float32)
    np.testing.assert_array_equal(through(codec, zeros, shape), zeros)
    np.testing.assert_array_equal(codec.decode(np.zeros(codec.nbytes(shape), np.uint8), shape), zeros)


@pytest.mark.parametrize("codec", [codec for codec in CODECS if not codec.draws], ids=str)
@given(vectors)
def test_what_has_been_decoded_stays_as_it_is(codec, vector):
    """Means are means of equal numbers then, up to rounding."""
    shape, v = vector[0], drawn(*vector)
    once = through(codec, v, shape)
    rtol = 1e-6 if codec in (ScaledSign(), OneBit()) else 0
    np.testing.assert_allclose(through(codec, once, shape), once, rtol=rtol, atol=3e-45 if rtol else 0)


@pytest.mark.parametrize("codec", CODECS, ids=str)
@given(vectors)
def test_error_feedback_loses_nothing(codec, vector):
    shape, g = vector[0], drawn(*vector)
    e = drawn(shape, vector[1], (vector[2] + 1) % 2**32)
    send, gone = sender(codec, shape)
    (left,) = Feedback().pass_on(g, [e], send, 1)
    (v,), sent = gone, through(codec, gone[0], shape)
    np.testing.assert_array_equal(v, g + e)
    np.testing.assert_array_equal(left, v - sent)
    rest = np.abs(sent.astype(float) + left - v)
    assert (rest <= np.spacing(np.maximum(np.abs(v), np.abs(sent)))).all()


@pytest.mark.parametrize("pair", PAIRS)
@given(vectors)
def test_a_memory_sends_once_and_changes_nothing_that_it_is_given(pair, vector):
    codec, memory = PAIRS[pair]
    shape, g = vector[0], drawn(*vector)
    kept = [drawn(shape, "normal", slot) for slot in range(memory.slots)]
    send, gone = sender(codec, shape)
    new = memory.pass_on(g, kept, send, 3)
    assert len(gone) == 1
    assert [(array.dtype, array.shape) for array in new] == [(np.float32, g.shape)] * memory.slots
    np.testing.assert_array_equal(g, drawn(*vector))
    assert all(np.array_equal(array, drawn(shape, "normal", slot)) for slot, array in enumerate(kept))
    assert not any(np.shares_memory(array, other) for array in new for other in [g, *kept])


BITS = {
    Exact(): 32,
    Half(): 16,
    ScaledSign(): 1,
    OneBit(): 1 + 64 / 1000,
    Levels(1): 2,
    Levels(3): 3,
    Levels(7, "max"): 4,
    Levels(127): 8,
    Threshold(): 2,
    TopK(0.01): 0.64,
    RandomK(0.01): 0.32,
}


@pytest.mark.parametrize("codec", BITS, ids=str)
def test_bits_of_a_coordinate(codec):
    shape = (640, 1000)
    assert 8 * codec.nbytes(shape) / prod(shape) == pytest.approx(BITS[codec], rel=1e-3)


def test_half_is_float16_and_ends_where_it_ends():
    v = np.array([1 / 3, -70000, 65504, 1e-9, 0], np.float32)
    np.testing.assert_array_equal(through(Half(), v, (5,)), np.float32([np.float16(1 / 3), -65504, 65504, 0, 0]))


@pytest.mark.parametrize("codec", [ScaledSign(), OneBit()], ids=str)
def test_a_mean_of_numbers_whose_sum_is_beyond_float32(codec):
    np.testing.assert_array_equal(through(codec, np.float32([3e38] * 3), (3,)), np.float32([3e38] * 3))
    million = np.full(10**6, 1e34, np.float32)
    np.testing.assert_allclose(through(codec, million, million.shape), million, rtol=1e-5)


def test_a_scaled_sign_is_the_multiple_of_the_signs_with_the_least_error():
    v = drawn((4097,), "outliers", 3)
    found = through(ScaledSign(), v, v.shape)
    signs = np.sign(v)
    np.testing.assert_array_equal(np.sign(found), signs)
    best = signs * (v @ signs / v.size)
    np.testing.assert_allclose(found, best, rtol=1e-5)


def test_one_bit_has_two_means_a_row():
    v = np.float32([[1, 3, -2, -4], [5, 1, 0, 2], [-1, -3, -1, -3]])
    expected = [[2, 2, -3, -3], [2, 2, 2, 2], [-2, -2, -2, -2]]
    np.testing.assert_array_equal(through(OneBit(), v.ravel(), (3, 2, 2)), np.ravel(expected))
    np.testing.assert_allclose(through(OneBit(), v.ravel(), (12,)), [2] * 2 + [-7 / 3] * 2 + [2] * 4 + [-7 / 3] * 4)


@pytest.mark.parametrize("norm", ["l2", "max"])
@pytest.mark.parametrize("levels", [1, 2, 7, 127])
def test_levels_have_the_mean_and_the_variance_of_the_formula(levels, norm):
    """Of 4000 messages; a coordinate between levels a and b has the variance (b − v)(v − a)."""
    v = np.random.RandomState(levels).randn(65).astype(np.float32)
    random, codec, times = np.random.default_rng(1), Levels(levels, norm), 4000
    found = np.stack([codec.decode(codec.encode(v, (5, 13), random), (5, 13)) for _ in range(times)]).astype(float)
    step = np.linalg.norm(v.astype(float), {"l2": 2, "max": np.inf}[norm]) / levels
    np.testing.assert_allclose(found / step, np.round(found / step), rtol=0, atol=1e-4)
    below = step * np.floor(v / step)
    variance = (below + step - v) * (v - below)
    off = (found.mean(axis=0) - v) / np.sqrt(np.maximum(variance, 1e-6 * step**2) / times)
    assert np.abs(off).max() < 4.5
    assert 0.5 < np.mean(off[variance > 1e-4 * step**2] ** 2) < 1.6
    error = ((found - v) ** 2).sum(axis=1).mean()
    assert error == pytest.approx(variance.sum(), rel=0.05)
    if norm == "l2":
        assert error <= min(v.size / levels**2, v.size**0.5 / levels) * (v**2).sum()


def test_one_level_of_the_largest_is_terngrad():
    v = np.float32([0.5, -1, 2, 0])
    found = np.stack([through(Levels(1, "max"), v, (4,), seed) for seed in range(50)])
    assert {*found[:, 0]} == {0, 2}
    assert {*found[:, 1]} == {0, -2}
    assert {*found[:, 2]} == {2}
    assert {*found[:, 3]} == {0}


def test_no_other_choice_of_so_many_has_a_smaller_error_than_the_largest():
    luck = np.random.RandomState(0)
    for _ in range(20):
        v = luck.randn(8).astype(np.float32)
        found = through(TopK(3 / 8), v, (2, 4))
        assert np.count_nonzero(found) == 3
        error = ((v - found) ** 2).sum()
        left = (sum(v[[*places]] ** 2) for places in combinations(range(8), 5))
        assert error == pytest.approx(min(left), rel=1e-5)


@pytest.mark.parametrize("kind", [TopK, RandomK])
def test_so_many_places_are_chosen(kind):
    assert [kind(0.07).count((100,)), kind(0.01).count((3,)), kind(1).count((4, 5))] == [7, 1, 20]
    v = drawn((20,), "normal", 0)
    np.testing.assert_array_equal(through(kind(1), v, (20,)), v)


def test_every_place_is_drawn_as_often_as_any_other():
    v, random, codec = drawn((20,), "normal", 0), np.random.default_rng(2), RandomK(0.25)
    hits = np.zeros(20)
    for _ in range(2000):
        message = codec.encode(v, (20,), random)
        places = codec.places(message, (20,))
        assert len({*places}) == 5
        np.testing.assert_array_equal(codec.decode(message, (20,))[places], v[places])
        hits[places] += 1
    assert np.abs(hits - 500).max() < 4.5 * (2000 * 0.25 * 0.75) ** 0.5


def test_a_threshold_sends_itself_or_nothing():
    v = np.float32([0.5, 0.49, -0.5, -7, 0])
    np.testing.assert_array_equal(through(Threshold(0.5), v, (5,)), [0.5, 0, -0.5, -0.5, 0])


@pytest.mark.parametrize("t", [1e-45, 3.4e38])
def test_a_threshold_may_be_any_number_of_float32(t):
    v = np.float32([t, 0, -t])
    np.testing.assert_array_equal(through(Threshold(t), v, (3,)), v)


def test_feedback_is_its_formula():
    codec, shape = Threshold(0.5), (7, 9)
    g, e = drawn(shape, "normal", 0), drawn(shape, "normal", 1)
    send, gone = sender(codec, shape)
    (left,) = Feedback(0.25, 0.75).pass_on(g, [e], send, 1)
    u = through(codec, g + np.float32(0.25) * e, shape)
    np.testing.assert_array_equal(gone[0], g + np.float32(0.25) * e)
    np.testing.assert_allclose(left, 0.75 * e.astype(float) + (g - u.astype(float)), rtol=0, atol=1e-6)


def test_without_a_memory_the_gradient_itself_is_sent():
    g = drawn((5, 13), "normal", 0)
    send, gone = sender(Exact(), (5, 13))
    assert NoMemory().pass_on(g, [], send, 1) == ()
    np.testing.assert_array_equal(gone[0], g)


@pytest.mark.parametrize("mask", [True, False])
def test_momentum_correction_is_its_formula(mask):
    codec, shape, memory = TopK(0.2), (5, 13), MomentumCorrection(0.75, mask=mask)
    kept = [np.zeros(65, np.float32)] * 2
    u, v = np.zeros(65), np.zeros(65)
    for step in range(8):
        g = drawn(shape, "normal", step)
        send, gone = sender(codec, shape)
        kept = memory.pass_on(g, kept, send, 1)
        u = 0.75 * u + g
        v += u
        np.testing.assert_allclose(gone[0], v, rtol=0, atol=1e-5)
        largest = np.argsort(np.abs(v))[-13:]
        v[largest] = 0
        u[largest] *= not mask
        for found, expected in zip(kept, (u, v)):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_place_is_masked_where_zero_was_sent_too():
    """What counts is that the message speaks of it."""
    kept = [np.float32([2, 4, 6]), np.float32([-1, 5, -9])]
    send, gone = sender(TopK(1), (3,))
    u, v = MomentumCorrection(0.5).pass_on(np.zeros(3, np.float32), kept, send, 1)
    np.testing.assert_array_equal(gone[0], [0, 7, -6])
    assert not u.any()
    assert not v.any()


@pytest.mark.parametrize(("workers", "norm"), [(1, 5), (4, 2), (16, 1)])
def test_each_worker_clips_to_its_part_of_the_norm(workers, norm):
    g = np.float32([3, 4])
    send, gone = sender(Exact(), (2,))
    MomentumCorrection(mask=False, clip=4.0 if workers > 1 else 7.0).pass_on(g, [0 * g, 0 * g], send, workers)
    np.testing.assert_allclose(np.linalg.norm(gone[0]), norm, rtol=1e-6)


@pytest.mark.parametrize("size", [1e19, 1e30, 3e38])
def test_a_gradient_is_clipped_however_large_it_is(size):
    g = np.full(100, size, np.float32)
    send, gone = sender(Exact(), (100,))
    MomentumCorrection(mask=False, clip=1e-3).pass_on(g, [0 * g, 0 * g], send, 1)
    np.testing.assert_allclose(gone[0], 1e-4, rtol=1e-6)


@pytest.mark.parametrize("codec", [codec for codec in CODECS if not isinstance(codec, (TopK, RandomK))], ids=str)
def test_no_mask_after_a_codec_that_speaks_of_every_place(codec):
    with pytest.raises(ValueError, match=r"mask=True needs a codec that chooses places, TopK or RandomK: .*; got"):
        MomentumCorrection().accept(codec)
    MomentumCorrection(mask=False).accept(codec)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Levels(0), "levels must be a whole number from 1 to 127, got 0"),
        (lambda: Levels(128), "levels must be a whole number from 1 to 127, got 128"),
        (lambda: Levels(1, 2), "norm must be 'l2' or 'max', got 2"),
        (lambda: Levels(1, "l1"), "norm must be 'l2' or 'max', got 'l1'"),
        (lambda: Threshold(0), r"t must be a number in \[1e-45, 3.4e38\], got 0"),
        (lambda: Threshold(1e-50), r"t must be a number in \[1e-45, 3.4e38\], got 1e-50"),
        (lambda: Threshold(1e39), r"t must be a number in \[1e-45, 3.4e38\], got 1e\+39"),
        (lambda: TopK(0), r"share must be a number in \(0, 1\], got 0"),
        (lambda: RandomK(1.5), r"share must be a number in \(0, 1\], got 1.5"),
        (lambda: Feedback(0), r"alpha must be a number in \[1e-45, 3.4e38\], got 0"),
        (lambda: Feedback(1e39), r"alpha must be a number in \[1e-45, 3.4e38\], got 1e\+39"),
        (lambda: Feedback(1, -1), r"beta must be a number in \[0, 3.4e38\], got -1"),
        (lambda: MomentumCorrection(1), r"momentum must be a number in \[0, 1\), got 1"),
        (lambda: MomentumCorrection(0.9, mask=1), "mask must be True or False, got 1"),
        (lambda: MomentumCorrection(clip=0), r"clip must be a number in \(0, inf\), got 0"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
