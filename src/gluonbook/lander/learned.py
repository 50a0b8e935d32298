"""A net as the force that a controller reckons with."""

from __future__ import annotations

from typing import Any, Union, final

import numpy as np
from mxnet import gluon

from gluonbook import lipschitz
from gluonbook.lander.drone import Drone

Values = Union[float, np.ndarray]


def features(drone: Drone, z: Values, v: Values, u: Values) -> np.ndarray:
    """What a net is told of a state: (z/0.25 m, v/(2 m/s), u/(2·m·g)), float32 of shape (..., 3), for shapes (...).

    The scales decide what a bound on the net is worth. Of a force m·g·net, the slope in u is half that of the net in
    its third input, and the slope in z is 4·m·g per metre times that in the first.
    """
    return _scaled(drone, z, v, u).astype(np.float32)


@final
class LearnedForce:
    """force(z, v, u) = m·g·net(features), in N, with the net's weights as they are now.

    It is computed in NumPy, in float64: a controller that asks a hundred times a second has no use for batches.

    Args:
        net: dense layers with ReLUs between them, and no activation at the end; three inputs and one output, such as
            `models.mlp(hidden, classes=1)`.

    Raises:
        ValueError: the net is made of something else, or its weights have no values yet.
    """

    def __init__(self, net: gluon.Block, drone: Drone) -> None:
        layers = lipschitz.dense_layers(net)
        acts = [layer.act and layer.act._act_type for layer in layers]
        shapes = [layer.weight.shape for layer in layers]
        plain = layers in ([net], list(net._children.values()))
        if not plain or acts != ["relu"] * (len(layers) - 1) + [None] or (shapes[0][1], shapes[-1][0]) != (3, 1):
            raise ValueError(f"net must be dense layers with ReLUs between, from 3 inputs to 1 output, got {net!r}")
        self.drone = drone
        self.steepest = lipschitz.bound(net) / 2  # no slope in u is steeper, wherever
        self._layers = [
            (_numbers(layer.weight), 0.0 if layer.bias is None else _numbers(layer.bias)) for layer in layers
        ]

    def __call__(self, z: Values, v: Values, u: Values) -> Any:
        """The force, for arrays of one shape, or numbers."""
        *hidden, (W, b) = self._layers
        x = _scaled(self.drone, z, v, u)
        for V, c in hidden:
            x = np.maximum(x @ V.T + c, 0)
        return self.drone.weight * (x @ W.T + b)[..., 0]

    def slope(self, z: Values, v: Values, u: Values) -> Any:
        """The derivative in u, which has no unit, of the piece of the net that the state lies on."""
        *hidden, (W, _) = self._layers
        x = _scaled(self.drone, z, v, u)
        dx = np.zeros_like(x)
        dx[..., 2] = 1 / (2 * self.drone.weight)
        for V, c in hidden:
            x = x @ V.T + c
            dx = (dx @ V.T) * (x > 0)
            x = np.maximum(x, 0)
        return self.drone.weight * (dx @ W.T)[..., 0]


def _numbers(parameter: gluon.Parameter) -> np.ndarray:
    return parameter.list_data()[0].asnumpy().astype(np.float64)


def _scaled(drone: Drone, z: Values, v: Values, u: Values) -> np.ndarray:
    return np.stack([np.asarray(z) / 0.25, np.asarray(v) / 2, np.asarray(u) / (2 * drone.weight)], axis=-1)
