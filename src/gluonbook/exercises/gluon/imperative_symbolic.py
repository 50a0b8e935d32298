"""Checks of the exercises of `gluon/imperative_symbolic`."""

from __future__ import annotations

import time
from typing import Any, Callable

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.base import MXNetError

from gluonbook.exercises.checking import Exercises, Hint

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("honest-stopwatch")
def honest_stopwatch(stopwatch: Callable[[Callable[[], Any]], float]) -> None:
    matrix = nd.random.normal(shape=(1000, 1000))
    calls = 0

    def order() -> None:
        nonlocal calls
        calls += 1
        nd.dot(matrix, nd.dot(matrix, matrix))
        nd.dot(matrix, matrix)

    nd.waitall()
    start = time.perf_counter()
    measured = stopwatch(order)
    nd.waitall()
    truth = time.perf_counter() - start
    if calls != 1:
        raise Hint(f"Call f exactly once; yours called it {calls} times.")
    if not isinstance(measured, float):
        raise Hint(f"Return the seconds as a float; this returned {measured!r}.")
    if measured < 0.8 * truth:
        raise Hint("Your clock stops before all is computed. Which call waits for everything that was ordered?")
    if measured > truth:
        raise Hint("Your clock says more than has passed. Return the difference of the two times, and nothing else.")
    nd.dot(nd.dot(nd.dot(matrix, matrix), matrix), matrix)
    if stopwatch(lambda: None) > 0.3 * truth:
        raise Hint("Right so far, but you also charge for work that was ordered before the clock was started.")


@exercises.add("forgetful-chain")
def forgetful_chain(ratio: float) -> None:
    if ratio in (20, 21):
        raise Hint("That would be so if every layer had to keep its result. Does the derivative of x + 1 depend on x?")
    if ratio == 1:
        raise Hint("Nearly. The layers share their memory, but where will the gradient itself lie?")
    if ratio != 2:
        raise Hint("Compare planned_megabytes(out, training=True) with planned_megabytes(out) for this chain.")


@exercises.add("softplus-symbol")
def softplus_symbol(loss: mx.sym.Symbol) -> None:
    _symbol_of(loss, ["score", "label"])
    score = nd.array([-2.0, 0.0, 2.0, -2.0, 0.0, 2.0])
    label = nd.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    right = np.log1p(np.exp(-label.asnumpy() * score.asnumpy()))
    value, flipped = (loss.eval(ctx=mx.cpu(), score=score, label=y)[0].asnumpy() for y in (label, -label))
    if value.shape != right.shape:
        raise Hint(f"Six scores have six losses; yours gives an array of shape {value.shape}.")
    if np.allclose(flipped, right, atol=1e-5):
        raise Hint("Look at the sign of the exponent.")
    wrong = np.flatnonzero(~np.isclose(value, right, atol=1e-5))
    if len(wrong):
        at, i = f"score {score[wrong[0]].asscalar():g} and label {label[wrong[0]].asscalar():g}", wrong[0]
        raise Hint(f"For {at} the loss is {right[i]:.4f}; yours is {value[i]:.4f}.")


@exercises.add("collatz-symbol")
def collatz_symbol(collatz: Callable[[], mx.sym.Symbol]) -> None:
    try:
        steps = collatz()
    except (AssertionError, MXNetError) as error:
        raise Hint(
            "while_loop refuses your loop. All of loop_vars must be symbols: let the count start as 0 * k."
        ) from error
    _symbol_of(steps, ["k"])
    for k, right in ((1, 0), (2, 1), (6, 8), (27, 111), (871, 178)):
        count = steps.eval(ctx=mx.cpu(), k=nd.array([k]))[0].asscalar()
        if count != right:
            raise Hint(f"From {k} it takes {right} steps to reach 1; yours says {count:g}.")


def _symbol_of(answer: Any, variables: list[str]) -> None:
    """Raise a Hint unless the answer is a symbol of exactly these variables."""
    if not isinstance(answer, mx.sym.Symbol):
        raise Hint(f"This must be an mx.sym.Symbol; it is a {type(answer).__name__}.")
    if sorted(answer.list_arguments()) != sorted(variables):
        named = " and ".join(map(repr, variables))
        raise Hint(f"Its variables must be called {named}, no others; yours are {answer.list_arguments()}.")
