"""The exercises of `gluon/layers`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Callable, final

import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

Block = Callable[..., gluon.HybridBlock]

exercises.add(
    Number(
        "count-shared",
        745,
        [
            Mistake(1585, hint="So many there would be if each layer had numbers of its own."),
            Mistake(
                1165,
                hint="second is in the net twice, and third has its numbers: the same, three times.",
            ),
            Mistake(700, hint="Those are the weights. A dense layer has a bias as well."),
        ],
        otherwise="List the layers that have numbers of their own, and count (inputs + 1) for each of their units.",
    )
)


def _made(make: Callable[[], gluon.HybridBlock]) -> gluon.HybridBlock:
    """A fresh block; raises a Hint where it is none."""
    net = make()
    if not isinstance(net, gluon.HybridBlock):
        raise Hint(f"Hand in the class, a HybridBlock; calling it gave a {type(net).__name__}.")
    return net


def _hybridized(net: gluon.HybridBlock, X: nd.NDArray) -> nd.NDArray:
    """What the net makes of X once hybridized; raises a Hint where that fails."""
    net.hybridize()
    try:
        return net(X)
    except Exception as error:
        raise Hint(f"Fine imperatively. Hybridized it raises {type(error).__name__}: {error}") from error


def _scaled(scale: str | None = "ones", shift: str | None = "zeros", swapped: bool = False) -> type:
    @final
    class ScaleShift(gluon.HybridBlock):
        def __init__(self, features):
            super().__init__()
            self.scale = self.params.get("scale", shape=(features,), init=scale)
            self.shift = self.params.get("shift", shape=(features,), init=shift)

        def hybrid_forward(self, F, x, scale, shift):
            if swapped:
                return F.broadcast_mul(F.broadcast_add(x, shift), scale)
            return F.broadcast_add(F.broadcast_mul(x, scale), shift)

    return ScaleShift


def _try_scale(answer: Block, X: nd.NDArray) -> dict[str, Any]:
    features = X.shape[1]
    net = _made(lambda: answer(features))
    found = net.collect_params()
    shapes = [parameter.shape for parameter in found.values()]
    if shapes != [(features,), (features,)]:
        raise Hint(f"There should be two vectors of {features} numbers to learn; Gluon finds the shapes {shapes}.")
    net.initialize(mx.init.Constant(3))
    shown = {"at first, after initialize(init.Constant(3))": net(X)}
    in_order = sorted(found.values(), key=lambda parameter: -parameter.data().mean().asscalar())  # the scale is larger
    for number, parameter in enumerate(in_order):
        parameter.set_data(nd.arange(features) + 2 + 5 * number)
    shown["with other numbers"] = net(X)
    shown["with other numbers, hybridized"] = _hybridized(net, X)
    return shown


def _not_scaled(part: str, given: nd.NDArray, right: nd.NDArray) -> str:
    if given.shape != right.shape:
        return f"The result has the shape of the input, {right.shape}; {part}, yours has {given.shape}."
    return f"{part.capitalize()}, the first row should be {right[0].asnumpy()}; yours is {given[0].asnumpy()}."


exercises.add(
    Tried(
        "scale-and-shift",
        _scaled(),
        lambda: [(nd.array([[1.0, -2.0, 3.0], [0.5, 0.0, 4.0]]),), (nd.array([[2.0, 1.0]]),)],
        [
            Mistake(
                _scaled(scale=None, shift=None),
                _scaled(scale=None),
                _scaled(shift=None),
                hint="It must begin by changing nothing, whatever `initialize` is given. What has the first say?",
            ),
            Mistake(_scaled(swapped=True), hint="Multiply first, then add: what is added must not be scaled."),
        ],
        otherwise=_not_scaled,
        trial=_try_scale,
        atol=1e-6,
    )
)


def _tower(last_too: bool = False, linear: bool = False) -> type:
    @final
    class Tower(gluon.HybridBlock):
        def __init__(self, widths):
            super().__init__()
            layers = [nn.Dense(width, activation=None if linear else "relu") for width in widths[:-1]]
            layers.append(nn.Dense(widths[-1], activation="relu" if last_too else None))
            self.layers = nn.HybridSequential()
            self.layers.add(*layers)

        def hybrid_forward(self, F, x):
            for layer in self.layers:
                x = layer(x)
            return x

    return Tower


def _try_tower(answer: Block, widths: Sequence[int], X: nd.NDArray) -> dict[str, nd.NDArray]:
    net = _made(lambda: answer(list(widths)))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = list(net.collect_params().values())
    if len(found) != 2 * len(widths):
        raise Hint(
            f"Widths {list(widths)} make {2 * len(widths)} parameters, of which Gluon finds {len(found)}. "
            "A list of layers is not found: what registers a child?"
        )
    if heard:
        raise Hint(f"Gluon warns: {heard[0].message}")
    net.initialize()
    net(X)
    for number, parameter in enumerate(found):  # in the order of the layers
        parameter.set_data(nd.cos(nd.arange(parameter.data().size) + number).reshape(parameter.shape))
    imperatively = net(X)
    return {"imperatively": imperatively, "hybridized": _hybridized(net, X)}


def _not_the_tower(part: str, given: nd.NDArray, right: nd.NDArray) -> str:
    if given.shape != right.shape:
        return f"The last width is the width of the answer: {right.shape}; {part}, yours has {given.shape}."
    return f"{part.capitalize()} these are not the layers in their order, with a ReLU between two of them."


exercises.add(
    Tried(
        "tower-of-layers",
        _tower(),
        lambda: [(widths, nd.sin(nd.arange(12)).reshape((3, 4))) for widths in ((5, 3, 2), (6, 4, 3, 2), (3,))],
        [
            Mistake(_tower(last_too=True), hint="There is no ReLU behind the last layer."),
            Mistake(_tower(linear=True), hint="Put a ReLU behind every layer but the last."),
        ],
        otherwise=_not_the_tower,
        trial=_try_tower,
        atol=1e-5,
    )
)


def silent(net, X):
    shares = []

    def watch(layer, inputs, output):
        shares.append(float((output == 0).mean().asscalar()))

    hooks = [layer.register_forward_hook(watch) for layer in net]
    net(X)
    for hook in hooks:
        hook.detach()
    return shares


def _zeros(left: bool = False, inputs: bool = False, first_row: bool = False) -> Callable[..., list[float]]:
    def silent(net, X):
        shares = []

        def watch(layer, given, output):
            numbers = given[0] if inputs else output
            shares.append(float(((numbers[:1] if first_row else numbers) == 0).mean().asscalar()))

        hooks = [layer.register_forward_hook(watch) for layer in net]
        net(X)
        for hook in [] if left else hooks:
            hook.detach()
        return shares

    return silent


def _watched(answer: Callable[..., list[float]], seed: int) -> dict[str, Any]:
    net = nn.HybridSequential()
    net.add(nn.Dense(16, activation="relu"), nn.Dense(8), nn.Activation("relu"), nn.Dense(3))
    X = nd.sin(nd.arange(40) * (seed + 1)).reshape((10, 4))
    net.initialize()
    net(X)
    for number, parameter in enumerate(net.collect_params().values()):
        parameter.set_data(nd.sin(nd.arange(parameter.data().size) + number + seed).reshape(parameter.shape))
    shares = answer(net, X)
    if not isinstance(shares, (list, tuple)) or len(shares) != len(net):
        raise Hint(f"A list of {len(net)} shares should come out, one for each child of net.")
    left = sum(len(layer._forward_hooks) + len(layer._forward_pre_hooks) for layer in (net, *net))
    return {"shares": [float(share) for share in shares], "left": left}


exercises.add(
    Tried(
        "share-of-zeros",
        silent,
        [(0,), (1,)],
        [
            Mistake(_zeros(inputs=True), hint="That is what goes in. A hook gets the layer, its inputs, its output."),
            Mistake(_zeros(first_row=True), hint="That is the first example alone; take the whole batch."),
            Mistake(_zeros(left=True), hint="Right; but {given} hooks are left in the network. Take them away again."),
        ],
        otherwise={
            "shares": "The shares are {right}; yours are {given}.",
            "left": "{given} hooks are left in the network. Take them away again.",
        },
        trial=_watched,
    )
)


def _straight(gradient: Callable[..., Any], value: Callable[..., Any] = lambda F, x: F.sign(x)) -> type:
    """A block with that value, and the gradient of another function."""

    @final
    class ClippedSign(gluon.HybridBlock):
        def hybrid_forward(self, F, x):
            flows = gradient(F, x)
            return flows + F.BlockGrad(value(F, x) - flows)

    return ClippedSign


@final
class _TrueSign(gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        return F.sign(x)


@final
class _JustClipped(gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        return F.clip(x, -1, 1)


def _signed(answer: Block, x: Sequence[float]) -> dict[str, Any]:
    net, X = _made(answer), nd.array(x)
    net.initialize()
    X.attach_grad()
    shown = {}
    for how in ("imperatively", "hybridized"):
        if how == "hybridized":
            _hybridized(net, X)
        with autograd.record():
            y = net(X)
        y.backward(nd.full(len(x), 3.0))
        shown[how] = y.asnumpy().tolist()
        shown[f"the gradient, {how},"] = X.grad.asnumpy().tolist()
    return shown


_WRONG_VALUE = "For {x} the values are {right}; {part}, yours are {given}."
_WRONG_SLOPE = "For {x} and head gradients of 3 {part} should be {right}; yours is {given}."

exercises.add(
    Tried(
        "straight-within",
        _straight(lambda F, x: F.clip(x, -1, 1)),
        [([-2.5, -0.5, 0.25, 1.5],), ([0.75, -3.0],)],
        [
            Mistake(_TrueSign, hint="The values are right; the gradient is that of the sign, zero everywhere."),
            Mistake(
                _straight(lambda F, x: x),
                hint="The gradient passes everywhere, also for |x| > 1, where it should be zero.",
            ),
            Mistake(_JustClipped, hint="The gradient is right; the values should be signs, not x clipped."),
        ],
        otherwise={
            "imperatively": _WRONG_VALUE,
            "the gradient, imperatively,": _WRONG_SLOPE,
            "hybridized": _WRONG_VALUE,
            "the gradient, hybridized,": _WRONG_SLOPE,
        },
        trial=_signed,
        atol=1e-6,
    )
)
