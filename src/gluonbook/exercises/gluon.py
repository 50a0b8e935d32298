"""Checks of the exercises of Part 1."""

from __future__ import annotations

import math
import time
from typing import Any, Callable

import mxnet as mx
from mxnet import nd

from gluonbook.exercises.checking import Hint, exercise


@exercise("honest-stopwatch")
def honest_stopwatch(stopwatch: Callable[[Callable[[], Any]], float]) -> None:
    matrix = nd.random.normal(shape=(1000, 1000))

    def order() -> None:
        nd.dot(nd.dot(matrix, matrix), matrix)

    nd.waitall()
    start = time.perf_counter()
    measured = stopwatch(order)
    nd.waitall()
    truth = time.perf_counter() - start
    if not isinstance(measured, float):
        raise Hint(f"Return the seconds as a float; this returned {measured!r}.")
    if measured < 0.8 * truth:
        raise Hint("Your clock stops before the products are computed. Which call waits for the engine?")
    backlog = nd.dot(nd.dot(nd.dot(matrix, matrix), matrix), matrix)
    alone = stopwatch(lambda: None)
    backlog.wait_to_read()
    if alone > 0.3 * truth:
        raise Hint("Right so far, but you also charge for work that was ordered before the clock was started.")


@exercise("forgetful-chain")
def forgetful_chain(ratio: float) -> None:
    if ratio == 20 or ratio == 21:
        raise Hint("That would be so if every layer had to keep its result. Does the derivative of x + 1 depend on x?")
    if ratio == 1:
        raise Hint("Nearly. The layers share their memory, but where will the gradient itself lie?")
    if ratio != 2:
        raise Hint("Compare planned_megabytes(out, training=True) with training=False for this chain.")


@exercise("softplus-symbol")
def softplus_symbol(loss: mx.sym.Symbol) -> None:
    if not isinstance(loss, mx.sym.Symbol):
        raise Hint(f"The answer is an mx.sym.Symbol; this is a {type(loss).__name__}.")
    if set(loss.list_arguments()) != {"score", "label"}:
        raise Hint(f"Its variables must be called 'score' and 'label'; yours are {loss.list_arguments()}.")
    for score, label in ((0.0, 1.0), (2.0, 1.0), (2.0, -1.0)):
        value = loss.eval(ctx=mx.cpu(), score=nd.array([score]), label=nd.array([label]))[0].asscalar()
        if not math.isclose(value, math.log1p(math.exp(-label * score)), rel_tol=1e-5):
            raise Hint(
                f"For score {score:g} and label {label:g} yours gives {value:.4f}. Look at the sign of the exponent."
            )


@exercise("collatz-symbol")
def collatz_symbol(collatz: Callable[[], mx.sym.Symbol]) -> None:
    steps = collatz()
    if not isinstance(steps, mx.sym.Symbol):
        raise Hint(f"collatz() must return a symbol; it returned a {type(steps).__name__}.")
    if steps.list_arguments() != ["k"]:
        raise Hint(f"The only variable must be called 'k'; yours are {steps.list_arguments()}.")
    for k, right in ((1, 0), (2, 1), (6, 8), (27, 111)):
        count = steps.eval(ctx=mx.cpu(), k=nd.array([k]))[0].asscalar()
        if count != right:
            raise Hint(f"From {k} it takes {right} steps to reach 1; yours says {count:g}.")
