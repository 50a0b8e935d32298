"""Delta-orthogonal kernels: what they keep, how they are drawn, and what is refused."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluonbook.initializers import DeltaOrthogonal
from gluonbook.training import set_seed


def drawn(shape, gain=1.0, dtype="float32", seed=0):
    set_seed(seed)
    weight = gluon.Parameter("conv0_weight", shape=shape, dtype=dtype, init=DeltaOrthogonal(gain))
    weight.initialize()
    return weight.data().asnumpy()


@pytest.mark.parametrize(
    ("shape", "centre"),
    [((8, 8, 3, 3), (1, 1)), ((9, 5, 5, 3), (2, 1)), ((4, 1, 7), (3,)), ((3, 2, 3, 3, 1), (1, 1, 0))],
)
def test_all_is_zero_but_an_orthogonal_centre(shape, centre):
    kernel = drawn(shape, gain=2.0)
    Q = kernel[(..., *centre)] / 2
    assert pytest.approx(np.eye(shape[1]), abs=1e-6) == Q.T @ Q
    kernel[(..., *centre)] = 0
    assert not kernel.any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_weights_of_all_kinds_are_drawn(dtype):
    kernel = drawn((4, 4, 3, 3), dtype=dtype)
    assert kernel.dtype == dtype
    assert np.abs(kernel[:, :, 1, 1].T @ kernel[:, :, 1, 1] - np.eye(4)).max() <= {"float16": 1e-2}.get(dtype, 1e-6)


@pytest.mark.parametrize("gain", [1, 0.5, np.float32(1.5)])
def test_a_convolution_makes_every_image_gain_times_as_long_at_the_border_too(gain):
    set_seed(1)
    net = nn.Conv2D(6, 3, padding=1, in_channels=4)
    net.initialize(DeltaOrthogonal(gain))
    X = nd.random.normal(shape=(2, 4, 5, 5))
    lengths = [np.linalg.norm(array.asnumpy(), axis=1) for array in (X, net(X))]  # of each pixel
    assert lengths[1] == pytest.approx(float(gain) * lengths[0], rel=1e-5)
    assert not net.bias.data().asnumpy().any()


def test_gradients_keep_their_length_through_a_stack():
    set_seed(2)
    net = nn.HybridSequential()
    net.add(*(nn.Conv2D(5, 3, padding=1, in_channels=5) for _ in range(30)))
    net.initialize(DeltaOrthogonal())
    X, G = nd.random.normal(shape=(2, 2, 5, 4, 4))
    X.attach_grad()
    with autograd.record():
        out = net(X)
    out.backward(G)
    assert X.grad.norm().asscalar() == pytest.approx(G.norm().asscalar(), rel=1e-4)


def test_the_same_seed_draws_the_same_and_each_matrix_is_as_likely_as_its_mirror_image():
    assert np.array_equal(drawn((4, 4, 3, 3)), drawn((4, 4, 3, 3)))
    entries = np.array([drawn((2, 2, 1, 1), seed=seed)[:, :, 0, 0] for seed in range(400)])
    assert abs(entries.mean(axis=0)).max() < 0.15  # four standard deviations of the mean of 400
    assert 0.4 < (np.linalg.det(entries) > 0).mean() < 0.6


def test_it_is_found_by_its_name_and_survives_being_written_down():
    named = nn.Conv2D(4, 3, in_channels=4, weight_initializer="deltaorthogonal")
    named.initialize()
    assert np.count_nonzero(named.weight.data().asnumpy()) == 16
    assert DeltaOrthogonal(0.5).dumps() == '["deltaorthogonal", {"gain": 0.5}]'


def test_in_numpy_mode_too():
    mx.util.set_np()
    try:
        layer = mx.gluon.nn.Conv2D(4, 3, padding=1, in_channels=4)
        layer.initialize(DeltaOrthogonal())
        X = mx.np.random.normal(size=(1, 4, 3, 3))
        assert np.linalg.norm(layer(X).asnumpy()) == pytest.approx(np.linalg.norm(X.asnumpy()), rel=1e-5)
    finally:
        mx.util.reset_np()


@pytest.mark.parametrize(
    ("shape", "told"),
    {
        (10, 64): r"conv0_weight of shape \(10, 64\) has no window; for dense layers take .*Orthogonal\(scale=1\)",
        (8, 8, 2, 3): r"has no centre; the lengths \(2, 3\) of its window must be odd",
        (4, 8, 3, 3): "makes 4 channels of 8, which cannot keep lengths; out must be ≥ in",
    }.items(),
)
def test_what_it_cannot_do_is_refused(shape, told):
    with pytest.raises(ValueError, match=told):
        drawn(shape)


@pytest.mark.parametrize("gain", [0, -1, float("nan"), float("inf"), "1"])
def test_a_gain_is_positive_and_finite(gain):
    with pytest.raises(ValueError, match="gain must be a number in"):
        DeltaOrthogonal(gain)
