"""The classics written out equal MXNet's own, with every option; where they do not, it is shown why."""

from __future__ import annotations

from functools import cache
from itertools import product

import mxnet as mx
import numpy as np
import pytest

import gluonbook.optimizers  # noqa: F401  (registers ours)

PAIRS = {
    "sgd": ("plainsgd", {}),
    "sgd with momentum": ("plainsgd", {"momentum": 0.9}),
    "nag": ("plainnag", {}),
    "nag with momentum": ("plainnag", {"momentum": 0.9}),
    "adagrad": ("plainadagrad", {"eps": 1e-6}),
    "rmsprop": ("plainrmsprop", {"gamma1": 0.8, "epsilon": 1e-6}),
    "rmsprop centered": ("plainrmsprop", {"gamma1": 0.8, "gamma2": 0.5, "epsilon": 1e-6, "centered": True}),
    "adam": ("plainadam", {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}),
}
SWITCHES = ("wd", "clip_gradient", "rescale_grad", "lr_mult", "wd_mult", "schedule")


@cache
def data(dtype):
    """A start and the gradients of a hundred steps."""
    luck = np.random.RandomState(0)
    return [mx.nd.array(luck.randn(37) * scale, dtype=dtype) for scale in (0.3, *[1] * 100)]


def run(name, dtype, lr_mult=1.0, wd_mult=1.0, schedule=False, **options):
    start, *grads = data(dtype)
    options = {"learning_rate": 0.001, **options}
    if schedule:
        options["lr_scheduler"] = mx.lr_scheduler.FactorScheduler(step=10, factor=0.7, base_lr=0.001)
    optimizer = mx.optimizer.create(name, multi_precision=True, **options)
    optimizer.set_lr_mult({0: lr_mult})
    optimizer.set_wd_mult({0: wd_mult})
    updater, weight = mx.optimizer.get_updater(optimizer), start.copy()
    for grad in grads:
        updater(0, grad, weight)
    return weight.asnumpy()


@pytest.mark.parametrize(
    "on", list(product([False, True], repeat=len(SWITCHES))), ids=lambda on: "".join("01"[x] for x in on)
)
@pytest.mark.parametrize("pair", PAIRS)
def test_equal_to_the_built_in(pair, on):
    ours, options = PAIRS[pair]
    options = {**options, **{n: v for n, v, used in zip(SWITCHES, (0.1, 0.6, 0.3, 0.37, 0.41, True), on) if used}}
    if pair == "nag with momentum":
        options.pop("wd", None)  # the built-in differs, see below
    one, other = run(pair.split()[0], "float32", **options), run(ours, "float32", **options)
    # The built-in for nag without momentum rounds 1 − lr·wd to float32, and with it a hundred steps.
    np.testing.assert_allclose(one, other, rtol=0, atol=5e-6 if pair == "nag" and "wd" in options else 1e-6)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.split()[0] in ("sgd", "nag", "adam")])
def test_equal_in_other_precisions(pair):
    ours, options = PAIRS[pair]
    for dtype, tolerance in (("float16", 3e-4), ("float64", 1e-6)):  # half a unit in the last place of float16
        one, other = run(pair.split()[0], dtype, **options), run(ours, dtype, **options)
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def test_a_variance_that_rounding_makes_negative_is_0():
    """Of a steady gradient n − g² is rounding; the built-in loses weights to NaN."""
    grad, weights = mx.nd.array(np.random.RandomState(0).randn(2000) * 10), {}
    for name in ("rmsprop", "plainrmsprop"):
        optimizer, weights[name] = mx.optimizer.create(name, centered=True), mx.nd.zeros(2000)
        state = optimizer.create_state(0, weights[name])
        for _ in range(300):
            optimizer.update(0, weights[name], grad, state)
    assert np.isfinite(weights["plainrmsprop"].asnumpy()).all()
    assert np.isnan(weights["rmsprop"].asnumpy()).any()


def test_the_built_in_nag_decays_by_a_weight_that_it_has_overwritten():
    lr, momentum, wd = 0.1, 0.9, 0.5

    def nag(decayed_by_new_weight):
        w, mom = 1.0, 0.0
        for grad in (0.3, -0.7, 0.2):
            after = momentum * mom + lr * (grad + wd * w)
            new = w - (momentum * after + lr * (grad + wd * w))
            mom = momentum * mom + lr * (grad + wd * (new if decayed_by_new_weight else w))
            w = new
        return w

    def mxnet_nag(name):
        optimizer, weight = mx.optimizer.create(name, learning_rate=lr, momentum=momentum, wd=wd), mx.nd.ones((1,))
        state = optimizer.create_state(0, weight)
        for grad in (0.3, -0.7, 0.2):
            optimizer.update(0, weight, mx.nd.array([grad]), state)
        return weight.asscalar()

    assert mxnet_nag("plainnag") == pytest.approx(nag(False), abs=1e-6)
    assert mxnet_nag("nag") == pytest.approx(nag(True), abs=1e-6)
    assert abs(nag(True) - nag(False)) > 1e-3
