"""The exercises of `gluon/imperative_symbolic`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import time

import mxnet as mx
from answers import hints
from mxnet import nd


def without_waiting(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def charging_for_others(work):
    start = time.perf_counter()
    work()
    nd.waitall()
    return time.perf_counter() - start


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


test_hints_fit_the_mistake = hints(
    ("honest-stopwatch", without_waiting, "stops before"),
    ("honest-stopwatch", charging_for_others, "ordered before"),
    ("honest-stopwatch", charging_too_much, "more than has passed"),
    ("honest-stopwatch", calling_twice, "exactly once"),
    (
        "softplus-symbol",
        label_and_score(lambda y, s: mx.sym.log(1 + mx.sym.exp(-y * mx.sym.abs(s)))),
        "the loss is",
    ),
    ("softplus-symbol", label_and_score(lambda y, s: mx.sym.sum(mx.sym.log(1 + mx.sym.exp(-y * s)))), "Six scores"),
    ("softplus-symbol", mx.sym.var("x"), "'score' and 'label', no others"),
    ("collatz-symbol", lambda: mx.sym.var("k") * 0, "From 2 it takes 1"),
    ("collatz-symbol", python_count, "0 * k"),
)
