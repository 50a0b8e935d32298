"""The exercises of `gluon/imperative_symbolic`."""

from __future__ import annotations

import time
from typing import Any, Callable

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.base import MXNetError

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check


def stopwatch(f):
    nd.waitall()
    start = time.perf_counter()
    f()
    nd.waitall()
    return time.perf_counter() - start


@exercises.judged("honest-stopwatch", right=stopwatch)
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


exercises.add(
    Number(
        "forgetful-chain",
        2,
        [
            Mistake(
                20,
                21,
                hint="That would be so if every layer had to keep its result. "
                "Does the derivative of x + 1 depend on x?",
            ),
            Mistake(1, hint="Nearly. The layers share their memory, but where will the gradient itself lie?"),
        ],
        otherwise="Compare planned_megabytes(out, training=True) with planned_megabytes(out) for this chain.",
    )
)


def _logistic(sign: int) -> mx.sym.Symbol:
    return mx.sym.log(1 + mx.sym.exp(sign * mx.sym.var("label") * mx.sym.var("score")))


def _losses(answer: Any, score: list[float], label: list[float]) -> np.ndarray:
    _symbol_of(answer, ["score", "label"])
    return answer.eval(ctx=mx.cpu(), score=nd.array(score), label=nd.array(label))[0].asnumpy()


def _not_the_losses(score: list[float], label: list[float], given: np.ndarray, right: np.ndarray) -> str:
    if given.shape != right.shape:
        return f"Six scores have six losses; yours gives an array of shape {given.shape}."
    i = int(np.flatnonzero(~np.isclose(given, right, atol=1e-5))[0])
    return f"For score {score[i]:g} and label {label[i]:g} the loss is {right[i]:.4f}; yours is {given[i]:.4f}."


exercises.add(
    Tried(
        "softplus-symbol",
        _logistic(-1),
        [([-2.0, 0.0, 2.0, -2.0, 0.0, 2.0], [1.0, 1.0, 1.0, -1.0, -1.0, -1.0])],
        [Mistake(_logistic(1), hint="Look at the sign of the exponent.")],
        otherwise=_not_the_losses,
        trial=_losses,
        atol=1e-5,
    )
)


def collatz():
    def step(k, count):
        return [], [mx.sym.where(k % 2 == 0, k / 2, 3 * k + 1), count + 1]

    k = mx.sym.var("k")
    return mx.sym.contrib.while_loop(lambda k, count: k > 1, step, [k, 0 * k], max_iterations=200)[1][1]


def _steps(answer: Callable[[], mx.sym.Symbol], k: int) -> int:
    try:
        steps = answer()
    except (AssertionError, MXNetError) as error:
        raise Hint(
            "while_loop refuses your loop. All of loop_vars must be symbols: let the count start as 0 * k."
        ) from error
    _symbol_of(steps, ["k"])
    return steps.eval(ctx=mx.cpu(), k=nd.array([k]))[0].asscalar()


exercises.add(
    Tried(
        "collatz-symbol",
        collatz,
        [(1,), (2,), (6,), (27,), (871,)],
        otherwise="From {k} it takes {right:g} steps to reach 1; yours says {given:g}.",
        trial=_steps,
        rtol=0,
    )
)


def _symbol_of(answer: Any, variables: list[str]) -> None:
    """Raise a Hint unless the answer is a symbol of exactly these variables."""
    if not isinstance(answer, mx.sym.Symbol):
        raise Hint(f"This must be an mx.sym.Symbol; it is a {type(answer).__name__}.")
    if sorted(answer.list_arguments()) != sorted(variables):
        named = " and ".join(map(repr, variables))
        raise Hint(f"Its variables must be called {named}, no others; yours are {answer.list_arguments()}.")
