"""The exercises of `signum/custom_optimizer`."""

from __future__ import annotations

from typing import Any, Callable, final

import mxnet as mx
import numba
import numpy as np
from mxnet import nd

from gluonbook import optimizers
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "bytes-of-adam",
        Place(
            28,
            [
                Mistake(7, 5, hint="Those are numbers; each of them has 4 bytes."),
                Mistake(20, hint="That is Signum, with one number of state. Adam keeps two."),
                Mistake(32, hint="The gradient is read, but is it written?"),
            ],
            otherwise="With 32 bits: count what is read, then what is written.",
        ),
        Place(
            28,
            [
                Mistake(30, hint="Does the pass have to read the short weight, when it has the master copy?"),
                Mistake(26, hint="Two bytes are missing: does the network see the new weight?"),
            ],
            otherwise="The first is right. In mixed precision: "
            "the gradient and the short weight have 2 bytes, all else 4.",
        ),
    )
)


def lion(weight, grad, m, lr, beta1, beta2):
    weight[:] = weight - lr * (beta1 * m + (1 - beta1) * grad).sign()
    m[:] = beta2 * m + (1 - beta2) * grad


_LR, _BETA1, _BETA2 = 0.125, 0.75, 0.9375


def _five_steps() -> list[tuple[nd.NDArray, nd.NDArray, nd.NDArray]]:
    """Weight, gradient and m before each of five steps of the book's own Lion."""
    luck = np.random.RandomState(0)
    weight, m, *grads = (nd.array(luck.randn(200)) for _ in range(7))
    rule = optimizers.Lion(learning_rate=_LR, beta1=_BETA1, beta2=_BETA2)
    steps = []
    for grad in grads:
        steps.append((weight.copy(), grad, m.copy()))
        rule.update(0, weight, grad, m)
    return steps


def _stepped(
    answer: Callable[..., object], weight: nd.NDArray, grad: nd.NDArray, m: nd.NDArray
) -> dict[str, nd.NDArray]:
    before, kept = weight.copy(), grad.copy()
    answer(weight, grad, m, _LR, _BETA1, _BETA2)
    if (grad != kept).sum().asscalar():
        raise Hint("The gradient has changed; leave it as it is.")
    if not (weight != before).sum().asscalar():
        raise Hint("The weight has not moved. `weight = ...` makes a new array: write weight[:] = ...")
    return {"m": m, "weight": weight}


exercises.add(
    Tried(
        "lion-in-expressions",
        lion,
        _five_steps,
        [
            Mistake(
                lambda weight, grad, m, lr, beta1, beta2: lion(weight, grad, m, -lr, beta1, beta2),
                hint="The weight moves along the gradient, so the loss goes up. Which sign has the step?",
            ),
        ],
        otherwise={
            "m": "m is not right after a step: which of the two betas does it take, and is it changed in place?",
            "weight": "m is right and the weight is not: does the step see the old m, mixed with beta1?",
        },
        trial=_stepped,
        rtol=0,
        atol=1e-5,
    )
)


# What nobody may take: the names of MXNet and of the book, and those that the chapter gives. A reader's own are free.
_TAKEN = {"papersignum", "mysignum"} | {
    name
    for name, kind in mx.optimizer.Optimizer.opt_registry.items()
    if kind.__module__.startswith(("mxnet.", "gluonbook."))
}


@final
@mx.optimizer.register
class BooksSign(mx.optimizer.Optimizer):
    def update(self, index, weight, grad, state):
        self._update_count(index)
        lr, wd = self._get_lr(index), self._get_wd(index)
        weight[:] = weight - lr * (self.rescale_grad * grad + wd * weight).sign()


@exercises.judged("registered-class", right=BooksSign)
def registered_class(kind: type) -> None:
    if not isinstance(kind, type) or not issubclass(kind, mx.optimizer.Optimizer):
        raise Hint("Hand in the class itself, one that inherits from mx.optimizer.Optimizer.")
    name = kind.__name__.lower()
    if mx.optimizer.Optimizer.opt_registry.get(name) is not kind:
        raise Hint(
            f"Nobody, or somebody else, answers to the name {name!r}. Is @mx.optimizer.register above the class?"
        )
    if name in _TAKEN:
        raise Hint(f"The name {name!r} was not free.")
    if kind(learning_rate=0.125).create_state(0, nd.zeros(4)) is not None:
        raise Hint("It keeps a state that the formula has no use for: what does create_state of the base class return?")
    _must_agree(kind, {"learning_rate": 0.125}, "Without further options, one step is not w − η·sign(g).")
    _must_agree(kind, {"rescale_grad": 0.5, "wd": 0.25}, "With rescale_grad and wd: is wd·w inside the sign?")
    _must_agree(kind, {"learning_rate": 0.125, "lr_mult": 2.0}, "The parameter's lr_mult has no effect: see _get_lr.")
    schedule = mx.lr_scheduler.FactorScheduler
    _must_agree(kind, {"schedule": schedule}, "The schedule stands still: who counts the steps?")


def _must_agree(kind: type, options: dict[str, Any], hint: str) -> None:
    if not np.allclose(_after(kind, **options), _after(optimizers.SignSGD, **options), rtol=0, atol=1e-5):
        raise Hint(hint)


def _after(kind: type, lr_mult: float = 1.0, schedule: type | None = None, **options: Any) -> np.ndarray:
    """A weight after three steps, of which the first has a zero in its gradient."""
    if schedule:
        options |= {"learning_rate": 0.125, "lr_scheduler": schedule(step=1, factor=0.5, base_lr=0.125)}
    optimizer = kind(**{"learning_rate": 0.0625, **options})
    optimizer.set_lr_mult({0: lr_mult})
    updater, weight = mx.optimizer.get_updater(optimizer), nd.array([0.5, -1.0, 1.0, 0.25])
    for grad in ([0.0, 1.0, -2.0, -0.125], [1.0, 1.0, 0.25, -0.125], [-1.0, 3.0, -0.25, 0.25]):
        updater(0, nd.array(grad), weight)
    return weight.asnumpy()


@numba.njit
def sgd_pass(weight, grad, mom, lr, momentum):
    for i in range(weight.size):
        mom[i] = momentum * mom[i] - lr * grad[i]
        weight[i] += mom[i]


@exercises.judged("one-pass-sgd", right=sgd_pass)
def one_pass_sgd(answer: Any) -> None:
    if not hasattr(answer, "signatures"):
        raise Hint("Compile it: put @numba.njit above the function.")
    luck = np.random.RandomState(0)
    weight, grad, mom = (luck.randn(10_001).astype(np.float32) for _ in range(3))
    lr, momentum = np.float32(0.1), np.float32(0.9)
    for step in range(3):
        expected = [nd.array(array) for array in (weight, grad, mom)]
        nd.sgd_mom_update(*expected, out=expected[0], lr=0.1, momentum=0.9)
        answer(weight, grad, mom, lr, momentum)
        found = (weight, grad, mom)
        for name, array, right in zip(("weight", "gradient", "momentum"), found, map(nd.NDArray.asnumpy, expected)):
            if name == "gradient" and (array != right).any():
                raise Hint("The gradient has changed; it is only to be read.")
            if not np.allclose(array, right, rtol=0, atol=1e-4):
                raise Hint(f"The {name} is wrong after {step + 1} steps; it is changed in place, element by element.")
            if (array != right).any():
                raise Hint(f"Nearly: some bits of the {name} differ. Which numbers are multiplied first?")
    if any("NRT_MemInfo_alloc" in text or "NRT_Allocate" in text for text in answer.inspect_llvm().values()):
        raise Hint("The right bits, but it makes arrays on its way: work on one element at a time.")
