"""Checks of the exercises of `gluon/autograd`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluonbook.exercises.checking import Exercises, Hint

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("what-flows")
def what_flows(number: float) -> None:
    if number == 33:
        raise Hint("That is the derivative of x⁴ + x. Which factor counts as a constant?")
    if number == 16:
        raise Hint("Nearly. x goes into y along a second way, too.")
    if number == 1:
        raise Hint("w is detached, but u is not: something flows through u.")
    if number != 17:
        raise Hint("Put the number 4 in place of w, and differentiate y = 4·x² + x at x = 2.")


@exercises.add("jacobian-rows")
def jacobian_rows(jacobian: Callable[[Callable[[nd.NDArray], nd.NDArray], nd.NDArray], nd.NDArray]) -> None:
    A = nd.array([[1, -2, 0.5], [0, 3, 1]])
    calls = 0

    def f(x: nd.NDArray) -> nd.NDArray:
        nonlocal calls
        calls += 1
        return nd.tanh(nd.dot(A, x))

    x = nd.array([0.3, -0.1, 0.2])
    J = jacobian(f, x)
    right = ((1 - nd.tanh(nd.dot(A, x)) ** 2).expand_dims(1) * A).asnumpy()
    J = _as_numpy(J)
    if J.shape == right.T.shape:
        raise Hint("This has one row for each input. Transpose it: one row for each output.")
    if J.shape != right.shape:
        raise Hint(f"Two outputs and three inputs make a Jacobian of shape {right.shape}; yours has {J.shape}.")
    if np.allclose(J, J[-1]):
        raise Hint("All rows are the same. Has x.grad been copied before the next backward wrote over it?")
    if not np.allclose(J, right, atol=1e-5):
        raise Hint("The shape is right, the numbers are not. Is each head gradient 1 in one place, and 0 elsewhere?")
    if calls > 1:
        raise Hint(f"Right, with {calls} calls of f. One is enough: which argument of backward keeps the notes?")


@exercises.add("large-batch")
def large_batch(accumulate: Callable[[gluon.Block, Callable[..., nd.NDArray], list[Any]], None]) -> None:
    rng = np.random.RandomState(0)
    X, y = nd.array(rng.normal(size=(12, 4))), nd.array(rng.normal(size=(12, 1)))
    net, loss = nn.Dense(1), gluon.loss.L2Loss()
    net.initialize()
    with autograd.record():
        mean = loss(net(X), y).mean()
    mean.backward()
    right = _gradients(net)
    for parameter in net.collect_params().values():
        parameter.grad()[:] = 7  # else to do nothing would be right
    for time in ("first", "second"):
        accumulate(net, loss, [(X[:7], y[:7]), (X[7:], y[7:])])
        mine = _gradients(net)
        if np.allclose(mine, right, rtol=1e-4, atol=1e-6):
            continue
        if time == "second":
            raise Hint("Right at the first call, not at the second: what is still in the gradients from before?")
        if np.allclose(mine, 12 * right, rtol=1e-4):
            raise Hint("That is the gradient of the sum. Divide by the number of examples.")
        if np.allclose(mine, 2 * right, rtol=1e-4):
            raise Hint("Exactly twice too large: were the gradients empty when you began?")
        raise Hint(
            "Not the gradient of the mean over all examples. Do examples of a small batch weigh more than others?"
        )


@exercises.add("straight-through")
def straight_through(function: type[autograd.Function]) -> None:
    if not (isinstance(function, type) and issubclass(function, autograd.Function)):
        raise Hint(f"Hand in the class itself, a subclass of autograd.Function; this is {function!r}.")
    x = nd.array([-3.0, -0.5, 0.25, 0.75, 2.0])
    head = nd.array([1.0, 2.0, 3.0, 4.0, 5.0])
    x.attach_grad()
    with autograd.record():
        y = function()(x)
    y.backward(head)
    slope = x.grad.asnumpy()
    if not np.array_equal(y.asnumpy(), np.sign(x.asnumpy())):
        raise Hint(f"Forwards it is the plain sign; for {x.asnumpy().tolist()} yours gives {y.asnumpy().tolist()}.")
    if not slope.any():
        raise Hint("Nothing flows back. For |x| ≤ 1 the estimator takes the derivative of x, which is 1.")
    if np.array_equal(slope, [0, 1, 1, 1, 0]):
        raise Hint("The slope is right. What does backward do with the gradient that it is given?")
    if np.array_equal(slope, head.asnumpy()):
        raise Hint("Right where |x| ≤ 1. What about the values farther out?")
    if not np.array_equal(slope, [0, 2, 3, 4, 0]):
        raise Hint(f"For {x.asnumpy().tolist()} and head gradients 1 to 5, yours returns {slope.tolist()}.")


@exercises.add("layer-norm")
def layer_norm(backward: Callable[..., Any]) -> None:
    rng = np.random.RandomState(0)
    X, gamma, beta, dy = (nd.array(rng.normal(size=shape), dtype="float64") for shape in ((6, 4), 4, 4, (6, 4)))
    eps = 0.1  # so large that a forgotten one is seen
    for array in (X, gamma, beta):
        array.attach_grad()
    with autograd.record():
        c = X - X.mean(axis=1, keepdims=True)
        y = gamma * c / ((c**2).mean(axis=1, keepdims=True) + eps).sqrt() + beta
    y.backward(dy)
    answer = backward(dy, X, gamma, eps)
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        raise Hint("Return three arrays: the gradients for X, gamma and beta.")
    for name, mine, array in reversed(list(zip(("X", "gamma", "beta"), answer, (X, gamma, beta)))):
        mine, right = _as_numpy(mine), array.grad.asnumpy()
        if mine.shape != right.shape:
            raise Hint(f"The gradient for {name} has the shape of {name}, {right.shape}; yours has {mine.shape}.")
        if not np.allclose(mine, right, rtol=1e-8, atol=1e-10):
            raise Hint(f"The gradient for {name} is not right yet. {_LAYER_NORM_HINTS[name]}")


_LAYER_NORM_HINTS = {
    "X": "Are both means taken along the row, of gamma times dy? And where does eps go?",
    "gamma": "It collects dy times the normalized input, over all rows.",
    "beta": "It goes into every row with slope 1.",
}


def _gradients(net: gluon.Block) -> np.ndarray:
    """All gradients of a network in one row, as copies."""
    values = net.collect_params().values()
    return np.concatenate([parameter.grad().asnumpy().ravel() for parameter in values])


def _as_numpy(array: Any) -> np.ndarray:
    """The numbers of an NDArray; raises a Hint for anything else."""
    if not isinstance(array, nd.NDArray):
        raise Hint(f"This must be an NDArray; it is a {type(array).__name__}.")
    return array.asnumpy()
