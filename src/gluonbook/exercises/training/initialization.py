"""The exercises of `training/initialization`."""

from __future__ import annotations

from typing import Any, Callable

import mxnet as mx
import numpy as np
from mxnet.gluon import nn

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "nine-linear-layers",
        near(1.3975e-6, 3e-8),
        [
            Mistake(near(1.953125e-12, 1e-14), hint="That is the variance. The standard deviation is its root."),
            Mistake(1953125, hint="Variances add up, not standard deviations: 500 inputs make √500 of it."),
            Mistake(near(1e-18, 1e-20), hint="A unit sums up 500 inputs. What does that do to the variance?"),
            Mistake(near(3.125e-7, 1e-8), hint="That is behind ten layers."),
            Mistake(near(6.25e-6, 1e-7), hint="That is behind eight layers."),
        ],
        otherwise="Each layer multiplies the variance by n·Var(w). What is that here, and what is its ninth power?",
    )
)

exercises.add(
    Number(
        "he-evenly",
        6,
        [
            Mistake(2, hint="That is for normal numbers. Those drawn evenly from −s to s have less variance than s²."),
            Mistake(3, hint="That gives variance 1/n. How much do rectifiers want?"),
            Mistake(6**0.5, hint="The root is in Xavier already: it draws from −√(m/n) to √(m/n)."),
            Mistake(
                2 / 3, hint="The variance of what is drawn evenly from −s to s is s²/3. Solve for s², not the reverse."
            ),
        ],
        otherwise="What is the variance of numbers drawn evenly from −√(m/n) to √(m/n)? It should be 2/n.",
    )
)


def gain(slope):
    return (2 / (1 + slope**2)) ** 0.5


exercises.add(
    Tried(
        "leaky-gain",
        gain,
        [(0.0,), (0.01,), (0.25,), (1.0,)],
        [
            Mistake(
                lambda slope: 2 / (1 + slope**2),
                hint="That is what the variance should be multiplied by. The weights are multiplied by its root.",
            ),
            Mistake(
                lambda slope: ((1 + slope**2) / 2) ** 0.5,
                hint="That is what such a unit does to a signal. The weights have to undo it.",
            ),
            Mistake(
                lambda slope: 2**0.5,
                hint="That is right for slope 0. What comes through below 0 counts, too.",
            ),
            Mistake(
                lambda slope: (2 / (1 + slope)) ** 0.5,
                hint="The slope multiplies the numbers below 0. By what does it multiply their squares?",
            ),
            Mistake(
                lambda slope: 2**0.5 / (1 + slope),
                hint="Squares add up here: the mean square above 0 and that below it.",
            ),
        ],
        otherwise="For a slope of {slope} it should be {right:.4f}, and yours is {given}. What is the mean square of "
        "what a leaky rectifier gives, for numbers as often below 0 as above?",
    )
)


def keeps(side, window):
    return _eigenvalue(side, window) ** 2


def _matrix(side: int, window: int) -> np.ndarray:
    i = np.arange(side)
    return (abs(i[:, None] - i) <= window // 2) / window


def _eigenvalue(side: int, window: int) -> float:
    return float(np.linalg.eigvalsh(_matrix(side, window)).max())


exercises.add(
    Tried(
        "wider-windows",
        keeps,
        [(4, 3), (8, 3), (4, 5), (7, 5), (3, 7), (5, 1), (1, 3)],
        [
            Mistake(_eigenvalue, hint="That is for one axis. A map has two."),
            Mistake(
                lambda side, window: float(_matrix(side, window).mean(axis=1).sum()) ** 2,
                hint="That is the mean share of the window that lies on the map. It is so in the first layer, before "
                "the signal has gathered in the middle; after many layers the largest eigenvalue decides.",
            ),
            Mistake(
                lambda side, window: ((1 + 2 * np.cos(np.pi / (side + 1))) / 3) ** 2,
                hint="That is right for windows of 3. Write down the matrix for one axis, for any window.",
            ),
            Mistake(
                lambda side, window: (_eigenvalue(side, window) * window) ** 2,
                hint="Weights of variance 1/n share among all places of the window, those beyond the border, too.",
            ),
            Mistake(
                lambda side, window: _eigenvalue(side, window) ** 4,
                hint="That is what becomes of a map in two layers. One per axis is enough.",
            ),
        ],
        otherwise="For side {side} and window {window} it should be {right:.4f}, and yours is {given}.",
    )
)


def level(net, X):
    for layer in net:
        if isinstance(layer, nn.Dense):
            layer.weight.set_data(layer.weight.data() / layer(X).asnumpy().std())
        X = layer(X)


@exercises.judged("level-layers", right=level)
def level_layers(answer: Callable) -> None:
    for activation in ("tanh", "relu"):
        net, X = _uneven(activation)
        before = [layer.weight.data().asnumpy() for layer in _dense(net)]
        answer(net, X)
        after = [layer.weight.data().asnumpy() for layer in _dense(net)]
        if all(np.array_equal(*pair) for pair in zip(before, after)):
            raise Hint("The weights of net are what they were. layer.weight.set_data(...) changes them.")
        ratios = [new / old for old, new in zip(before, after)]
        if any(np.ptp(ratio) > 1e-3 * abs(ratio).max() for ratio in ratios):
            raise Hint("Multiply all weights of a layer by one number each; yours have changed their proportions.")
        for place, deviation in enumerate(_deviations(net, X)):
            if abs(deviation - 1) > 0.05:
                first = " Does it see what the mended layers before it give?" if place else ""
                raise Hint(
                    f"With {activation}, dense layer {place + 1} of {len(before)} gives a standard deviation of "
                    f"{deviation:.3g} on X, and not 1.{first}"
                )
        if any(layer.bias.data().asnumpy().any() for layer in _dense(net)):
            raise Hint("Leave the biases at 0: the weights alone are rescaled.")


def _uneven(activation: str) -> tuple[nn.HybridSequential, mx.nd.NDArray]:
    """A net whose layers are too quiet here and too loud there, always the same."""
    random = np.random.RandomState(0)
    net, n = nn.HybridSequential(), 12
    for units, size in ((40, 0.01), (30, 2.0), (20, 0.05), (10, 1.0)):
        dense = nn.Dense(units, in_units=n)
        dense.initialize()
        dense.weight.set_data(mx.nd.array(random.normal(0, size, size=(units, n))))
        net.add(dense, nn.Activation(activation))
        n = units
    return net, mx.nd.array(random.normal(size=(200, 12)))


def _dense(net: Any) -> list[nn.Dense]:
    return [layer for layer in net if isinstance(layer, nn.Dense)]


def _deviations(net: Any, X: mx.nd.NDArray) -> list[float]:
    found = []
    for layer in net:
        X = layer(X)
        if isinstance(layer, nn.Dense):
            found.append(float(X.asnumpy().std()))
    return found
