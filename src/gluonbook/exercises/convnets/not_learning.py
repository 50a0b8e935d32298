"""The exercises of `convnets/not_learning`."""

from __future__ import annotations

import math
from typing import Any, Callable

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluonbook import datasets, models
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, near
from gluonbook.exercises.tried import Tried
from gluonbook.exercises.verbal import Words
from gluonbook.training import set_seed

exercises = Exercises(__name__)
check = exercises.check


def _about(value: float) -> Any:
    return near(value, 0.001 * value)


exercises.add(
    Numbers(
        "what-to-expect",
        Place(
            _about(math.log(1000)),
            [Mistake(_about(math.log10(1000)), hint="The natural logarithm: the unit is the nat.")],
            otherwise="It gives each class the same probability. How surprised is it by the right one?",
        ),
        Place(
            _about(math.log(2)),
            [Mistake(_about(0.5), hint="That is the probability. What is the surprise?")],
            otherwise="Yes or no: how many classes are that?",
        ),
        Place(
            _about(2.0),
            [
                Mistake(_about(4.0), hint="That is the mean square. Which share of it does L2Loss take?"),
                Mistake(_about(1.0), hint="The variance is the square of the standard deviation."),
            ],
            otherwise="The net says 0. What is the mean square of the numbers, and what does L2Loss make of it?",
        ),
    )
)

exercises.add(
    Number(
        "how-low",
        _about(math.log(1 + 99 / math.e)),
        [
            Mistake(0.0, hint="A single softmax would get there. What is the largest score that the first one gives?"),
            Mistake(_about(math.log(100)), hint="That is where it starts."),
            Mistake(_about(math.log(1 + 9 / math.e)), hint="That is the floor for ten classes."),
            Mistake(_about(math.log(1 + 100 / math.e)), hint="How many classes are wrong ones?"),
        ],
        otherwise="The best that the first softmax gives is a 1 and zeros. What does the second make of it?",
    )
)

ILLNESSES = ("none", "softmax twice", "softmax over the batch", "first layer frozen", "dead units", "gradients add up")
SICK = {"A": "softmax over the batch", "B": "dead units", "C": "gradients add up"}
_entropy = gluon.loss.SoftmaxCrossEntropyLoss()


def _over_the_batch(out, y):
    return -nd.pick(nd.log_softmax(out, axis=0), y)


def patient(name: str) -> tuple[gluon.Block, Callable, nd.NDArray, nd.NDArray]:
    """A net, its loss and a batch of 64 digits, X and y. Something is wrong with the net or with the loss."""
    if name not in SICK:
        raise ValueError(f"there is no patient {name!r}; there are {', '.join(SICK)}")
    set_seed(ord(name))
    X, y = (nd.array(part) for part in datasets.load("digits").train[:64])
    net = models.mlp((64,))
    net.initialize(mx.init.Xavier())
    net(X)
    if SICK[name] == "dead units":
        net[0].bias.set_data(nd.full((64,), -20.0))
    if SICK[name] == "gradients add up":
        net.collect_params().setattr("grad_req", "add")
    return net, _over_the_batch if SICK[name] == "softmax over the batch" else _entropy, X, y


_LOOK = {
    "A": "Which loss does patient A have at the start, and of what number is that the logarithm?",
    "B": "Patient B starts with the loss that it should. What is the gradient of each of its layers?",
    "C": "Patient C starts with the loss that it should, and all layers have gradients. Go backward once more.",
}

exercises.add(Words("three-patients", {name: (SICK[name], hint) for name, hint in _LOOK.items()}, among=ILLNESSES))


def culprit(net):
    for i in reversed(range(len(net))):
        for p in net[i].collect_params().values():
            if p.grad_req != "null" and not np.isfinite(p.grad().asnumpy()).all():
                return i
    return None


def _hurt(answer: Callable, bad: tuple[int, ...], which: str, what: float, frozen: tuple[int, ...]) -> Any:
    net = nn.HybridSequential()
    net.add(nn.Dense(3, in_units=3), nn.Activation("relu"), nn.Dense(3, in_units=3), nn.Dense(2, in_units=3))
    net.initialize(mx.init.Xavier())
    for i in frozen:
        net[i].collect_params().setattr("grad_req", "null")
    with autograd.record():
        out = net(nd.ones((2, 3)))
    out.backward()
    for i in bad:
        getattr(net[i], which).grad()[:] = what
    found = answer(net)
    if isinstance(found, (bool, np.bool_)) or not (found is None or isinstance(found, (int, np.integer))):
        raise Hint(f"Return a position or None; this returned {found!r:.40}.")
    return -1 if found is None else int(found)


def _first(net):
    bad = [
        i
        for i in range(len(net))
        for p in net[i].collect_params().values()
        if p.grad_req != "null" and not np.isfinite(p.grad().asnumpy()).all()
    ]
    return bad[0] if bad else None


def _only(which: str) -> Callable[[gluon.Block], int | None]:
    def find(net: gluon.Block) -> int | None:
        for i in reversed(range(len(net))):
            p = getattr(net[i], which, None)
            if p is not None and p.grad_req != "null" and not np.isfinite(p.grad().asnumpy()).all():
                return i
        return None

    return find


def _only_nan(net):
    for i in reversed(range(len(net))):
        for p in net[i].collect_params().values():
            if p.grad_req != "null" and np.isnan(p.grad().asnumpy()).any():
                return i
    return None


exercises.add(
    Tried(
        "gradient-hunter",
        culprit,
        [
            ((0, 2), "bias", math.nan, ()),
            ((), "bias", 0.0, ()),
            ((0,), "weight", math.inf, ()),
            ((0, 2, 3), "bias", -math.inf, ()),
            ((2,), "bias", math.nan, (0,)),
        ],
        [
            Mistake(_first, hint="That is the layer nearest to the input. Backward comes from the other side."),
            Mistake(_only_nan, hint="Infinite is not finite either, and it is where nan comes from."),
            Mistake(
                lambda net: None,
                _only("weight"),
                _only("bias"),
                hint="You find nothing where there is something. Look at all parameters of a layer.",
            ),
        ],
        otherwise="Layers {bad} hold a gradient that is not finite, and your answer is {given} (-1 stands for None).",
        trial=_hurt,
    )
)
