"""The exercises of `gluon/layers`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

from answers import hints, right_answers
from mxnet import gluon, nd
from mxnet.gluon import nn


def scale_shift(vectors=("scale", "shift"), broadcast=True, kept=False, reverse=False):
    """A `ScaleShift`, or one that has gone wrong."""

    class Made(gluon.HybridBlock):
        def __init__(self, features):
            super().__init__()
            if kept:
                self.scale, self.shift = nd.ones(features), nd.zeros(features)
                return
            for name in vectors[::-1] if reverse else vectors:
                first = "ones" if name == "scale" else "zeros"
                setattr(self, name, self.params.get(name, shape=(features,), init=first))

        def hybrid_forward(self, F, x, scale=None, shift=None):
            if kept:
                return x * self.scale + self.shift
            if not broadcast:
                return x * scale + shift
            scaled = F.broadcast_mul(x, scale)
            return scaled if shift is None else F.broadcast_add(scaled, shift)

    return Made


def tower(collect, relu=True):
    """A `Tower` whose layers are put together by `collect(block, layers)`."""

    class Made(gluon.HybridBlock):
        def __init__(self, widths):
            super().__init__()
            self.many = len(widths)
            layers = [nn.Dense(width) for width in widths]
            collect(self, layers)
            self.get = lambda number: layers[number]

        def hybrid_forward(self, F, x):
            for number in range(self.many):
                x = self.get(number)(x)
                x = F.relu(x) if relu and number < self.many - 1 else x
            return x

    return Made


def registered(block, layers):
    for number, layer in enumerate(layers):
        block.register_child(layer, f"layer{number}")


def listed(block, layers):
    block.layers = layers


def nothing(block, layers):
    pass


def half_registered(block, layers):
    block.first = layers[0]
    block.layers = layers


def by_taking_layers_in_turn(net, X):
    shares = []
    for layer in net:
        X = layer(X)
        shares.append((X.asnumpy() == 0).mean())
    return shares


def sign(F, x, gradient):
    return gradient + F.BlockGrad(F.sign(x) - gradient)


def block(forward):
    class Made(gluon.HybridBlock):
        def hybrid_forward(self, F, x):
            return forward(F, x)

    return Made


test_right_answers_are_right = right_answers(
    ("scale-and-shift", scale_shift()),
    ("scale-and-shift", scale_shift(reverse=True)),
    ("tower-of-layers", tower(registered)),
    ("share-of-zeros", by_taking_layers_in_turn),
    ("straight-within", block(lambda F, x: sign(F, x, F.maximum(F.minimum(x, 1), -1)))),
    ("straight-within", block(lambda F, x: sign(F, x, x * F.BlockGrad(F.abs(x) < 1)))),
)


test_hints_fit_the_mistake = hints(
    ("scale-and-shift", scale_shift(kept=True), "Gluon finds the shapes []"),
    ("scale-and-shift", scale_shift(vectors=("scale",)), "two vectors of 3 numbers"),
    ("scale-and-shift", scale_shift(broadcast=False), "Hybridized it raises"),
    ("scale-and-shift", lambda features: features, "a HybridBlock"),
    ("tower-of-layers", tower(listed), "of which Gluon finds 0"),
    ("tower-of-layers", tower(nothing), "of which Gluon finds 0"),
    ("tower-of-layers", tower(half_registered), "of which Gluon finds 2"),
    ("tower-of-layers", tower(registered, relu=False), "Put a ReLU"),
    ("tower-of-layers", tower(lambda block, layers: registered(block, layers[::-1])), "not the layers in their order"),
    ("share-of-zeros", lambda net, X: [0.5], "one for each child"),
    ("share-of-zeros", lambda net, X: net(X), "one for each child"),
    ("share-of-zeros", lambda net, X: [1 - share for share in by_taking_layers_in_turn(net, X)], "The shares are"),
    ("straight-within", block(lambda F, x: F.sign(x) * 2), "the values are"),
    ("straight-within", block(lambda F, x: sign(F, x, F.tanh(x))), "head gradients of 3"),
    ("straight-within", block(lambda F, x: sign(F, x, x if x.sum() > 0 else -x)), "Hybridized it raises"),
)
