"""Signum three times, MXNet's, the reference and the fused one: the same numbers, and where MXNet's are wrong."""

from __future__ import annotations

from functools import cache
from itertools import product

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import gluonbook.optimizers  # noqa: F401  (registers ours)

OURS = ("plainsignum", "fusedsignum")
N = 37
SWITCHES = ("wd", "wd_lh", "clip_gradient", "rescale_grad", "lr_mult", "wd_mult", "schedule")


@cache
def data(dtype):
    """A start and the gradients of a hundred steps."""
    luck = np.random.RandomState(0)
    return [mx.nd.array(luck.randn(N), dtype=dtype) for _ in range(101)]


def run(name, dtype, lr_mult=1.0, wd_mult=1.0, schedule=False, grads=None, **options):
    """The weight and all of its state after some steps."""
    start, *random = data(dtype)
    options = {"learning_rate": 0.013, "momentum": 0.9, "multi_precision": True, **options}
    if schedule:
        options["learning_rate"] = 0.1  # the built-in would put its default into the schedule
        options["lr_scheduler"] = mx.lr_scheduler.FactorScheduler(step=10, factor=0.7, base_lr=0.1)
    optimizer = mx.optimizer.create(name, **options)
    optimizer.set_lr_mult({0: lr_mult})
    optimizer.set_wd_mult({0: wd_mult})
    updater, weight = mx.optimizer.get_updater(optimizer), start.copy()
    for grad in random if grads is None else grads:
        updater(0, grad, weight)
    state = updater.states[0]
    return [x.asnumpy() for x in (weight, *(state if isinstance(state, tuple) else (state,)))]


def agree(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)


COMBINATIONS = [
    pytest.param(dtype, on, id=f"{dtype}-{''.join('01'[x] for x in on)}")
    for dtype in ("float16", "float32", "float64")
    for on in product([False, True], repeat=len(SWITCHES))
    if dtype != "float64" or not any(on[4:6])  # the multipliers do not depend on the type: enough of a thousand runs
]


@pytest.mark.parametrize(("dtype", "on"), COMBINATIONS)
def test_equal_to_the_built_in_with_momentum(dtype, on):
    values = (0.013, 0.7, 0.6, 0.3, 0.37, 0.41, True)
    options = {name: value for name, value, used in zip(SWITCHES, values, on) if used}
    expected = run("signum", dtype, **options)
    for name in OURS:
        found = run(name, dtype, **options)
        if dtype == "float64":  # the built-in reads its options as float32
            np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=1e-7)
            np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-6)
        else:
            agree(found, expected)


@pytest.mark.parametrize("name", OURS)
def test_equal_in_float16_without_a_master_copy(name):
    options = {"multi_precision": False, "wd": 0.013, "wd_lh": 0.1, "clip_gradient": 0.6, "rescale_grad": 0.3}
    with pytest.warns(UserWarning, match="multi_precision=True"):
        agree(run(name, "float16", **options), run("signum", "float16", **options))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", OURS)
def test_equal_with_negative_multipliers(name, dtype):
    options = {"wd": 0.013, "wd_lh": 0.7, "lr_mult": -0.37, "wd_mult": -0.41}
    agree(run(name, dtype, **options), run("signum", dtype, **options))


number = st.just(0.0) | st.floats(1e-12, 2)


@settings(max_examples=60, deadline=None)
@given(
    grads=arrays(np.float32, (3, N), elements=st.floats(-1e3, 1e3, width=32)),
    lr=number,
    momentum=st.floats(2.0**-10, 1 - 2.0**-10),
    wd=number,
    wd_lh=number,
    rescale=st.floats(1e-12, 3) | st.floats(-3, -1e-12),
    clip=st.none() | st.floats(1e-3, 10),
)
@pytest.mark.parametrize("name", OURS)
def test_equal_to_the_built_in_whatever_the_options(name, grads, lr, momentum, wd, wd_lh, rescale, clip):
    options = {"learning_rate": lr, "momentum": momentum, "wd": wd, "wd_lh": wd_lh, "rescale_grad": rescale}
    options |= {"clip_gradient": clip, "grads": [mx.nd.array(grad) for grad in grads]}
    agree(run(name, "float32", **options), run("signum", "float32", **options))


# With momentum = 0, MXNet's class runs another operator. What that does, and what it should do:


def one_step(name, weight, grad, **options):
    optimizer = mx.optimizer.create(name, **{"learning_rate": 0.5, "momentum": 0.0, **options})
    weight, grad = mx.nd.array([weight]), mx.nd.array([grad])
    optimizer.update(0, weight, grad, optimizer.create_state(0, weight))
    return weight.asscalar()


@pytest.mark.parametrize("name", OURS)
def test_without_momentum_plain_signs_agree(name):
    for grad in (-2.0, 0.0, 3.0):
        assert one_step(name, 1.0, grad) == one_step("signum", 1.0, grad) == 1 - 0.5 * np.sign(grad)


@pytest.mark.parametrize("name", OURS)
def test_without_momentum_wd_is_in_the_gradient(name):
    assert one_step(name, 1.0, -0.1, wd=0.25) == 0.5  # sign(−0.1 + 0.25) = 1
    assert one_step("signum", 1.0, -0.1, wd=0.25) == 1.375  # decoupled: (1 − 0.5·0.25)·1 + 0.5


@pytest.mark.parametrize("name", OURS)
def test_without_momentum_the_gradient_is_rescaled_and_clipped(name):
    rescaled = {"rescale_grad": 0.5, "wd": 0.25}
    assert one_step(name, 1.0, -0.4, **rescaled) == 0.5  # sign(−0.2 + 0.25) = 1
    assert one_step("signum", 1.0, -0.4, **rescaled) == one_step("signum", 1.0, -0.4, wd=0.25)
    clipped = {"clip_gradient": 0.125, "wd": 0.25}
    assert one_step(name, 1.0, -0.4, **clipped) == 0.5  # sign(−0.125 + 0.25) = 1
    assert one_step("signum", 1.0, -0.4, **clipped) == one_step("signum", 1.0, -0.4, wd=0.25)
    assert one_step(name, 1.0, 1.0, rescale_grad=-1.0) == 1.5
    assert one_step("signum", 1.0, 1.0, rescale_grad=-1.0) == 0.5


@pytest.mark.parametrize("name", OURS)
def test_without_momentum_wd_lh_works(name):
    assert one_step(name, 1.0, 1.0, wd_lh=0.25) == 0.375
    with pytest.raises(mx.base.MXNetError, match="wd_lh"):
        one_step("signum", 1.0, 1.0, wd_lh=0.25)


@pytest.mark.parametrize("name", ["signum", *OURS])
def test_zero_and_nan_do_not_move_a_weight(name):
    for grad in (0.0, -0.0, float("nan")):
        assert one_step(name, 1.0, grad, momentum=0.9) == 1.0
    assert one_step(name, 1.0, float("-inf"), momentum=0.9) == 1.5
