"""The Signum step: MXNet's operator bit for bit, in every combination of options, and the reference in every form."""

from __future__ import annotations

import itertools

import mxnet as mx
import numpy as np
import pytest
from arrays import DTYPES, LENGTHS, any_floats, column, hyper_parameters, mixed, plain, same
from hypothesis import given
from hypothesis import strategies as st
from mxnet import nd

from gluonbook import kernels
from gluonbook.kernels import hyper, reference
from gluonbook.kernels.form import SignumStep

HALF, SINGLE, DOUBLE = DTYPES
OPTIONS = [
    {"wd": wd, "wd_lh": wd_lh, "rescale_grad": rescale, "clip_gradient": clip}
    for wd, wd_lh, rescale, clip in itertools.product((0.0, 1e-4), (0.0, 3e-2), (1.0, 1 / 96), (None, 0.3))
]
SOME = OPTIONS[:: len(OPTIONS) - 1]  # none of them, and all


def name(options: dict) -> str:
    return " ".join(key for key, value in options.items() if value not in (0.0, 1.0, None)) or "none"


def built_in(weight, grad, mom, multi_precision=False, steps=1, **options):
    """The arrays after steps of `mx.optimizer.Signum`, by its updater, as Trainer calls it."""
    optimizer = mx.optimizer.create("signum", multi_precision=multi_precision, **options)
    updater = mx.optimizer.get_updater(optimizer)
    w, g = nd.array(weight, dtype=weight.dtype), nd.array(grad, dtype=grad.dtype)
    if multi_precision:
        state = (nd.array(weight, dtype="float32"), nd.array(mom, dtype="float32"))
    else:
        state = nd.array(mom, dtype=mom.dtype)
    updater.states[0], updater.states_synced[0] = state, True
    for _ in range(steps):
        updater(0, g, w)
    state = state if multi_precision else (state,)
    return [w.asnumpy(), *(part.asnumpy() for part in state)]


def ours(weight, grad, mom, steps=1, learning_rate=0.01, **options):
    w, g, m = (nd.array(x, dtype=x.dtype) for x in (weight, grad, mom))
    for _ in range(steps):
        kernels.signum_step(w, g, m, lr=learning_rate, **options)
    return [w.asnumpy(), m.asnumpy()]


@pytest.mark.parametrize("options", OPTIONS, ids=name)
@pytest.mark.parametrize("dtype", [HALF, SINGLE], ids=str)
def test_it_is_the_operator_bit_for_bit(dtype, options):
    w, g, m = (mixed(dtype, (250, 1001), seed) for seed in range(3))
    settings = {"learning_rate": 0.013, "momentum": 0.937, "steps": 3, **options}
    for built, own in zip(built_in(w, g, m, **settings), ours(w, g, m, **settings)):
        assert same(built, own)


@pytest.mark.parametrize("options", OPTIONS, ids=name)
def test_multi_precision_is_the_operator_bit_for_bit(options):
    w, g = (mixed(HALF, (250, 1001), seed) for seed in range(2))
    m = mixed(SINGLE, (250, 1001), 2)
    settings = {"learning_rate": 0.013, "momentum": 0.937, **options}
    built = built_in(w, g, m, multi_precision=True, steps=3, **settings)
    lr = settings.pop("learning_rate")
    own = [nd.array(w, dtype=HALF), nd.array(w, dtype=SINGLE), nd.array(m)]
    for _ in range(3):
        kernels.signum_step(own[0], nd.array(g, dtype=HALF), own[2], weight32=own[1], lr=lr, **settings)
    for one, other in zip(built, own):
        assert same(one, other.asnumpy())


@pytest.mark.parametrize("options", SOME, ids=name)
def test_float64_keeps_the_precision_of_its_options(options):
    w, g, m = (plain(DOUBLE, 10_000, seed) for seed in range(3))
    settings = {"learning_rate": 0.013, "momentum": 0.937, **options}
    (built_w, built_m), (own_w, own_m) = built_in(w, g, m, **settings), ours(w, g, m, **settings)
    np.testing.assert_allclose(own_w, built_w, rtol=0, atol=1e-7)
    np.testing.assert_allclose(own_m, built_m, rtol=0, atol=1e-6)
    assert not same(own_m, built_m)


def test_millions_of_random_numbers_show_no_fused_multiply_add():
    w, g, m = (plain(SINGLE, 3_000_000, seed) for seed in range(3))
    settings = {"learning_rate": 0.1, "momentum": 0.9, "wd": 0.1, "wd_lh": 0.7, "rescale_grad": 1 / 3}
    for built, own in zip(built_in(w, g, m, **settings), ours(w, g, m, **settings)):
        assert same(built, own)


@given(st.floats(1e-30, 1e30))
def test_hyper_parameters_are_read_as_mxnet_reads_them(value):
    w, g, m = nd.zeros(1), nd.zeros(1), nd.ones(1)
    nd.signum_update(w, g, m, out=w, lr=value, momentum=1.0)  # 0 + lr·sign(1)
    assert hyper.as_mxnet_reads(value) == w.asscalar()


@pytest.mark.parametrize("value", [0, 1, -2, 0.1, 1e-4, 1.2e-38, 3e38, 2.8229862530982738e-08, np.float32(0.1), -1e-7])
def test_some_hyper_parameters_in_particular(value):
    w, g, m = nd.zeros(1), nd.zeros(1), nd.ones(1)
    nd.signum_update(w, g, m, out=w, lr=value, momentum=1.0)
    assert hyper.as_mxnet_reads(value) == w.asscalar()


@pytest.mark.parametrize("value", [1e-45, 1e-39, 1e-38, 3.5e38, 3e39, -1e39])
def test_hyper_parameters_outside_of_float32_are_refused_as_mxnet_refuses_them(value):
    w, g, m = nd.zeros(1), nd.zeros(1), nd.ones(1)
    with pytest.raises(mx.base.MXNetError, match="Out of range"):
        nd.signum_update(w, g, m, out=w, lr=value, momentum=1.0)
    with pytest.raises(ValueError, match=r"hyper-parameter must be .* in float32, got"):
        hyper.as_mxnet_reads(value)


def test_a_whole_number_beyond_float32_is_refused_and_moves_nothing():
    w = np.zeros(4, np.float32)
    for lr in (10**39, 10**400):
        with pytest.raises(ValueError, match=f"got {lr}$"):
            kernels.signum_step(w, w + 1, w + 1, lr=lr, momentum=0.5)
        with pytest.raises(ValueError, match=f"got {lr}$"):
            kernels.apply_signs(w, kernels.pack(w + 1), lr=lr)
    assert w.tolist() == [0] * 4


def test_some_are_not_the_nearest_float32():
    assert hyper.as_mxnet_reads(2.8229862530982738e-08) != np.float32(2.8229862530982738e-08)


def test_zero_and_nan_do_not_move_a_weight():
    w, g, m = nd.ones(4), nd.array([0, -0.0, np.nan, 1]), nd.zeros(4)
    kernels.signum_step(w, g, m, lr=0.5, momentum=0.9)
    assert w.asnumpy().tolist() == [1, 1, 1, 0.5]
    assert np.isnan(m.asnumpy()[2])


def test_the_state_is_minus_the_momentum():
    w, g, m = np.zeros(1), np.ones(1), np.zeros(1)
    kernels.signum_step(w, g, m, lr=0.5, momentum=0.75)
    assert (w[0], m[0]) == (-0.5, -0.25)


def constants(dtype, options, lr=0.013):
    return hyper.signum(dtype, lr, 0.937, *(options[key] for key in ("wd", "wd_lh", "rescale_grad", "clip_gradient")))


def as_nd(array: np.ndarray) -> nd.NDArray:
    return nd.array(array, dtype=array.dtype)


@pytest.mark.parametrize("options", OPTIONS, ids=name)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_form_is_the_reference(form, dtype, options):
    c = constants(dtype, options)
    for length in LENGTHS[1:]:
        arrays = [mixed(dtype, length, seed) for seed in range(3)]
        placed = [as_nd(array) for array in arrays]
        reference.signum_step(*arrays, c)
        form.signum_step(SignumStep(*map(column, placed), None, [c]))
        for expected, got in zip(arrays, placed):
            assert same(expected, got.asnumpy())


@pytest.mark.parametrize("options", SOME, ids=name)
def test_every_form_of_the_multi_precision_step_is_the_reference(form, options):
    c = constants(SINGLE, options)
    for length in LENGTHS[1:]:
        w32, g, m = mixed(SINGLE, length, 0), mixed(HALF, length, 1), mixed(SINGLE, length, 2)
        w = w32.astype(HALF)
        placed = [as_nd(array) for array in (w, g, m, w32)]
        form.signum_step(SignumStep(*map(column, placed), [c]))
        reference.signum_step(w32, g, m, c, half=w)
        for expected, got in zip((w, g, m, w32), placed):
            assert same(expected, got.asnumpy())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(data=st.data())
def test_any_numbers_and_any_options(dtype, data):
    w = data.draw(any_floats(dtype))
    g, m = (data.draw(any_floats(dtype, w.size)) for _ in range(2))
    share = hyper_parameters(1)
    options = {
        "lr": data.draw(share),
        "momentum": data.draw(hyper_parameters(0.99)),
        "wd": data.draw(share),
        "wd_lh": data.draw(share),
        "rescale_grad": data.draw(share),
        "clip_gradient": data.draw(st.none() | st.floats(0.01, 2)),
    }
    expected = [w.copy(), g, m.copy()]
    c = hyper.signum(dtype, *options.values())
    reference.signum_step(*expected, c)
    kernels.signum_step(w, g, m, **options)
    assert same(w, expected[0])
    assert same(m, expected[2])


def test_many_steps_at_once():
    """Of both sorts, each with its own lr and wd; the lengths make the threads meet within an array."""
    shapes = [3, 300_000, (7, 9), 64, 250_001, 0, 1]
    lrs, wds = [0.01 * (k + 1) for k in range(7)], [0.0, 0.1] * 3 + [0.2]
    one = [[mixed(SINGLE, shape, seed) for shape in shapes] for seed in range(3)]
    one[1][2], one[1][3] = one[1][2].astype(HALF), one[1][3].astype(HALF)
    weights32 = [None, None, one[0][2], one[0][3], None, None, None]
    one[0][2], one[0][3] = one[0][2].astype(HALF), one[0][3].astype(HALF)
    many = [[array.copy() for array in column] for column in one]
    many32 = [array if array is None else array.copy() for array in weights32]
    for w, g, m, w32, lr, wd in zip(*one, weights32, lrs, wds):
        kernels.signum_step(w, g, m, lr=lr, momentum=0.9, wd=wd, weight32=w32)
    kernels.signum_step(*many, lr=lrs, momentum=0.9, wd=wds, weight32=many32)
    for alone, together in zip([*one, weights32], [*many, many32]):
        assert all(a is b or same(a, b) for a, b in zip(alone, together))


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"with a list of 2 arrays .* got 2, 2, 1, 2, 2, 2"):
        kernels.signum_step([ones()] * 2, [ones()] * 2, [ones()], lr=0.1, momentum=0.9)


def test_nothing_is_changed_where_one_of_many_is_refused():
    w = ones()
    with pytest.raises(ValueError, match="array 1 of the list: grad must be of type float32"):
        kernels.signum_step([w, ones()], [ones(), ones(3, "float64")], [ones(), ones()], lr=0.1, momentum=0.9)
    assert w.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="mom is changed in place, so it must be contiguous"):
        kernels.signum_step(
            [ones((2, 2)), w], [ones((2, 2)), ones()], [ones((2, 2)).T[:, ::-1], ones()], lr=1, momentum=0
        )
    assert w.tolist() == [1, 1, 1]


def test_an_array_of_any_shape_is_flattened_in_c_order():
    w, g, m = (plain(SINGLE, (3, 5, 7), seed) for seed in range(3))
    flat = [x.reshape(-1).copy() for x in (w, g, m)]
    kernels.signum_step(w, np.asfortranarray(g), m, lr=0.1, momentum=0.9)
    kernels.signum_step(*flat, lr=0.1, momentum=0.9)
    assert same(w.reshape(-1), flat[0])


def ones(shape=3, dtype="float32"):
    return np.ones(shape, dtype)


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ((1.0, ones(), ones()), {}, "weight must be an NDArray or a numpy array, got float"),
        ((ones(), [ones()], ones()), {}, "grad must be an NDArray or a numpy array, got list"),
        (([ones()], [ones()], ones()), {}, "with a list of 1 arrays all .* got 1, 1, ndarray"),
        ((ones(3, int), ones(), ones()), {}, "weight must be of type float16 or float32 or float64, got int64"),
        ((ones(), ones(3, "float16"), ones()), {}, "grad must be of type float32, got float16"),
        ((ones(), ones(), ones(3, "float64")), {}, "mom must be of type float32, got float64"),
        ((ones(), ones(4), ones()), {}, r"the same shape, got weight \(3,\), grad \(4,\), mom \(3,\)"),
        ((ones((3, 2)), ones((3, 2)), ones(6)), {}, r"the same shape, got .* mom \(6,\)"),
        ((ones((3, 2)).T, ones((2, 3)), ones((2, 3))), {}, "weight is changed in place, so it must be contiguous"),
        ((ones(), nd.ones(3).tostype("row_sparse"), ones()), {}, "grad must be dense, got .* 'row_sparse'"),
        ((ones(), ones(), ones()), {"weight32": ones()}, "must be of type float16, got float32"),
        ((ones(), ones(), ones()), {"lr": -1}, r"lr must be a number in \[0, inf\), got -1"),
        ((ones(), ones(), ones()), {"lr": float("nan")}, r"lr must be a number in \[0, inf\), got nan"),
        ((ones(), ones(), ones()), {"momentum": 1}, r"momentum must be a number in \[0, 1\), got 1"),
        ((ones(), ones(), ones()), {"wd": -0.1}, r"wd must be a number in \[0, inf\), got -0.1"),
        ((ones(), ones(), ones()), {"wd_lh": float("inf")}, r"wd_lh must be a number in \[0, inf\), got inf"),
        (
            (ones(), ones(), ones()),
            {"rescale_grad": float("inf")},
            r"rescale_grad must .* in \(-inf, inf\), got inf",
        ),
        ((ones(), ones(), ones()), {"clip_gradient": 0}, r"clip_gradient must be a number in \(0, inf\), got 0"),
    ],
)
def test_what_cannot_be_is_refused(arrays, options, message):
    with pytest.raises(ValueError, match=message):
        kernels.signum_step(*arrays, **{"lr": 0.1, "momentum": 0.9, **options})


def test_a_weight_that_cannot_be_written_is_refused():
    weight = ones()
    weight.flags.writeable = False
    with pytest.raises(ValueError, match="weight is changed in place, so it must be writable"):
        kernels.signum_step(weight, ones(), ones(), lr=0.1, momentum=0.9)
