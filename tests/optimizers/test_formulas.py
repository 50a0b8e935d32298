"""What the papers say of each method, as properties, and against numpy in float64."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
import scipy.linalg
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gluonbook.optimizers import GGT, MSVAG, EFSignSGD, Lion, OneBitSGD, RProp, Shampoo, SignSGD
from gluonbook.optimizers.ef_signsgd import scaled_sign
from gluonbook.optimizers.ggt import inverse_root_times_column
from gluonbook.optimizers.msvag import variance_adaptation
from gluonbook.optimizers.onebit_sgd import two_means
from gluonbook.theory import density

quick = settings(max_examples=60, deadline=None)
SHAPES = array_shapes(max_dims=3, max_side=6)
HALF_SINGLE = ("float16", "float32")
EPS32 = 2.0**-24  # half a unit in the last place, relative, in float32


def floats(shape=SHAPES, bound=1e3):
    return arrays(np.float32, shape, elements=st.floats(-bound, bound, width=32, allow_subnormal=False))


def eighths(shape=SHAPES):
    """Small multiples of 1/8, whose sums are exact."""
    return arrays(np.float32, shape, elements=st.integers(-64, 64).map(lambda n: n / 8))


def nd(x, dtype=None):
    return mx.nd.array(x, dtype=dtype or x.dtype)


# EF-signSGD


@quick
@given(floats())
def test_density_is_what_the_scaled_sign_keeps(v):
    assume((v != 0).all() and np.abs(v).max() < 1e4 * np.abs(v).min())
    error = ((scaled_sign(nd(v)).asnumpy().astype(float) - v) ** 2).sum()
    norm = (v.astype(float) ** 2).sum()
    assert error == pytest.approx((1 - density(v)) * norm, abs=1e-5 * norm)


@quick
@given(floats())
def test_zeros_make_the_error_smaller(v):
    assume(np.abs(v).max() > 1e-3)
    error = ((scaled_sign(nd(v)).asnumpy().astype(float) - v) ** 2).sum()
    norm, zeros = (v.astype(float) ** 2).sum(), (v == 0).sum()
    saved = zeros * np.abs(v.astype(float)).mean() ** 2
    assert error == pytest.approx((1 - density(v)) * norm - saved, abs=1e-5 * norm)


@quick
@given(st.data(), SHAPES)
def test_error_feedback_loses_nothing(data, shape):
    grad, before = data.draw(floats(shape)), data.draw(floats(shape))
    e = nd(before)
    delta = EFSignSGD().delta(nd(grad), e, 0.5, 1).asnumpy()
    p = np.float32(0.5) * grad + before  # rounded as in the step
    lost = p.astype(float) - delta.astype(float) - e.asnumpy().astype(float)
    assert (np.abs(lost) <= EPS32 * np.maximum(np.abs(p), np.abs(delta))).all()
    assert (np.abs(delta)[p != 0] == np.abs(delta).max()).all() and (delta[p == 0] == 0).all()
    assert (delta * p >= 0).all()


@quick
@given(arrays(np.float32, 8, elements=st.integers(-64, 64)), arrays(np.float32, 8, elements=st.integers(-64, 64)))
def test_error_feedback_is_exact_where_no_rounding_is(grad, before):
    e = nd(before)
    delta = EFSignSGD().delta(nd(grad), e, 1.0, 1).asnumpy()
    np.testing.assert_array_equal(delta + e.asnumpy(), grad + before)


def test_error_feedback_reaches_what_the_sign_cannot():
    """A counterexample in the way of the paper: no step of signSGD changes the sum of the two weights, 2 at first."""
    results = {}
    for kind in (SignSGD, EFSignSGD):
        weight, optimizer = mx.nd.array([1.0, 1.0]), kind(learning_rate=0.05)
        state = optimizer.create_state(0, weight)
        luck = np.random.RandomState(0)
        for _ in range(400):  # f = |w1 − w2/2| + |w2 − w1/2|, one of the two at a time: the slope's signs are (±1, ∓1)
            w = weight.asnumpy()
            a = np.array([[1, -0.5], [-0.5, 1]])[luck.randint(2)]
            optimizer.update(0, weight, nd(np.sign(a @ w) * a, "float32"), state)
        results[kind] = np.abs(weight.asnumpy().sum())
    assert results[SignSGD] == pytest.approx(2, abs=1e-4)
    assert results[EFSignSGD] < 0.5


# 1-bit SGD


@quick
@given(st.data(), SHAPES)
def test_onebit_conserves_gradient_and_residual(data, shape):
    grad, before = data.draw(floats(shape)), data.draw(floats(shape))
    residual = nd(before)
    q = OneBitSGD().delta(nd(grad), residual, 1.0, 1).asnumpy()
    v = grad + before
    lost = v.astype(float) - q.astype(float) - residual.asnumpy().astype(float)
    assert (np.abs(lost) <= EPS32 * np.maximum(np.abs(v), np.abs(q))).all()


@quick
@given(st.data(), SHAPES)
def test_onebit_against_numpy(data, shape):
    grad = data.draw(eighths(shape))
    q = OneBitSGD().delta(nd(grad), mx.nd.zeros(shape), 1.0, 1).asnumpy()
    rows = grad.reshape(shape[0] if len(shape) > 1 else 1, -1).astype(float)
    expected = np.empty_like(rows)
    for row, out in zip(rows, expected):
        for side in (row >= 0, row < 0):
            out[side] = row[side].mean() if side.any() else 0
    np.testing.assert_allclose(q, expected.reshape(shape), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(q.reshape(rows.shape).sum(axis=1), rows.sum(axis=1), atol=1e-4)  # the sum of a row stays


@quick
@given(floats((3, 7), bound=10), st.floats(-1, 1), st.floats(-1, 1))
def test_no_other_two_values_have_a_smaller_error(v, up, down):
    q = two_means(nd(v)).asnumpy()
    other = q + np.where(v >= 0, up, down)
    assert ((q - v) ** 2).sum() <= ((other - v) ** 2).sum() + 1e-3


def test_a_zero_has_the_upper_mean():
    np.testing.assert_array_equal(two_means(mx.nd.array([[0, 4, -1, -3]])).asnumpy(), [[2, 2, -2, -2]])


# float16


@pytest.mark.parametrize("kind", [EFSignSGD, OneBitSGD])
@pytest.mark.parametrize("shape", [(2, 70_000), (100_000,)], ids=str)
def test_a_mean_of_more_elements_than_float16_counts(kind, shape):
    grad = np.random.RandomState(0).randn(*shape).astype(np.float16)
    half, single = (kind().delta(nd(grad, dtype), mx.nd.zeros(shape, dtype=dtype), 1.0, 1) for dtype in HALF_SINGLE)
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half.asnumpy(), single.asnumpy().astype(np.float16))


# Steps of one length


@quick
@given(st.data(), SHAPES, st.sampled_from([2.0**-10, 0.25, 1.0]))
def test_signsgd_and_lion_move_by_lr(data, shape, lr):
    grad, m = data.draw(floats(shape)), data.draw(floats(shape))
    for kind, state, direction in ((SignSGD, None, grad), (Lion, nd(m), 0.9 * m.astype(float) + 0.1 * grad)):
        delta = kind().delta(nd(grad), state, lr, 1).asnumpy()
        clear = np.abs(direction) > 1e-4
        np.testing.assert_array_equal(delta[clear], (lr * np.sign(direction))[clear])
        assert np.isin(delta, [-lr, 0, lr]).all()


@quick
@given(st.data(), SHAPES)
def test_lion_remembers_with_beta2(data, shape):
    grad, before = data.draw(floats(shape)), data.draw(floats(shape))
    m = nd(before)
    Lion().delta(nd(grad), m, 1.0, 1)
    np.testing.assert_allclose(m.asnumpy(), 0.99 * before.astype(float) + 0.01 * grad, rtol=1e-5, atol=1e-4)


def test_lion_with_equal_betas_is_signum():
    luck = np.random.RandomState(0)
    lion, signum = (mx.optimizer.create(name, learning_rate=0.01, **options) for name, options in
                    (("lion", {"beta1": 0.9, "beta2": 0.9}), ("plainsignum", {"momentum": 0.9})))  # fmt: skip
    one, other = mx.nd.ones((50,)), mx.nd.ones((50,))
    m, mom = lion.create_state(0, one), signum.create_state(0, other)
    for _ in range(20):
        grad = nd(luck.randn(50), "float32")
        lion.update(0, one, grad, m)
        signum.update(0, other, grad, mom)
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), atol=1e-6)


# M-SVAG


@quick
@given(
    arrays(float, st.tuples(st.integers(1, 8), st.just(5)), elements=st.floats(-10, 10)),
    st.sampled_from([0, 0.01, 0.5, 0.9]),
)
def test_msvag_against_numpy(grads, beta):
    grads[np.abs(grads) < 1e-3] = 0
    optimizer = MSVAG(beta=beta)
    state = optimizer.create_state(0, mx.nd.zeros((5,), dtype="float64"))
    for t, grad in enumerate(grads, 1):
        delta = optimizer.delta(nd(grad), state, 0.5, t).asnumpy()
    ages = np.arange(t)[::-1]
    share = (1 - beta) * beta ** ages.astype(float) / (1 - beta**t)
    m, v = share @ grads, share @ grads**2
    rho = (share**2).sum()  # what the closed form stands for: the variance of a weighted mean
    if t == 1 or beta == 0:
        gamma = np.ones(5)
    else:
        assert rho == pytest.approx((1 - beta) * (1 + beta**t) / ((1 + beta) * (1 - beta**t)))
        s = np.maximum(v - m**2, 0) / (1 - rho)
        gamma = np.divide(m**2, m**2 + rho * s, out=np.ones(5), where=m**2 + rho * s > 0)
    np.testing.assert_allclose(delta, 0.5 * gamma * m, rtol=1e-6, atol=1e-9)


def test_msvag_shortens_what_varies():
    m, v = nd(np.array([1.0, 1.0, 0.0])), nd(np.array([1.0, 3.0, 2.0]))
    np.testing.assert_allclose(variance_adaptation(m, v, 0.5).asnumpy(), [1, 1 / 3, 0])


# Shampoo


def shampoo_reference(shape, grads, lr, eps, max_size=1024):
    """Along each axis in turn, by numpy's tensordot."""
    weight, H = np.zeros(shape), [eps * np.eye(n) for n in shape]
    for G in grads:
        step = G
        for axis in range(len(shape)):
            others = [a for a in range(len(shape)) if a != axis]
            H[axis] = H[axis] + np.tensordot(G, G, axes=(others, others))
            values, vectors = np.linalg.eigh(H[axis] if shape[axis] <= max_size else np.diag(np.diag(H[axis])))
            root = vectors @ np.diag(np.maximum(values, eps) ** (-1 / (2 * len(shape)))) @ vectors.T
            step = np.moveaxis(np.tensordot(root, step, axes=(1, axis)), 0, axis)
        weight = weight - lr * step
    return weight


@pytest.mark.parametrize("shape", [(5,), (1,), (4, 6), (6, 1), (3, 4, 5), (2, 3, 3, 2)], ids=str)
@pytest.mark.parametrize("max_size", [1024, 3])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-4)])
def test_shampoo_against_numpy(shape, max_size, dtype, tolerance):
    grads = np.random.RandomState(0).randn(6, *shape)
    optimizer, weight = Shampoo(learning_rate=0.3, eps=1e-3, max_size=max_size), mx.nd.zeros(shape, dtype=dtype)
    state = optimizer.create_state(0, weight)
    for G in grads:
        optimizer.update(0, weight, nd(G, dtype), state)
    assert [H.ndim for H, _ in state[0]] == [1 if n > max_size else 2 for n in shape]
    np.testing.assert_allclose(weight.asnumpy(), shampoo_reference(shape, grads, 0.3, 1e-3, max_size), atol=tolerance)


def test_shampoo_of_a_matrix_is_the_formula():
    G, weight = np.random.RandomState(0).randn(3, 2), mx.nd.zeros((3, 2), dtype="float64")
    optimizer = Shampoo(learning_rate=1, eps=0.1)
    optimizer.update(0, weight, nd(G), optimizer.create_state(0, weight))
    L, R = 0.1 * np.eye(3) + G @ G.T, 0.1 * np.eye(2) + G.T @ G
    fourth_root = [scipy.linalg.sqrtm(scipy.linalg.sqrtm(H)) for H in (L, R)]
    np.testing.assert_allclose(fourth_root[0] @ -weight.asnumpy() @ fourth_root[1], G, atol=1e-12)


def test_shampoo_renews_its_roots_every_so_often():
    luck = np.random.RandomState(0)
    optimizer, weight = Shampoo(every=3), mx.nd.zeros((2, 2))
    state = optimizer.create_state(0, weight)
    roots = []
    for _ in range(7):
        optimizer.update(0, weight, nd(luck.randn(2, 2), "float32"), state)
        roots.append(state[0][0][1].asnumpy())
    changed = [not np.array_equal(a, b) for a, b in zip(roots, roots[1:])]
    assert changed == [False, False, True, False, False, True]


def shampoo_weights(grads, dtype="float32", **options):
    """The weight after each step along `grads`, and the state."""
    optimizer, weight = Shampoo(learning_rate=0.3, **options), mx.nd.zeros(grads[0].shape, dtype=dtype)
    state, weights = optimizer.create_state(0, weight), []
    for G in grads:
        optimizer.update(0, weight, nd(G, dtype), state)
        weights.append(weight.asnumpy())
    return np.array(weights), state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shampoo_with_momentum_adds_up_its_own_steps(dtype):
    grads = np.random.RandomState(0).randn(7, 4, 3)
    plain, _ = shampoo_weights(grads, dtype)
    mom, expected = np.zeros((4, 3)), []
    for step in np.diff(plain, axis=0, prepend=0):
        mom = 0.9 * mom + step.astype(float)
        expected.append(mom)
    moved, _ = shampoo_weights(grads, dtype, momentum=0.9)
    np.testing.assert_allclose(moved, np.cumsum(expected, axis=0), atol=1e-12 if dtype == "float64" else 1e-5)
    assert np.abs(moved[-1] - plain[-1]).max() > 0.1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_shampoo_without_momentum_takes_the_step_and_nothing_else(dtype):
    """Bit for bit: what it remembers of the steps before is without effect."""
    luck = np.random.RandomState(0)
    optimizer, weight = Shampoo(learning_rate=0.3, every=3), nd(luck.randn(4, 2, 3), dtype)
    axes, mom = optimizer.create_state(0, weight)
    for t in range(1, 8):
        mom[:] = nd(luck.randn(4, 2, 3), dtype)
        before, roots = weight.asnumpy(), [[a.copy() for a in axis] for axis in axes]
        G = nd(luck.randn(4, 2, 3), dtype)
        optimizer.update(0, weight, G, (axes, mom))
        delta = Shampoo(every=3).delta(G, (roots, mx.nd.zeros_like(weight)), 0.3, t)
        np.testing.assert_array_equal(weight.asnumpy(), before - delta.asnumpy())


@pytest.mark.parametrize(
    ("shape", "longest", "axes"),
    [
        ((8, 4, 3, 3), 0, (8, 4, 3, 3)),
        ((8, 4, 3, 3), 8, (8, 4, 3, 3)),
        ((8, 4, 3, 3), 9, (8, 4, 9)),
        ((8, 4, 3, 3), 35, (8, 4, 9)),
        ((8, 4, 3, 3), 36, (8, 36)),
        ((8, 4, 3, 3), 10**6, (8, 36)),
        ((2, 3, 2, 5), 6, (2, 6, 5)),
        ((8, 4, 1, 1), 1, (8, 4, 1)),
        ((8, 4, 1, 1), 4, (8, 4)),
        ((8, 4), 100, (8, 4)),
        ((8,), 100, (8,)),
    ],
)
def test_shampoo_with_merged_axes_is_that_of_the_reshaped_weight(shape, longest, axes):
    """Bit for bit, with all that it remembers."""
    grads = np.random.RandomState(0).randn(5, *shape)
    options = {"momentum": 0.5, "every": 2}
    kernel, (own, mom) = shampoo_weights(grads, merge_axes=longest, **options)
    matrix, (other, flat) = shampoo_weights(grads.reshape(5, *axes), **options)
    assert tuple(len(H) for H, _ in own) == axes
    np.testing.assert_array_equal(kernel, matrix.reshape(kernel.shape))
    np.testing.assert_array_equal(mom.asnumpy().reshape(axes), flat.asnumpy())
    for one, two in zip(own, other):
        for a, b in zip(one, two):
            np.testing.assert_array_equal(a.asnumpy(), b.asnumpy())


def test_the_axes_of_a_shampoo_that_has_begun_are_fixed():
    optimizer, weight = Shampoo(merge_axes=9), mx.nd.zeros((2, 2, 3, 3))
    optimizer.merge_axes = 18
    optimizer.update(0, weight, weight + 1, optimizer.create_state(0, weight))
    with pytest.raises(ValueError, match=r"^merge_axes cannot become 9, since .* were updated with merge_axes=18$"):
        optimizer.merge_axes = 9
    optimizer.momentum = 0.9  # which may change


# GGT


def full_inverse_root(G, eps, g):
    """((G·Gᵀ)^½ + eps·I)⁻¹·g with the d×d matrix."""
    values, vectors = np.linalg.eigh(G @ G.T)
    return vectors @ ((vectors.T @ g) / (np.sqrt(np.maximum(values, 0)) + eps))


@quick
@given(st.integers(1, 5), st.integers(1, 8), st.sampled_from([1e-3, 0.1]), st.integers(0, 10**6))
def test_ggt_equals_the_full_inverse_square_root(r, d, eps, seed):
    luck = np.random.RandomState(seed)
    rows = luck.randn(r, d).astype(np.float32)
    for i in range(r):
        small = inverse_root_times_column(nd(rows), i, eps).asnumpy()
        full = full_inverse_root(rows.T.astype(float), eps, rows[i].astype(float))
        np.testing.assert_allclose(small, full, atol=1e-4)


@pytest.mark.parametrize("beta", [1.0, 0.8])
def test_ggt_keeps_the_last_gradients(beta):
    luck = np.random.RandomState(0)
    optimizer, weight = GGT(learning_rate=0.1, window=4, beta=beta, eps=1e-2), mx.nd.zeros((3, 4))
    state, seen, expected = optimizer.create_state(0, weight), [], np.zeros(12)
    for _ in range(11):
        grad = luck.randn(12)
        seen = [grad, *(beta * old for old in seen)][:4]
        expected = expected - 0.1 * full_inverse_root(np.array(seen).T, 1e-2, grad)
        optimizer.update(0, weight, nd(grad.reshape(3, 4), "float32"), state)
    np.testing.assert_allclose(weight.asnumpy().ravel(), expected, atol=1e-4)


def test_ggt_of_nearly_parallel_gradients():
    rows = np.array([[1, 0, 0], [1, 1e-3, 0], [1, 0, 2e-3]], np.float32)
    small = inverse_root_times_column(nd(rows), 2, 1e-4).asnumpy()
    np.testing.assert_allclose(small, full_inverse_root(rows.T.astype(float), 1e-4, rows[2].astype(float)), atol=1e-4)


@pytest.mark.parametrize("scale", [1, 2.0**17, 2.0**27, 2.0**-27])
@pytest.mark.parametrize("eps", [1e-4, 1e-8, 1e-30])
def test_ggt_of_gradients_that_depend_on_each_other(scale, eps):
    """Two directions in twenty gradients: what rounding makes of the others is no direction."""
    luck = np.random.RandomState(0)
    rows = scale * luck.randint(-8, 9, (20, 2)) @ luck.randint(-99, 99, (2, 50))
    _, sizes, directions = (part[:2] for part in np.linalg.svd(rows))
    expected = (directions @ rows[7] / (sizes + eps)) @ directions
    found = inverse_root_times_column(nd(rows, "float32"), 7, eps).asnumpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


# A whole matrix that is not finite


@pytest.mark.parametrize("kind", [Shampoo, GGT])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("shape", [(1,), (5, 4)], ids=str)
def test_a_matrix_that_is_not_finite_makes_the_weight_nan(kind, bad, shape):
    """As LAPACK is not asked; 1e200 is finite, and its square is not."""
    optimizer, weight = kind(), mx.nd.zeros(shape, dtype="float64")
    grad, state = np.ones(shape), optimizer.create_state(0, weight)
    grad.flat[-1] = bad
    for one in (np.ones(shape), grad):
        optimizer.update(0, weight, nd(one), state)
    assert np.isnan(weight.asnumpy()).all()


# Rprop


def test_rprop_lengthens_shortens_and_rests():
    optimizer, weight = RProp(learning_rate=1.0, step_max=1.3), mx.nd.zeros((1,))
    state = optimizer.create_state(0, weight)
    trace = []
    for grad in (2.0, 0.1, 5.0, -1.0, -1.0, -3.0, 0.0, -1.0, -1.0):
        before = weight.asscalar()
        optimizer.update(0, weight, mx.nd.array([grad]), state)
        trace.append(weight.asscalar() - before)
    #        first, agrees, at its limit, turns: rests, begins anew, agrees, zero: rests, begins anew, agrees
    expected = [-1, -1.2, -1.3, 0, 0.65, 0.78, 0, 0.78, 0.936]
    np.testing.assert_allclose(trace, expected, atol=1e-6)
