"""Exercises: right answers are told from wrong ones, and every wrong one gets a hint."""

from __future__ import annotations

import time

import mxnet as mx
import numpy as np
import pytest
from mxnet import nd

from gluonbook import models
from gluonbook.exercises import check, names
from gluonbook.exercises.checking import exercise


@pytest.mark.parametrize("name", names())
def test_dots_are_an_open_exercise(verdict, name):
    solved, told = verdict(name, ...)
    assert solved is None
    assert "Your turn" in told


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    "answer", [None, "nonsense", -12345.0, lambda *_: None], ids=["none", "text", "number", "call"]
)
def test_nonsense_gets_help_and_never_raises(verdict, name, answer):
    solved, told = verdict(name, answer)
    assert solved is False
    assert len(told) > len("Not yet: ")


def test_an_unknown_exercise_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'sum'.*honest-stopwatch"):
        check("sum", 1)


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="two checks"):
        exercise("forgetful-chain")(lambda answer: None)


def test_what_an_answer_raises_is_told(verdict):
    def answer(work):
        raise RuntimeError("my own mistake")

    assert "RuntimeError: my own mistake" in verdict("honest-stopwatch", answer)[1]


def without_waiting(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def charging_for_others(work):
    start = time.perf_counter()
    work()
    nd.waitall()
    return time.perf_counter() - start


def flipped(X, W):
    return correlate(X, W[::-1, ::-1])


def correlate(X, W):
    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(X, W.shape), W)


def three_only(X, W):
    return correlate(X, W) if len(W) == 3 else correlate(X, np.zeros((3, 3)))


def charging_too_much(work):
    return 2 * honest(work)


def calling_twice(work):
    work()
    return honest(work)


def honest(work):
    nd.waitall()
    return charging_for_others(work)


def label_and_score(form):
    return form(mx.sym.var("label"), mx.sym.var("score"))


def python_count():
    k = mx.sym.var("k")
    return mx.sym.contrib.while_loop(
        cond=lambda k, n: k > 1, func=lambda k, n: ([], [k / 2, n + 1]), loop_vars=[k, 0], max_iterations=9
    )[1][1]


def shuffled_anew(X):
    return np.random.permutation(X.reshape(len(X), -1).T).T.reshape(X.shape)


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("honest-stopwatch", without_waiting, "stops before"),
        ("honest-stopwatch", charging_for_others, "ordered before"),
        ("forgetful-chain", 20, "derivative"),
        ("forgetful-chain", 1, "gradient itself"),
        ("honest-stopwatch", charging_too_much, "more than has passed"),
        ("honest-stopwatch", calling_twice, "exactly once"),
        ("softplus-symbol", label_and_score(lambda y, s: mx.sym.log(1 + mx.sym.exp(y * s))), "sign"),
        (
            "softplus-symbol",
            label_and_score(lambda y, s: mx.sym.log(1 + mx.sym.exp(-y * mx.sym.abs(s)))),
            "the loss is",
        ),
        ("softplus-symbol", label_and_score(lambda y, s: mx.sym.sum(mx.sym.log(1 + mx.sym.exp(-y * s)))), "Six scores"),
        ("softplus-symbol", mx.sym.var("x"), "'score' and 'label', no others"),
        ("collatz-symbol", lambda: mx.sym.var("k") * 0, "From 2 it takes 1"),
        ("collatz-symbol", python_count, "0 * k"),
        ("count-weights", 500, "weights"),
        ("count-weights", 26, "one filter"),
        ("slide-it", flipped, "flipped"),
        ("slide-it", lambda X, W: X, "shape"),
        ("slide-it", three_only, "shape"),
        ("slide-it", lambda X, W: nd.array(X), "NumPy array"),
        ("how-far", 8, "larger image"),
        ("how-far", 14, "second pooling"),
        ("half-the-weights", models.lenet, "parameters"),
        ("half-the-weights", models.mlp, "no Conv2D"),
        ("half-the-weights", lambda: models.lenet(channels=(1,), hidden=2), "elsewhere"),
        ("scrambled", lambda X: X, "where they were"),
        ("scrambled", lambda X: X[:2], "shape"),
        ("scrambled", np.zeros_like, "keep all"),
        ("scrambled", shuffled_anew, "one and the same"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
