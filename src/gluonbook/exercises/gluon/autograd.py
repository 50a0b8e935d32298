"""The exercises of `gluon/autograd`."""

from __future__ import annotations

from typing import Any, Callable, final

import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check


exercises.add(
    Number(
        "what-flows",
        17,
        [
            Mistake(33, hint="That is the derivative of x⁴ + x. Which factor counts as a constant?"),
            Mistake(16, hint="Nearly. x goes into y along a second way, too."),
            Mistake(1, hint="w is detached, but u is not: something flows through u."),
        ],
        otherwise="Put the number 4 in place of w, and differentiate y = 4·x² + x at x = 2.",
    )
)


def jacobian(f, x):
    return _jacobian(f, x)


def _jacobian(f, x, copied=True):
    x.attach_grad()
    with autograd.record():
        y = f(x)
    rows = []
    for head in nd.eye(y.size, dtype=y.dtype):
        y.backward(head, retain_graph=True)
        rows.append(x.grad.copy() if copied else x.grad)
    return nd.stack(*rows)


_A = np.array([[1, -2, 0.5], [0, 3, 1]], np.float32)


def _of_tanh(answer: Callable, x: list[float]) -> np.ndarray:
    return _as_numpy(answer(lambda x: nd.tanh(nd.dot(nd.array(_A), x)), nd.array(x)))


def _one_call(answer: Callable) -> None:
    calls = 0

    def f(x: nd.NDArray) -> nd.NDArray:
        nonlocal calls
        calls += 1
        return nd.tanh(nd.dot(nd.array(_A), x))

    answer(f, nd.array([0.3, -0.1, 0.2]))
    if calls > 1:
        raise Hint(f"Right, with {calls} calls of f. One is enough: which argument of backward keeps the notes?")


def _not_the_jacobian(given: np.ndarray, right: np.ndarray) -> str:
    if given.shape != right.shape:
        return f"Two outputs and three inputs make a Jacobian of shape {right.shape}; yours has {given.shape}."
    return "The shape is right, the numbers are not. Is each head gradient 1 in one place, and 0 elsewhere?"


exercises.add(
    Tried(
        "jacobian-rows",
        jacobian,
        [([0.3, -0.1, 0.2],)],
        [
            Mistake(
                lambda f, x: jacobian(f, x).T,
                hint="This has one row for each input. Transpose it: one row for each output.",
            ),
            Mistake(
                lambda f, x: _jacobian(f, x, copied=False),
                hint="All rows are the same. Has x.grad been copied before the next backward wrote over it?",
            ),
        ],
        otherwise=_not_the_jacobian,
        trial=_of_tanh,
        besides=_one_call,
        atol=1e-5,
    )
)


def accumulate(net, loss, batches):
    _accumulate(net, loss, batches)


def _accumulate(net, loss, batches, examples=None):
    parameters = net.collect_params()
    parameters.setattr("grad_req", "add")
    parameters.zero_grad()
    examples = examples or sum(len(X) for X, _ in batches)
    for X, y in batches:
        with autograd.record():
            value = loss(net(X), y).sum() / examples
        value.backward()


def _twice(answer: Callable) -> dict[str, np.ndarray]:
    rng = np.random.RandomState(0)
    X, y = nd.array(rng.normal(size=(12, 4))), nd.array(rng.normal(size=(12, 1)))
    net, loss = nn.Dense(1, in_units=4), gluon.loss.L2Loss()
    net.initialize()
    net.weight.set_data(nd.array([[0.01, -0.02, 0.03, 0.04]]))
    for parameter in net.collect_params().values():
        parameter.grad()[:] = 7  # else to do nothing would be right
    gradients = []
    for _ in range(2):
        answer(net, loss, [(X[:7], y[:7]), (X[7:], y[7:])])
        values = net.collect_params().values()
        gradients.append(np.concatenate([parameter.grad().asnumpy().ravel() for parameter in values]))
    return {"first": gradients[0], "second": gradients[1]}


exercises.add(
    Tried(
        "large-batch",
        accumulate,
        [()],
        [
            Mistake(
                lambda net, loss, batches: _accumulate(net, loss, batches, examples=1),
                hint="That is the gradient of the sum. Divide by the number of examples.",
            ),
            Mistake(
                lambda net, loss, batches: _accumulate(net, loss, batches, examples=6),
                hint="Exactly twice too large: were the gradients empty when you began?",
            ),
        ],
        otherwise={
            "first": "Not the gradient of the mean over all examples. "
            "Do examples of a small batch weigh more than others?",
            "second": "Right at the first call, not at the second: what is still in the gradients from before?",
        },
        trial=_twice,
        rtol=1e-4,
        atol=1e-6,
    )
)


def _estimator(slope):
    @final
    class StraightThrough(autograd.Function):
        def forward(self, x):
            self.save_for_backward(x)
            return nd.sign(x)

        def backward(self, dy):
            (x,) = self.saved_tensors
            return slope(x, dy)

    return StraightThrough


def _a_function(answer: Any) -> None:
    if not (isinstance(answer, type) and issubclass(answer, autograd.Function)):
        raise Hint(f"Hand in the class itself, a subclass of autograd.Function; this is {answer!r}.")


def _there_and_back(answer: type[autograd.Function], x: list[float], head: list[float]) -> dict[str, list[float]]:
    array = nd.array(x)
    array.attach_grad()
    with autograd.record():
        y = answer()(array)
    y.backward(nd.array(head))
    return {"y": y.asnumpy().tolist(), "slope": array.grad.asnumpy().tolist()}


exercises.add(
    Tried(
        "straight-through",
        _estimator(lambda x, dy: dy * (x.abs() <= 1)),
        [([-3.0, -0.5, 0.25, 0.75, 2.0], [1.0, 2.0, 3.0, 4.0, 5.0])],
        [
            Mistake(
                _estimator(lambda x, dy: 0 * dy),
                hint="Nothing flows back. For |x| ≤ 1 the estimator takes the derivative of x, which is 1.",
            ),
            Mistake(
                _estimator(lambda x, dy: x.abs() <= 1),
                hint="The slope is right. What does backward do with the gradient that it is given?",
            ),
            Mistake(_estimator(lambda x, dy: dy), hint="Right where |x| ≤ 1. What about the values farther out?"),
        ],
        otherwise={
            "y": "Forwards it is the plain sign; for {x} yours gives {given}.",
            "slope": "For {x} and head gradients 1 to 5, yours returns {given}.",
        },
        form=_a_function,
        trial=_there_and_back,
        rtol=0,
        atol=0,
    )
)


def layer_norm_backward(dy, X, gamma, eps):
    """By MXNet's own autograd."""
    X, gamma, beta = X.copy(), gamma.copy(), nd.zeros_like(gamma)
    for array in (X, gamma, beta):
        array.attach_grad()
    with autograd.record():
        c = X - X.mean(axis=1, keepdims=True)
        y = gamma * c / ((c**2).mean(axis=1, keepdims=True) + eps).sqrt() + beta
    y.backward(dy)
    return X.grad, gamma.grad, beta.grad


def _backwards(answer: Callable[..., Any], eps: float) -> dict[str, np.ndarray]:
    rng = np.random.RandomState(0)
    X, gamma, dy = (nd.array(rng.normal(size=shape), dtype="float64") for shape in ((6, 4), 4, (6, 4)))
    gradients = answer(dy, X, gamma, eps)
    if not isinstance(gradients, (tuple, list)) or len(gradients) != 3:
        raise Hint("Return three arrays: the gradients for X, gamma and beta.")
    by_name = dict(zip(("X", "gamma", "beta"), gradients))
    return {name: _as_numpy(by_name[name]) for name in ("beta", "gamma", "X")}


_LAYER_NORM_HINTS = {
    "X": "Are both means taken along the row, of gamma times dy? And where does eps go?",
    "gamma": "It collects dy times the normalized input, over all rows.",
    "beta": "It goes into every row with slope 1.",
}


def _not_the_gradient(part: str, given: np.ndarray, right: np.ndarray) -> str:
    if given.shape != right.shape:
        return f"The gradient for {part} has the shape of {part}, {right.shape}; yours has {given.shape}."
    return f"The gradient for {part} is not right yet. {_LAYER_NORM_HINTS[part]}"


exercises.add(
    Tried(
        "layer-norm",
        layer_norm_backward,
        [(0.1,)],  # eps is so large that a forgotten one is seen
        otherwise=_not_the_gradient,
        trial=_backwards,
        rtol=1e-8,
        atol=1e-10,
    )
)


def _as_numpy(array: Any) -> np.ndarray:
    """The numbers of an NDArray; raises a Hint for anything else."""
    if not isinstance(array, nd.NDArray):
        raise Hint(f"This must be an NDArray; it is a {type(array).__name__}.")
    return array.asnumpy()
