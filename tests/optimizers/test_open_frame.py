"""Methods whose rule needs the weight, written by the public frame in a few lines, and each against numpy."""

from __future__ import annotations

from typing import ClassVar

import mxnet as mx
import numpy as np
import pytest

import runs
from gluonbook.models import mlp
from gluonbook.optimizers.options import within
from gluonbook.optimizers.rule import OneByOne, register, zeros_like
from gluonbook.training import fit


@register
class TrustLAMB(OneByOne):
    """LAMB: Adam's direction, as long as the weight is (You and others 2019, arXiv:1904.00962, Algorithm 2).

    m ← beta1·m + (1 − beta1)·grad,  v ← beta2·v + (1 − beta2)·grad²
    r ← m/(1 − beta1^t) / (√(v/(1 − beta2^t)) + eps) + wd·weight
    weight ← (1 − lr·wd_lh)·weight − lr·‖weight‖/‖r‖·r,  where a norm is 0: − lr·r
    """

    ranges: ClassVar = {"beta1": within("[0, 1)"), "beta2": within("[0, 1)"), "eps": within("(0, inf)")}

    def __init__(self, learning_rate=None, beta1=0.9, beta2=0.999, eps=1e-6, **options):
        super().__init__(learning_rate, **options)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def create_state(self, index, weight):
        return zeros_like(weight), zeros_like(weight)

    def step(self, weight, grad, state, *, lr, wd, t):
        m, v = state
        grad = self.prepared(weight, grad, wd=0)
        m[:] = self.beta1 * m + (1 - self.beta1) * grad
        v[:] = self.beta2 * v + (1 - self.beta2) * grad.square()
        r = m / (1 - self.beta1**t) / ((v / (1 - self.beta2**t)).sqrt() + self.eps) + wd * weight
        ratio = weight.norm() / r.norm()
        self.move(weight, lr * mx.nd.where(ratio * r.norm() > 0, ratio, mx.nd.ones_like(ratio)) * r, lr)


@register
class ScheduleFreeSGD(OneByOne):
    """Schedule-free SGD: the weight is y, where gradients are taken (Defazio and others 2024, arXiv:2405.15682).

    z ← z − lr·grad,  x ← (1 − 1/t)·x + z/t,  y ← (1 − beta)·z + beta·x
    """

    ranges: ClassVar = {"beta": within("[0, 1]")}

    def __init__(self, learning_rate=None, beta=0.9, **options):
        super().__init__(learning_rate, **options)
        self.beta = beta

    def create_state(self, index, weight):
        return weight.copy(), weight.copy()

    def step(self, weight, grad, state, *, lr, wd, t):
        z, x = state
        self.move(z, lr * self.prepared(weight, grad, wd), lr)
        x[:] = (1 - 1 / t) * x + z / t
        weight[:] = (1 - self.beta) * z + self.beta * x


def lamb(w, grads, *, lr, wd, wd_lh, scale, clip, beta1=0.9, beta2=0.999, eps=1e-6):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads, 1):
        g = np.clip(scale * g, -clip, clip)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        r = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps) + wd * w
        norms = np.linalg.norm(w), np.linalg.norm(r)
        w = (1 - lr * wd_lh) * w - lr * (norms[0] / norms[1] if all(norms) else 1) * r
    return w


def schedule_free(w, grads, *, lr, wd, wd_lh, scale, clip, beta=0.9):
    x = y = z = w
    for t, g in enumerate(grads, 1):
        z = (1 - lr * wd_lh) * z - lr * (np.clip(scale * g, -clip, clip) + wd * y)
        x = x + (z - x) / t
        y = (1 - beta) * z + beta * x
    return y


REFERENCES = {"trustlamb": lamb, "schedulefreesgd": schedule_free}
every = pytest.mark.parametrize("name", REFERENCES)
luck = np.random.RandomState(0)
W, GRADS = luck.randn(4, 5), luck.randn(7, 4, 5)


def after(name, dtype, start=W, **options):
    optimizer = mx.optimizer.create(name, multi_precision=True, **options)
    updater, weight = mx.optimizer.get_updater(optimizer), mx.nd.array(start, dtype=dtype)
    for grad in GRADS:
        updater(0, mx.nd.array(grad, dtype=dtype), weight)
    return weight.asnumpy()


@every
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5), ("float16", 4e-3)])
@pytest.mark.parametrize("start", [W, np.zeros_like(W)], ids=["random", "zero"])
def test_equal_to_numpy_with_every_option(name, dtype, tolerance, start):
    options = {"learning_rate": 0.1, "wd": 0.3, "wd_lh": 0.2, "rescale_grad": 0.5, "clip_gradient": 0.4}
    expected = REFERENCES[name](start, GRADS, lr=0.1, wd=0.3, wd_lh=0.2, scale=0.5, clip=0.4)
    np.testing.assert_allclose(after(name, dtype, start, **options), expected, rtol=0, atol=tolerance)


def test_lamb_is_the_built_in():
    options = {"learning_rate": 0.1, "wd": 0.3, "rescale_grad": 0.5}
    np.testing.assert_allclose(after("trustlamb", "float32", **options), after("lamb", "float32", **options), atol=1e-5)


def test_the_average_that_schedule_free_is_about():
    """x is the mean of all z; the weight lies between the two."""
    optimizer = ScheduleFreeSGD(learning_rate=0.1, beta=0.75)
    updater, weight, z = mx.optimizer.get_updater(optimizer), mx.nd.array(W, dtype="float64"), W
    seen = []
    for grad in GRADS:
        updater(0, mx.nd.array(grad, dtype="float64"), weight)
        z = z - 0.1 * grad
        seen.append(z)
    mean = np.mean(seen, axis=0)
    np.testing.assert_allclose(updater.states[0][1].asnumpy(), mean, atol=1e-12)
    np.testing.assert_allclose(weight.asnumpy(), 0.25 * z + 0.75 * mean, atol=1e-12)


@every
def test_it_trains_a_net_and_goes_on_exactly(tmp_path, name):
    run = {"train": runs.digits(200), "batch_size": 20, "seed": 1}

    def start():
        return runs.start(name, net=mlp(hidden=(16,)), learning_rate=0.05 if name == "trustlamb" else 1.0)

    net, trainer = start()
    losses = fit(net, trainer, epochs=4, **run)["train_loss"]
    assert losses[-1] < 0.7 * losses[0]
    for epochs in (2, 4):
        again, trainer = start()
        runs.break_after(trainer, 2 * 10)  # each time two epochs of ten batches, and no more
        fit(again, trainer, epochs=epochs, checkpoints=tmp_path, **run)
    assert runs.fingerprint(again) == runs.fingerprint(net)


@every
def test_the_options_of_all_are_its_own(name):
    kind = mx.optimizer.Optimizer.opt_registry[name]
    with pytest.raises(TypeError, match=r"no option betta; it takes learning_rate, beta.*, lr_scheduler, wd, wd_lh"):
        kind(betta=0.9)
    own = next(option for option in kind.options() if option.startswith("beta"))
    with pytest.raises(ValueError, match=rf"{own} must be a number in \[0, 1.*got -1"):
        setattr(kind(), own, -1)
    with pytest.raises(ValueError, match=r"the gradient of parameter 0 is 'row_sparse'"):
        kind().update(0, mx.nd.ones((2, 2)), mx.nd.ones((2, 2)).tostype("row_sparse"), None)
