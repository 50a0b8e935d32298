"""The exercises of `signum/custom_optimizer`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import mxnet as mx
import numba
import numpy as np
import pytest
from answers import hints, right_answers

from gluonbook.exercises.signum.custom_optimizer import lion, sgd_pass
from gluonbook.optimizers.rule import register


def late_lion(weight, grad, m, lr, beta1, beta2):
    m[:] = beta2 * m + (1 - beta2) * grad
    weight[:] = weight - lr * m.sign()


def swapped_lion(weight, grad, m, lr, beta1, beta2):
    lion(weight, grad, m, lr, beta2, beta1)


def forgetting_lion(weight, grad, m, lr, beta1, beta2):
    weight = weight - lr * grad.sign()


def spoiling_lion(weight, grad, m, lr, beta1, beta2):
    lion(weight, grad, m, lr, beta1, beta2)
    grad[:] = 0


@register
class OwnSign(mx.optimizer.Optimizer):
    def update(self, index, weight, grad, state):
        self._update_count(index)
        lr, wd = self._get_lr(index), self._get_wd(index)
        weight[:] = weight - lr * (self.rescale_grad * grad + wd * weight).sign()


class OwnNameless(OwnSign):
    pass


@register
class OwnUncounted(mx.optimizer.Optimizer):
    def update(self, index, weight, grad, state):
        weight[:] = weight - self._get_lr(index) * (self.rescale_grad * grad + self._get_wd(index) * weight).sign()


@register
class OwnBare(mx.optimizer.Optimizer):
    def update(self, index, weight, grad, state):
        self._update_count(index)
        weight[:] = weight - self._get_lr(index) * grad.sign()


@register
class OwnDeaf(mx.optimizer.Optimizer):
    def update(self, index, weight, grad, state):
        self._update_count(index)
        weight[:] = weight - self.learning_rate * (self.rescale_grad * grad + self.wd * weight).sign()


@register
class OwnBit(mx.optimizer.Optimizer):
    def update(self, index, weight, grad, state):
        self._update_count(index)
        weight[:] = weight - self._get_lr(index) * (2 * (grad >= 0) - 1)


@register
class OwnHoarder(OwnSign):
    def create_state(self, index, weight):
        return mx.nd.zeros_like(weight)


@numba.njit
def rounding_sgd(weight, grad, mom, lr, momentum):
    for i in range(weight.size):
        mom[i] = lr * (momentum / lr * mom[i] - grad[i])
        weight[i] += mom[i]


@numba.njit
def allocating_sgd(weight, grad, mom, lr, momentum):
    mom[:] = momentum * mom - lr * grad
    weight[:] = weight + mom


@numba.njit
def forgetful_sgd(weight, grad, mom, lr, momentum):
    for i in range(weight.size):
        weight[i] += momentum * mom[i] - lr * grad[i]


@numba.njit
def spoiling_sgd(weight, grad, mom, lr, momentum):
    for i in range(weight.size):
        grad[i] *= lr
        mom[i] = momentum * mom[i] - grad[i]
        weight[i] += mom[i]


def test_the_names_were_free():
    assert {"ownsign", "ownbit"} <= set(mx.optimizer.Optimizer.opt_registry)


test_right_answers_are_right = right_answers(("registered-class", OwnSign))


test_hints_fit_the_mistake = hints(
    ("lion-in-expressions", late_lion, "see the old m"),
    ("lion-in-expressions", swapped_lion, "which of the two betas"),
    ("lion-in-expressions", forgetting_lion, "has not moved"),
    ("lion-in-expressions", spoiling_lion, "gradient has changed"),
    ("registered-class", OwnSign(), "class itself"),
    ("registered-class", OwnNameless, "register"),
    ("registered-class", mx.optimizer.Signum, "was not free"),
    ("registered-class", OwnHoarder, "no use for"),
    ("registered-class", OwnUncounted, "schedule stands still"),
    ("registered-class", OwnBare, "inside the sign"),
    ("registered-class", OwnDeaf, "lr_mult"),
    ("registered-class", OwnBit, "not w − η·sign(g)"),
    ("one-pass-sgd", sgd_pass.py_func, "Compile it"),
    ("one-pass-sgd", rounding_sgd, "some bits"),
    ("one-pass-sgd", allocating_sgd, "makes arrays"),
    ("one-pass-sgd", forgetful_sgd, "momentum is wrong"),
    ("one-pass-sgd", spoiling_sgd, "gradient has changed"),
)


@pytest.mark.parametrize("name", ["AdaGrad", "Lion", "MySignum", "GroupAdaGrad"])
def test_a_name_of_mxnet_or_of_the_book_is_not_free(verdict, monkeypatch, name):
    kind = type(name, (OwnSign,), {})
    monkeypatch.setitem(mx.optimizer.Optimizer.opt_registry, name.lower(), kind)
    assert verdict("registered-class", kind) == (False, f"Not yet: The name {name.lower()!r} was not free.")


def test_a_name_that_the_reader_has_given_before_is_free(verdict, monkeypatch):
    for _ in range(2):
        again = type("OwnSign", (OwnSign,), {})
        monkeypatch.setitem(mx.optimizer.Optimizer.opt_registry, "ownsign", again)
        assert verdict("registered-class", again) == (True, "Solved: That is right.")


def test_an_answer_that_raises_is_a_mistake_and_no_crash(verdict):
    solved, told = verdict("lion-in-expressions", lambda *arguments: np.zeros(3)[5])
    assert not solved
    assert "IndexError" in told
