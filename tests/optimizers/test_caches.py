"""Optimizers that go on with something computed earlier: it may not make a step much longer."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import nd

from gluonbook import optimizers

OURS = [getattr(optimizers, name) for name in optimizers.__all__ if name != "Partition"]
CACHED = [kind for kind in OURS if "every" in kind.options()]
WINDOWED = [kind for kind in OURS if "window" in kind.options()]
STEPS = 16
SHAPES = [(5, 8), (9,), (2, 3, 4)]


def outer(luck, shape):
    """Of rank one: in a direction of its own, along each axis."""
    out = np.ones(shape)
    for axis, n in enumerate(shape):
        out = out * luck.randn(*(n if i == axis else 1 for i in range(len(shape))))
    return out


SEQUENCES = {
    "rank one": lambda luck, shape, t: outer(luck, shape),
    "dense": lambda luck, shape, t: luck.randn(*shape),
    "constant": lambda luck, shape, t: np.random.RandomState(1).randn(*shape),
    "growing": lambda luck, shape, t: 1.3**t * luck.randn(*shape),
    "shrinking": lambda luck, shape, t: 0.7**t * luck.randn(*shape),
    "rank one, growing": lambda luck, shape, t: 1.3**t * outer(luck, shape),
    "rank one, shrinking": lambda luck, shape, t: 0.5**t * outer(luck, shape),
    "sparse": lambda luck, shape, t: luck.randn(*shape) * (luck.rand(*shape) < 0.05),
    "heavy tails": lambda luck, shape, t: luck.standard_cauchy(shape) * np.exp(2 * luck.randn()),
    "an outlier": lambda luck, shape, t: outer(luck, shape) * (1000 if t == 2 else 1),
    "late": lambda luck, shape, t: outer(luck, shape) * (t > 2),
    "in turns": lambda luck, shape, t: np.random.RandomState(t % 7).randn(*shape) * 10.0 ** (t % 3 - 1),
}


def lengths(optimizer, shape, sequence, dtype):
    """‖step‖ of each step with a learning rate of 1; what is remembered is the same, whatever the weights are."""
    luck, weight = np.random.RandomState(0), nd.zeros(shape, dtype=dtype)
    updater, found = mx.optimizer.get_updater(optimizer), []
    for t in range(STEPS):
        weight[:] = 0
        updater(0, nd.array(SEQUENCES[sequence](luck, shape, t), dtype=dtype), weight)
        found.append(np.linalg.norm(weight.asnumpy().astype(float)))
    return np.array(found)


@pytest.mark.parametrize("kind", CACHED)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_step_is_at_most_twice_as_long_as_without_a_cache(kind, dtype, sequence):
    slack = 1e-6 if dtype == "float64" else 0.02
    for shape in SHAPES:
        for options in ({}, {"max_size": 3}) if "max_size" in kind.options() and len(shape) == 3 else ({},):
            fresh = lengths(kind(1.0, every=1, **options), shape, sequence, dtype)
            for every in (3, 50):
                cached = lengths(kind(1.0, every=every, **options), shape, sequence, dtype)
                assert (cached <= 2 * (1 + slack) * fresh).all(), (shape, every)
                assert (cached >= (1 - slack) * fresh).all(), (shape, every)


@pytest.mark.parametrize("kind", CACHED)
def test_the_cache_is_used_where_gradients_are_alike(kind, monkeypatch):
    """Else it would cost more than none."""
    made = []
    monkeypatch.setattr(nd.linalg, "syevd", lambda H, real=nd.linalg.syevd: made.append(H) or real(H))
    lengths(kind(1.0, every=10), (6, 3, 2, 2), "dense", "float32")
    assert len(made) <= 4 * 6  # of 4 axes, where every=1 would need 16 each


@pytest.mark.parametrize("kind", CACHED)
def test_a_saved_cache_is_the_cache(kind):
    """Loaded in the middle of a period, after a renewal that was not due."""

    def stepped(save_at):
        luck, weight = np.random.RandomState(0), nd.zeros((4, 5))
        updater = mx.optimizer.get_updater(kind(1.0, every=10))
        for t in range(18):
            updater(0, nd.array(outer(luck, (4, 5))), weight)
            if t == save_at:
                states, weight = updater.get_states(dump_optimizer=True), weight.copy()
                updater = mx.optimizer.get_updater(kind(1.0, every=10))
                updater.set_states(states)
        return weight.asnumpy(), updater.get_states()

    for save_at in (3, 7, 12):
        (weight, states), (other, others) = stepped(None), stepped(save_at)
        np.testing.assert_array_equal(weight, other)
        assert states == others


@pytest.mark.parametrize("kind", WINDOWED)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_window_that_holds_the_gradient_bounds_its_step(kind, sequence):
    """The newest gradient is in the window, so that no step is longer than 1, however old the others are."""
    for shape in SHAPES:
        for window in (1, 3, 60):
            assert lengths(kind(1.0, window=window), shape, sequence, "float64").max() <= 1 + 1e-6
