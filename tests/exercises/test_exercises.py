"""Exercises: right answers are told from wrong ones, and every wrong one gets a hint."""

from __future__ import annotations

import time

import mxnet as mx
import numpy as np
import pytest
from mxnet import nd

from gluonbook.exercises import check, checking, names
from gluonbook.exercises.checking import RECORD, exercise


@pytest.fixture
def verdict(monkeypatch):
    """Check an answer; returns (solved, what the reader is told)."""

    def ask(name, answer):
        shown = []
        monkeypatch.setattr(checking, "display", lambda data, metadata, raw: shown.append((data, metadata)))
        check(name, answer)
        ((data, metadata),) = shown
        assert metadata[RECORD]["name"] == name
        return metadata[RECORD]["solved"], data["text/plain"]

    return ask


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
    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(X, W.shape), W[::-1, ::-1])


def wrong_sign():
    return mx.sym.log(1 + mx.sym.exp(mx.sym.var("label") * mx.sym.var("score")))


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("honest-stopwatch", without_waiting, "stops before"),
        ("honest-stopwatch", charging_for_others, "ordered before"),
        ("forgetful-chain", 20, "derivative"),
        ("forgetful-chain", 1, "gradient itself"),
        ("softplus-symbol", wrong_sign(), "sign"),
        ("softplus-symbol", mx.sym.var("x"), "'score' and 'label'"),
        ("collatz-symbol", lambda: mx.sym.var("k") * 0, "From 2 it takes 1"),
        ("count-weights", 500, "weights"),
        ("count-weights", 26, "one filter"),
        ("slide-it", flipped, "flipped"),
        ("slide-it", lambda X, W: X, "shape"),
        ("how-far", 14, "second pooling"),
        ("scrambled", 0.1, "same permutation"),
        ("scrambled", 0.8, "as long as"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
