"""The two small networks that the chapters train; both come back uninitialised: `net.initialize(init, ctx=ctx)`."""

from __future__ import annotations

from collections.abc import Sequence

from mxnet.gluon import nn

from gluonbook.checks import real, whole_number


def lenet(
    classes: int = 10, channels: Sequence[int] = (20, 50), hidden: int = 128, activation: str = "tanh"
) -> nn.HybridSequential:
    """LeNet for images of shape (batch, channel, height, width) from 4×4 up, so 8×8 digits as well as 28×28 MNIST.

    A 5×5 convolution padded by 2, which keeps the size, and 2×2 maximum pooling, which halves it, once for each
    entry of `channels`; then a dense layer of `hidden` units, and one of `classes` scores (logits, no softmax).
    After LeCun et al. (1998), whose tanh it keeps; pooling takes the maximum, as nearly every network since does.
    """
    net = nn.HybridSequential()
    hidden, classes = whole_number("hidden", hidden, 1), whole_number("classes", classes, 1)
    for count in channels:
        net.add(
            nn.Conv2D(whole_number("channels", count, 1), kernel_size=5, padding=2, activation=activation),
            nn.MaxPool2D(pool_size=2, strides=2),
        )
    net.add(nn.Dense(hidden, activation=activation), nn.Dense(classes))
    return net


def mlp(
    hidden: Sequence[int] = (64,), classes: int = 10, activation: str = "relu", dropout: float = 0.0
) -> nn.HybridSequential:
    """Dense layers of `hidden` units, each followed by dropout where `dropout` > 0, then `classes` scores (logits).

    An input of any shape (batch, ...) is flattened. Raises ValueError for a `dropout` outside [0, 1).
    """
    dropout, classes = real("dropout", dropout, "[0, 1)"), whole_number("classes", classes, 1)
    net = nn.HybridSequential()
    for units in hidden:
        net.add(nn.Dense(whole_number("hidden", units, 1), activation=activation))
        if dropout:
            net.add(nn.Dropout(dropout))
    net.add(nn.Dense(classes))
    return net
