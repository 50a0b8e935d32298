"""The exercises of `convnets/pytorch`."""

from __future__ import annotations

from typing import Callable

import numpy as np
from mxnet import gluon, nd
from mxnet.gluon import nn

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, near
from gluonbook.exercises.tried import Tried
from gluonbook.pytorch import load_state_dict

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "clip-threshold",
        16,
        [
            Mistake(0.5, hint="Before the step, are Gluon's gradients those of a mean, or of a sum?"),
            Mistake(0.5 / 32, hint="The right factor, the wrong way round: which of the two norms is the larger?"),
            Mistake(32, hint="That is the factor. What is multiplied by it?"),
        ],
        otherwise="How many times as large as PyTorch's are Gluon's gradients between backward and step?",
    )
)

exercises.add(
    Numbers(
        "translate-norm",
        Place(
            0.03,
            [Mistake(0.97, hint="In Gluon that is the share of the old that is kept. What does PyTorch's stand for?")],
            otherwise="Gluon keeps 0.97 of the old. Which share does the batch have in the new?",
        ),
        Place(
            near(128 / 127, 2.5e-3),
            [
                Mistake(8 / 7, hint="These are the images. How many values has a channel in a batch?"),
                Mistake(16 / 15, hint="That is one image. How many values has a channel in a batch?"),
                Mistake(near(127 / 128, 2.5e-3), hint="The unbiased one is the larger of the two."),
                Mistake(1, hint="One of the two divides by n, the other by n − 1."),
            ],
            otherwise="It is n / (n − 1). Which values of a batch does one channel take its variance over?",
        ),
    )
)


def step(w, v, g, lr, old_lr, mu):
    v = mu * v * lr / old_lr - lr * g
    return w + v, v


def _walk(answer: Callable, rates: list[float]) -> dict[str, list]:
    rng = np.random.default_rng(0)
    w, v, old = rng.normal(size=3), np.zeros(3), rates[0]
    path = []
    for lr in rates:
        result = answer(w.copy(), v.copy(), rng.normal(size=3), lr, old, 0.9)
        if not isinstance(result, tuple) or len(result) != 2:
            raise Hint("Return two things, the new w and the new v.")
        (w, v), old = map(np.asarray, result), lr
        if w.shape != (3,) or v.shape != (3,):
            raise Hint(f"w and v keep their shape; yours are {w.shape} and {v.shape}.")
        path.append(w)
    return {"weights": path}


exercises.add(
    Tried(
        "their-momentum",
        step,
        [([0.1, 0.1, 0.1],), ([0.1, 0.1, 0.01, 0.01],), ([0.1, 0.2, 0.05],)],
        [
            Mistake(
                lambda w, v, g, lr, old_lr, mu: (w + mu * v - lr * g, mu * v - lr * g),
                hint="Right as long as the rate stays. When it changes, at which rate was the old v made?",
            ),
            Mistake(
                lambda w, v, g, lr, old_lr, mu: step(w, v, g, old_lr, lr, mu),
                hint="Look at which rate is the new one.",
            ),
            Mistake(
                lambda w, v, g, lr, old_lr, mu: (w + mu * v * old_lr / lr - lr * g, mu * v * old_lr / lr - lr * g),
                hint="You scale the old velocity the wrong way round: a smaller rate must make it smaller.",
            ),
        ],
        otherwise="At a constant rate it is plain momentum, v = mu * v - lr * g and w + v. Begin there.",
        trial=_walk,
    )
)


def rebuilt(arrays):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), nn.Activation("relu"), nn.MaxPool2D(), nn.Dense(10))
    net.initialize()
    load_state_dict(net, arrays, {"3": "4"})
    return net


def _theirs(arrays: dict[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    patches = np.lib.stride_tricks.sliding_window_view(X, (1, 1, 3, 3))
    Z = np.einsum("nchwabij,ocij->nohw", patches, arrays["0.weight"]) + arrays["0.bias"][:, None, None]
    Z = np.maximum(Z, 0).reshape(len(X), 4, 3, 2, 3, 2).max(axis=(3, 5)).reshape(len(X), -1)
    return Z @ arrays["4.weight"].T + arrays["4.bias"]


@exercises.judged("page-of-code", right=rebuilt)
def page_of_code(answer: Callable[[dict[str, np.ndarray]], gluon.Block]) -> None:
    rng = np.random.default_rng(0)
    shapes = {"0.weight": (4, 1, 3, 3), "0.bias": (4,), "4.weight": (10, 36), "4.bias": (10,)}
    X = rng.normal(size=(5, 1, 8, 8)).astype("float32")
    for _ in range(2):
        arrays = {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}
        net = answer({name: array.copy() for name, array in arrays.items()})
        if not isinstance(net, gluon.Block):
            raise Hint(f"rebuilt(arrays) must return a network; it returned a {type(net).__name__}.")
        out, right = net(nd.array(X)).asnumpy(), _theirs(arrays, X)
        if out.shape != right.shape:
            raise Hint(f"Five images give scores of shape {right.shape}; yours have {out.shape}.")
        if not np.allclose(out, right, rtol=1e-3, atol=1e-3):
            raise Hint("The shapes are right, the scores are not. Are all weights in, and is there a ReLU?")
