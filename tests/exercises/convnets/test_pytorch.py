"""The exercises of `convnets/pytorch`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

from answers import hints, right_answers
from mxnet.gluon import nn

from gluonbook.exercises.convnets.pytorch import step
from gluonbook.pytorch import load_state_dict


def build(layers, rename, arrays):
    net = nn.HybridSequential()
    net.add(*layers)
    net.initialize()
    load_state_dict(net, arrays, rename)
    return net


def fused(arrays):
    """With the activation in the convolution, which counts otherwise."""
    return build([nn.Conv2D(4, 3, activation="relu"), nn.MaxPool2D(), nn.Dense(10)], {"2": "4"}, arrays)


def linear(arrays):
    return build([nn.Conv2D(4, 3), nn.MaxPool2D(), nn.Dense(10)], {"2": "4"}, arrays)


def headless(arrays):
    return build([nn.Conv2D(4, 3)], None, {name: arrays[name] for name in ("0.weight", "0.bias")})


test_right_answers_are_right = right_answers(
    ("page-of-code", fused),
    ("clip-threshold", 16.0),
    ("translate-norm", [0.03, 128 / 127]),
    ("their-momentum", lambda w, v, g, lr, old_lr, mu: (w + (mu * v / old_lr - g) * lr, lr * (mu * v / old_lr - g))),
)


test_hints_fit_the_mistake = hints(
    ("their-momentum", lambda *given: step(*given)[0], "two things"),
    ("their-momentum", lambda w, v, g, lr, old_lr, mu: (w[:2], v), "keep their shape"),
    ("their-momentum", lambda w, v, g, lr, old_lr, mu: (w - lr * g, v), "plain momentum"),
    ("page-of-code", linear, "is there a ReLU"),
    ("page-of-code", headless, "Five images"),
    ("page-of-code", lambda arrays: arrays, "must return a network"),
)
