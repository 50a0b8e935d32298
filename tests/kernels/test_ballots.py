"""Bits: one rule for zero, NaN and ties; every form is the reference, at every length."""

from __future__ import annotations

import numpy as np
import pytest
from arrays import DTYPES, LENGTHS, any_floats, column, hyper_parameters, mixed, same, specials, words
from hypothesis import given
from hypothesis import strategies as st
from mxnet import nd

from gluonbook import kernels
from gluonbook.kernels import hyper, reference
from gluonbook.kernels.bits import lots
from gluonbook.kernels.form import ApplySigns, MomentumPack, NonFinite, Pack, Unpack

TYPES = pytest.mark.parametrize("dtype", DTYPES, ids=str)
COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 256, 1000)


def as_nd(array: np.ndarray) -> nd.NDArray:
    return nd.array(array, dtype=array.dtype)


def cut(ballots: np.ndarray, n: int) -> np.ndarray:
    """The ballots with the bits after the n-th set to 0, as `pack` leaves them."""
    if n % 64:
        ballots[..., -1] &= np.uint64((1 << n % 64) - 1)
    return ballots


@TYPES
@pytest.mark.parametrize("step", [0, 1, 2, 10**15 + 1])
def test_zero_and_nan_draw_their_signs(dtype, step):
    x = specials(dtype)
    drawn = (step + np.arange(x.size)) % 2 == 0
    signs = kernels.unpack(kernels.pack(x, step=step), x.size, dtype)
    assert np.array_equal(signs == 1, np.where(np.isnan(x) | (x == 0), drawn, x > 0))


@TYPES
def test_lots_are_even(dtype):
    """In two steps, and of two neighbours, each coordinate gets both signs."""
    zeros = np.zeros(200, dtype)
    signs = [kernels.unpack(kernels.pack(zeros, step=step), 200, dtype) for step in range(4)]
    assert abs(signs[0].sum()) == 0 and set(np.unique(signs[0])) == {-1, 1}
    for before, after in zip(signs, signs[1:]):
        assert np.array_equal(before, -after)


@TYPES
def test_where_a_bit_lies(dtype):
    x = np.full(130, -1, dtype)
    x[[0, 63, 64, 129]] = 1
    assert kernels.pack(x).tolist() == [1 | 1 << 63, 1, 2]


@TYPES
def test_pack_is_the_reference(form, dtype):
    for length in LENGTHS[1:]:
        x = mixed(dtype, length)
        x[::3] = 0
        for step in range(2):
            ballot = words(-(-length // 64))
            form.pack(Pack(column(as_nd(x)), lots(step), ballot, None))
            assert np.array_equal(ballot, reference.pack(x, step))


def test_nothing_packs_into_no_words():
    assert kernels.pack(np.empty(0, np.float32)).size == 0
    assert kernels.unpack(np.empty(0, np.uint64), 0).size == 0
    assert kernels.vote([np.empty(0, np.uint64)]).size == 0


@TYPES
def test_unpack_is_the_reference(dtype):
    for length in LENGTHS:
        ballot = words(-(-length // 64))
        assert same(kernels.unpack(ballot, length, dtype), reference.unpack(ballot, length, dtype))


@TYPES
@given(data=st.data())
def test_unpack_undoes_pack(dtype, data):
    x = data.draw(any_floats(dtype))
    packed = kernels.pack(x)
    signs = kernels.unpack(packed, x.size, dtype)
    signed = (x > 0) | (x < 0)
    assert np.array_equal(signs[signed], np.sign(x[signed]))
    assert np.array_equal(packed, reference.pack(x))
    assert np.array_equal(kernels.pack(kernels.unpack(packed, x.size)), packed)


def test_an_array_of_any_shape_and_order_is_flattened_in_c_order():
    x = mixed(DTYPES[1], (5, 9, 7))
    assert np.array_equal(kernels.pack(np.asfortranarray(x)), kernels.pack(x.reshape(-1)))
    assert np.array_equal(kernels.pack(as_nd(x)), kernels.pack(x))
    assert np.array_equal(kernels.pack(x[:, ::2]), reference.pack(x[:, ::2].reshape(-1)))


@pytest.mark.parametrize("M", COUNTS)
def test_vote_is_the_reference(M):
    for size in (1, 31, 32, 33, 100):
        ballots = words((M, size), seed=M)
        for step in range(2):
            assert np.array_equal(kernels.vote(ballots, step=step), reference.vote(ballots, step))


@pytest.mark.parametrize("M", [2, 7, 8, 4095, 4096])
def test_close_votes(M):
    """Bit i gets M//2 − 1, M//2, M//2 + 1, ... votes: the cases that are one vote apart."""
    ayes = np.clip(np.arange(64) % 5 - 2 + M // 2, 0, M)
    bits = np.arange(M)[:, None] < ayes
    rng = np.random.default_rng(M)
    bits = rng.permuted(bits, axis=0)
    ballots = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
    for step in range(2):
        reached = (2 * ayes > M) | ((2 * ayes == M) & ((step + np.arange(64)) % 2 == 0))
        expected = np.packbits(reached, bitorder="little").view(np.uint64)
        assert np.array_equal(kernels.vote(ballots, step=step), expected)


@pytest.mark.parametrize("M", [1, 2, 3, 4, 4095, 4096])
def test_unanimous_votes(M):
    for word in (0, (1 << 64) - 1):
        assert kernels.vote([np.array([word], np.uint64)] * M).tolist() == [word]


def test_lots_are_drawn_for_ties_alone():
    plus, minus = kernels.pack(np.ones(3)), kernels.pack(-np.ones(3))
    assert [kernels.vote([plus, minus], step=step).tolist() for step in range(3)] == [[0b101], [0b010], [0b101]]
    for step in range(2):
        assert kernels.vote([minus, plus, minus], step=step).tolist() == [0]
        assert kernels.vote([plus, plus, minus, plus], step=step).tolist() == [0b111]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("M", [2, 4, 8])
def test_an_even_number_of_voters_comes_as_near_to_the_minimum_as_one_less(M, momentum):
    """f = ½‖x‖², 100 coordinates, noise of 4, lr .02; with ties that count as +, four rest three times as far off."""
    rests = [at_rest(voters, momentum) for voters in (M - 1, M)]
    assert rests[1] <= 1.1 * rests[0], rests


def at_rest(M: int, momentum: float) -> float:
    """Mean of ‖x‖₁ over the last 100 of 300 steps, and over 3 seeds."""
    norms = []
    for seed in range(3):
        random = np.random.default_rng(seed)
        x, moms = np.ones(100), np.zeros((M, 100))
        for step in range(300):
            grads = x + 4 * random.standard_normal((M, 100))
            ballots = [kernels.momentum_pack(moms[m], grads[m], momentum=momentum, step=step + m) for m in range(M)]
            kernels.apply_signs(x, kernels.vote(ballots, step=step), lr=0.02)
            norms += [np.abs(x).sum()] * (step >= 200)
    return float(np.mean(norms))


def test_a_weight_without_a_gradient_stays_where_it_is():
    """Blank pixels, silent units, rows of an embedding that no sample has touched: for one voter, and for several."""
    for M in range(1, 6):
        x, moms = np.zeros(10), np.zeros((M, 10))
        for step in range(100):
            ballots = [
                kernels.momentum_pack(mom, np.zeros(10), momentum=0.9, step=step + m) for m, mom in enumerate(moms)
            ]
            kernels.apply_signs(x, kernels.vote(ballots, step=step), lr=1)
            assert np.abs(x).max() <= 1
        assert not x.any()


@given(st.integers(1, 40), st.integers(1, 300), st.randoms(use_true_random=False))
def test_a_vote_does_not_depend_on_the_order(M, n, random):
    ballots = list(cut(words((M, -(-n // 64)), seed=M * n), n))
    verdict = kernels.vote(ballots)
    random.shuffle(ballots)
    assert np.array_equal(kernels.vote(ballots), verdict)
    assert np.array_equal(kernels.vote(np.array(ballots)), verdict)
    assert np.array_equal(verdict, cut(verdict.copy(), n))  # the bits after the last stay 0


@pytest.mark.parametrize("M", [1, 2, 7])
def test_ballots_in_an_ndarray(M):
    table = words((M, 9))
    for step in range(2):
        majority = kernels.vote(nd.array(table.view(np.int64), dtype=np.int64), step=step)
        assert np.array_equal(majority.asnumpy().view(np.uint64), reference.vote(table, step))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (nd.zeros((3, 2)), r"int64, of shape \(M, words\), with no out, got float32, shape \(3, 2\)"),
        (nd.zeros(3, dtype=np.int64), r"got int64, shape \(3,\)"),
        (nd.zeros((4097, 1), dtype=np.int64), "number of ballots"),
    ],
)
def test_no_table_of_ballots(table, message):
    with pytest.raises(ValueError, match=message):
        kernels.vote(table)


def test_long_arrays_which_threads_share():
    n = 1_200_003
    x = mixed(DTYPES[1], n)
    packed = kernels.pack(x)
    assert np.array_equal(packed, reference.pack(x))
    assert same(kernels.unpack(packed, n), reference.unpack(packed, n, DTYPES[1]))
    ballots = words((7, 70_001))
    assert np.array_equal(kernels.vote(ballots), reference.vote(ballots))


@TYPES
@pytest.mark.parametrize("wd", [0.0, 0.03])
def test_apply_signs_is_the_reference(form, dtype, wd):
    c = hyper.signs(DTYPES[1] if dtype == DTYPES[0] else dtype, 0.013, wd)
    for length in LENGTHS[1:]:
        w, ballot = mixed(dtype, length), words(-(-length // 64))
        placed = as_nd(w)
        reference.apply_signs(w, ballot, *c)
        form.apply_signs(ApplySigns(column(placed), [c], ballot))
        assert same(placed.asnumpy(), w)


@TYPES
@given(data=st.data())
def test_apply_signs_to_any_numbers(dtype, data):
    w = data.draw(any_floats(dtype))
    ballot = words(-(-w.size // 64))
    lr, wd = data.draw(hyper_parameters(1)), data.draw(hyper_parameters(1))
    expected = w.copy()
    reference.apply_signs(expected, ballot, *hyper.signs(DTYPES[1] if dtype == DTYPES[0] else dtype, lr, wd))
    kernels.apply_signs(w, ballot, lr=lr, wd=wd)
    assert same(w, expected)


def test_apply_signs_moves_against_the_sign():
    w = nd.array([[1.0, 1.0], [1.0, -1.0]])
    kernels.apply_signs(w, kernels.pack(np.array([1.0, -1.0, 0.0, -1.0])), lr=0.25, wd=0.5)
    assert w.asnumpy().tolist() == [[0.625, 1.125], [0.625, -0.625]]


@TYPES
@pytest.mark.parametrize("clip", [None, 0.3])
def test_momentum_pack_is_the_reference(form, dtype, clip):
    for c, m, g in momenta_and_gradients(dtype, clip):
        for step in range(2):
            placed = as_nd(m)
            ballot = words(-(-len(m) // 64))
            job = MomentumPack(column(placed), column(as_nd(g)), None, [c], lots(step), ballot, None)
            form.momentum_pack(job)
            assert np.array_equal(ballot, reference.momentum_pack(m, g, c, step))
            assert same(placed.asnumpy(), m)


@TYPES
@pytest.mark.parametrize("clip", [None, 0.3])
def test_new_momentum_elsewhere_is_the_reference_and_the_old_stays(form, dtype, clip):
    for c, m, g in momenta_and_gradients(dtype, clip):
        old, new, ballot, found = as_nd(m), as_nd(np.ones_like(m)), words(-(-len(m) // 64)), np.zeros(1, bool)
        columns, expected = (column(old), column(as_nd(g)), column(new)), np.empty_like(m)
        form.momentum_pack(MomentumPack(*columns, [c], lots(1), ballot, found))
        assert np.array_equal(ballot, reference.momentum_pack(m, g, c, 1, new=expected))
        assert same(new.asnumpy(), expected)
        assert same(old.asnumpy(), m)
        assert found[0] == reference.nonfinite(g)


def momenta_and_gradients(dtype, clip):
    """Constants, and momenta and gradients with common zeros; of float16, with momenta in float32 as well."""
    for moment in {dtype, DTYPES[1]} if dtype == DTYPES[0] else {dtype}:
        c = hyper.signum(moment, 0.0, 0.937, 0.0, 0.0, 1 / 96, clip)
        for length in LENGTHS[1:]:
            m, g = mixed(moment, length, 0), mixed(dtype, length, 1)
            m[::3] = g[::3] = 0
            yield c, m, g


@TYPES
def test_new_momentum_lies_wherever_it_is_wanted(dtype):
    """Stores past the caches go by whole cache lines; what lies before and after an array is not touched."""
    m, g = mixed(dtype, 5000), mixed(dtype, 5000, 1)
    for length in (1, 31, 64, 130, 2048, 2111, 4900):
        expected = m[:length].copy()
        ballot = kernels.momentum_pack(expected, g[:length], momentum=0.9)
        for start in range(0, 64, 7):
            room = np.full(5000, 7, dtype)
            new = room[start : start + length]
            assert np.array_equal(kernels.momentum_pack(m[:length], g[:length], momentum=0.9, new=new), ballot)
            assert same(new, expected)
            assert (room[:start] == 7).all() and (room[start + length :] == 7).all()
        odd = np.zeros(length * dtype.itemsize + 1, np.uint8)[1:].view(dtype)
        assert np.array_equal(kernels.momentum_pack(m[:length], g[:length], momentum=0.9, new=odd), ballot)
        assert same(odd.copy(), expected)


def test_new_momenta_of_a_list():
    for kind in (np.array, as_nd):
        moms, grads, news = ([mixed(DTYPES[1], shape, seed) for shape in SHAPES if shape] for seed in range(3))
        before, expected = ([m.copy() for m in moms] for _ in range(2))
        ballot = kernels.momentum_pack(expected, grads, momentum=0.9)
        placed = [kind(new) for new in news]
        assert np.array_equal(kernels.momentum_pack(moms, grads, momentum=0.9, new=placed), ballot)
        for new, one, mom, old in zip(placed, expected, moms, before):
            assert same(new.asnumpy() if kind is as_nd else new, one)
            assert same(mom, old)


def test_momentum_that_is_only_read_need_not_be_writable():
    m, g, new = np.ones((3, 2)), np.ones((2, 3)).T, np.zeros((3, 2))
    m.flags.writeable = False
    kernels.momentum_pack(m.T, g.T, momentum=0.5, new=new.T.copy())
    kernels.momentum_pack(m, g, momentum=0.5, new=new)
    assert not new.any()  # .5·1 − .5·1


@TYPES
@given(data=st.data())
def test_momentum_pack_of_any_numbers(dtype, data):
    m = data.draw(any_floats(dtype))
    g = data.draw(any_floats(dtype, m.size))
    momentum, clip = data.draw(hyper_parameters(0.99)), data.draw(st.none() | st.floats(0.01, 2))
    expected = m.copy()
    step = data.draw(st.integers(0, 3))
    ballot = reference.momentum_pack(expected, g, hyper.signum(dtype, 0.0, momentum, 0.0, 0.0, 1.0, clip), step)
    assert np.array_equal(kernels.momentum_pack(m, g, momentum=momentum, clip_gradient=clip, step=step), ballot)
    assert same(m, expected)


def test_a_ballot_points_along_the_gradient():
    mom = np.zeros(3)
    assert kernels.momentum_pack(mom, np.array([2.0, -2.0, 0.0]), momentum=0.5).tolist() == [0b101]
    assert mom.tolist() == [-1, 1, 0]


@pytest.mark.parametrize("dtype", DTYPES[1:], ids=str)
def test_a_vote_of_one_is_a_signum_step(dtype):
    """Where no momentum is zero: there a bit draws, and Signum stands still."""
    w, g = (np.random.default_rng(seed).standard_normal(1000).astype(dtype) for seed in range(2))
    a, m, b, n = w.copy(), np.zeros_like(w), w.copy(), np.zeros_like(w)
    for _ in range(3):
        kernels.signum_step(a, g, m, lr=0.25, momentum=0.9)
        kernels.apply_signs(b, kernels.vote([kernels.momentum_pack(n, g, momentum=0.9)]), lr=0.25)
    assert same(a, b)
    assert same(m, n)


def test_words_into_an_array_of_ones_own():
    x, out = mixed(DTYPES[1], 130), words(3)
    assert kernels.pack(x, out=out) is out
    assert np.array_equal(out, reference.pack(x))
    assert kernels.momentum_pack(x.copy(), x, momentum=0.5, out=out) is out
    assert np.array_equal(out, kernels.momentum_pack(x.copy(), x, momentum=0.5))
    ballots = words((5, 100))
    verdict = kernels.vote(ballots)
    assert kernels.vote(ballots, out=ballots[2]) is not verdict
    assert np.array_equal(ballots[2], verdict)


SHAPES = [3, 300_000, (7, 9), 64, 250_001, 0, (1, 1)]  # the threads meet within an array


@TYPES
def test_a_list_gives_the_words_of_its_arrays_one_after_the_other(dtype):
    xs = [mixed(dtype, shape, seed) for seed, shape in enumerate(SHAPES)]
    assert np.array_equal(kernels.pack(xs), np.concatenate([reference.pack(x.reshape(-1)) for x in xs]))
    assert np.array_equal(kernels.pack([as_nd(x) for x in xs if x.size]), kernels.pack(xs))
    assert kernels.pack([]).size == 0


@TYPES
def test_a_vote_of_lists_is_that_of_each_array(dtype):
    weights, grads, moms = ([mixed(dtype, shape, seed) for shape in SHAPES] for seed in range(3))
    lrs, wds = [0.01 * (k + 1) for k in range(7)], [0.0, 0.1] * 3 + [0.2]
    alone, own_moms = [w.copy() for w in weights], [m.copy() for m in moms]
    for w, g, m, lr, wd in zip(alone, grads, own_moms, lrs, wds):
        kernels.apply_signs(w, kernels.momentum_pack(m, g, momentum=0.9), lr=lr, wd=wd)
    ballot = kernels.momentum_pack(moms, grads, momentum=0.9)
    kernels.apply_signs(weights, kernels.vote([ballot]), lr=lrs, wd=wds)
    for one, other in zip(weights + moms, alone + own_moms):
        assert same(one, other)


@TYPES
def test_unpack_into_arrays_is_the_reference(form, dtype):
    for length in LENGTHS[1:]:
        ballot, placed = words(-(-length // 64)), as_nd(mixed(dtype, length))
        form.unpack(Unpack(column(placed), ballot))
        assert same(placed.asnumpy(), reference.unpack(ballot, length, dtype))


def test_unpack_into_a_list():
    xs = [mixed(DTYPES[1], shape, seed) for seed, shape in enumerate(SHAPES)]
    ballot = kernels.pack(xs)
    outs = [np.zeros_like(x) for x in xs]
    assert kernels.unpack(ballot, out=outs) is outs
    assert all(
        np.array_equal(out, reference.unpack(kernels.pack(x), x.size, x.dtype).reshape(x.shape))
        for out, x in zip(outs, xs)
    )


@TYPES
def test_nan_and_infinity_are_found_wherever_they_are(form, dtype):
    limits = np.finfo(dtype)
    for length in LENGTHS[1:]:
        x = np.resize(np.array([0, -0.0, limits.max, limits.min, limits.smallest_subnormal, -1], dtype), length)
        for place in {0, length // 2, length - 1}:
            for odd in (np.nan, -np.nan, np.inf, -np.inf):
                bad = x.copy()
                bad[place] = odd
                for array in (x, bad):
                    found = np.zeros(1, bool)
                    form.nonfinite(NonFinite(column(as_nd(array)), found))
                    assert found[0] == reference.nonfinite(array)


def test_which_of_many_is_not_finite():
    xs = [np.ones(shape, np.float32) for shape in SHAPES]
    assert kernels.nonfinite(xs) == kernels.nonfinite([]) == kernels.nonfinite(xs[0]) == []
    xs[1][299_999], xs[6][0, 0] = np.inf, np.nan
    assert kernels.nonfinite(xs) == [1, 6]
    assert kernels.nonfinite(xs[6]) == [0]


@TYPES
def test_what_is_not_finite_is_found_in_the_pass_that_packs(form, dtype):
    limits = np.finfo(dtype)
    for length in LENGTHS[1:]:
        x = np.resize(np.array([0, -0.0, limits.max, limits.min, limits.smallest_subnormal, -1], dtype), length)
        for place in {0, length // 2, length - 1}:
            for odd in (limits.max, np.nan, np.inf, -np.inf):
                x[place] = odd
                found, ballot = np.zeros(1, bool), words(-(-length // 64))
                form.pack(Pack(column(as_nd(x)), lots(0), ballot, found))
                assert found[0] == reference.nonfinite(x)
                assert np.array_equal(ballot, reference.pack(x))
            x[place] = 0


def test_which_gradients_are_not_finite_is_said_for_each():
    xs = [np.ones(shape, np.float32) for shape in SHAPES]
    moms, bad = [np.ones_like(x) for x in xs], np.ones(len(xs), bool)
    ballot = kernels.pack(xs, bad=bad)
    assert not bad.any()
    xs[1][299_999], xs[6][0, 0], xs[2][3] = np.inf, np.nan, -np.inf
    for into in ({}, {"new": [np.ones_like(x) for x in xs]}):
        bad[:] = [True] * 3 + [False] * 4  # what was there before does not count
        kernels.momentum_pack([m.copy() for m in moms], xs, momentum=0.9, bad=bad, **into)
        assert np.flatnonzero(bad).tolist() == kernels.nonfinite(xs) == [1, 2, 6]
    bad[:] = False
    assert np.array_equal(kernels.pack(xs[:1], bad=bad[:1]), ballot[:1])
    assert kernels.pack(xs[6], bad=bad[6:]).size == 1
    assert np.flatnonzero(bad).tolist() == [6]


def test_a_finite_gradient_that_grows_too_large_is_finite():
    """It is the gradient that is looked at, not what the momentum makes of it."""
    bad, mom = np.ones(1, bool), np.zeros(3, np.float32)
    kernels.momentum_pack(mom, np.full(3, 1e38, np.float32), momentum=0.5, rescale_grad=1e3, bad=bad)
    assert np.isinf(mom).all()
    assert not bad[0]


def test_nothing_is_changed_where_one_of_many_is_refused():
    moms, grads = [np.ones(3), np.ones(3)], [np.ones(3), np.ones(4)]
    with pytest.raises(ValueError, match=r"array 1 of the list: all arrays must have the same shape, got mom \(3,\)"):
        kernels.momentum_pack(moms, grads, momentum=0.9)
    with pytest.raises(ValueError, match="got 2, 1"):
        kernels.momentum_pack(moms, grads[:1], momentum=0.9)
    with pytest.raises(ValueError, match="got 2, ndarray"):
        kernels.momentum_pack(moms, grads[0], momentum=0.9)
    with pytest.raises(ValueError, match="words has 3 words of 64 signs, but 6 signs in 2 arrays need 2"):
        kernels.apply_signs(moms, np.zeros(3, np.uint64), lr=0.1)
    bad, new, grads = np.ones(2, bool), [np.ones(3), np.ones(4)], [np.ones(3), np.ones(3)]
    with pytest.raises(ValueError, match=r"array 1 of the list: all arrays .* same shape, got mom \(3,\), new \(4,\)"):
        kernels.momentum_pack(moms, grads, momentum=0.9, new=new, bad=bad)
    with pytest.raises(ValueError, match="bad must be a writable numpy array of bool with 2 elements"):
        kernels.momentum_pack(moms, grads, momentum=0.9, bad=bad[:1])
    assert bad.all()
    assert np.concatenate(new).tolist() == [1] * 7
    assert np.concatenate(moms).tolist() == [1] * 6


two = np.zeros(2, np.uint64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernels.pack("x"), "x must be an NDArray or a numpy array, got str"),
        (lambda: kernels.pack([np.ones(3), 1.0]), "array 1 of the list: x must be an NDArray .*, got float"),
        (lambda: kernels.pack([np.ones(65), np.ones(1)], out=two), "66 signs in 2 arrays need 3"),
        (lambda: kernels.pack(np.ones(3, int)), "x must be of type float16 or float32 or float64, got int64"),
        (lambda: kernels.pack(np.ones(130), out=two), "out has 2 words of 64 signs, but 130 signs need 3"),
        (lambda: kernels.pack(np.ones(128), out=np.zeros(4, np.uint64)[::2]), "out must be contiguous and writable"),
        (lambda: kernels.vote([two], out=two.astype(float)), "out must be a numpy array of uint64"),
        (lambda: kernels.unpack(two, 129), "words has 2 words of 64 signs, but 129 signs need 3"),
        (lambda: kernels.unpack(two, 64), "words has 2 words of 64 signs, but 64 signs need 1"),
        (lambda: kernels.unpack(two, -1), "n must be a whole number from 0, got -1"),
        (lambda: kernels.unpack(two, 128, "int8"), "dtype must be float16 or float32 or float64, got int8"),
        (lambda: kernels.unpack(two.astype(int), 128), "words must be a numpy array of uint64 with one axis.* int64"),
        (lambda: kernels.unpack(two.reshape(1, 2), 128), r"words must be .* one axis.* shape \(1, 2\)"),
        (lambda: kernels.unpack(two, 3, out=np.ones(128)), "n=3 and dtype=None have no effect beside out, which"),
        (lambda: kernels.unpack(two, dtype="float16", out=np.ones(128)), "dtype=float16 have no effect beside out"),
        (lambda: kernels.pack(np.ones(128), step=-1), "step must be a whole number from 0, got -1"),
        (lambda: kernels.vote([two], step=0.5), "step must be a whole number from 0, got 0.5"),
        (lambda: kernels.momentum_pack(np.ones(3), np.ones(3), momentum=0.9, step="1"), "step must be .* got '1'"),
        (lambda: kernels.vote([]), "the number of ballots must be a whole number from 1 to 4096, got 0"),
        (lambda: kernels.vote([two] * 4097), "the number of ballots must be .* to 4096, got 4097"),
        (lambda: kernels.vote([two, two[:1]]), "ballot 1 has 1 words"),
        (lambda: kernels.vote([two, [1, 2]]), "ballot 1 must be a numpy array of uint64.* got list"),
        (lambda: kernels.apply_signs(np.ones(65), two[:1], lr=1), "words has 1 words of 64 signs, but 65 signs need 2"),
        (lambda: kernels.apply_signs(np.ones(65), two, lr=-1), r"lr must be a number in \[0, inf\), got -1"),
        (lambda: kernels.apply_signs(np.ones(65), two, lr=1, wd=-1), r"wd must be a number in \[0, inf\), got -1"),
        (
            lambda: kernels.momentum_pack(np.ones(3), np.ones(4), momentum=0.9),
            r"the same shape, got mom \(3,\), grad \(4,\)",
        ),
        (lambda: kernels.pack(np.ones(3), bad=[False]), "bad must be .* of bool with 1 elements, .* got list"),
        (lambda: kernels.pack(np.ones(3), bad=two[:1]), r"bad must be .* of bool .* got uint64, shape \(1,\)"),
        (lambda: kernels.pack([np.ones(3)] * 2, bad=two[:1] > 0), r"bad must .* 2 elements, .* got bool, shape \(1,\)"),
        (
            lambda: kernels.momentum_pack(np.ones(3), np.ones(3), momentum=0.9, new=np.ones(3, "float32")),
            "new must be of type float64, got float32",
        ),
        (
            lambda: kernels.momentum_pack(np.ones(3), np.ones(3), momentum=0.9, new=[np.ones(3)]),
            "new must be an NDArray or a numpy array, got list",
        ),
        (
            lambda: kernels.momentum_pack([np.ones(3)], [np.ones(3)], momentum=0.9, new=np.ones(3)),
            "with a list of 1 arrays all .* got 1, 1, ndarray",
        ),
        (
            lambda: kernels.momentum_pack(np.ones((3, 2)), np.ones((3, 2)), momentum=0.9, new=np.ones((2, 3)).T),
            "new is changed in place, so it must be contiguous",
        ),
        (
            lambda: kernels.momentum_pack(np.ones(3, "float16"), np.ones(3), momentum=0.9),
            "mom must be of type float64, got float16",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
