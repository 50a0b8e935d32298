"""How steep a net can be: a bound on its Lipschitz constant, and a step for `fit` that keeps the net below one.

A net of dense layers W₁, …, W_n, with activations of slope at most 1 between them, changes by at most

    ‖f(x) − f(y)‖ ≤ ‖W₁‖·…·‖W_n‖·‖x − y‖,

where ‖W‖ is the spectral norm, the largest singular value. Biases do not matter. The product is a bound, and not the
Lipschitz constant itself: that is at least the steepest slope which one finds, and often far smaller.

    fit(net, trainer, data, loss=gluon.loss.L2Loss(), step=lipschitz.Limited(gamma=1.0), epochs=100, batch_size=50)

Source: Miyato, Kataoka, Koyama and Yoshida, Spectral normalization for generative adversarial networks (2018),
arXiv:1802.05957, divides each W by ‖W‖, whether that is above 1 or below. Here a layer is scaled down alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import final

import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

from gluonbook.blocks import computes_as
from gluonbook.checks import real
from gluonbook.training.outcome import Outcome
from gluonbook.training.scaling import store_has_optimizer
from gluonbook.training.step import Batch, PlainStep, Step

__all__ = ["Limited", "bound", "dense_layers", "limit"]

_GENTLE = ("relu", "sigmoid", "softrelu", "softsign", "tanh")  # activations whose slope is at most 1


def dense_layers(net: gluon.Block) -> list[nn.Dense]:
    """The dense layers of a net, from the input to the output.

    Between them, in `nn.Sequential` or `nn.HybridSequential`, however deep, may stand what is no steeper than 1 when
    the net predicts: the activations relu, sigmoid, softrelu, softsign and tanh, dropout, and `nn.Flatten`. A subclass
    of any of these is another layer if it has a `forward`, `hybrid_forward` or `__call__` of its own.

    Raises:
        ValueError: the net has another layer, of which this says nothing, or no dense layer; or one has no values yet.
    """
    layers = list(_dense(net))
    if not layers:
        raise ValueError("net must have a dense layer")
    if waiting := [layer.weight.name for layer in layers if layer.weight._data is None]:
        raise ValueError(f"no values yet for {', '.join(waiting)}: initialize net, and pass one batch through it")
    return layers


def bound(net: gluon.Block) -> float:
    """‖W₁‖·…·‖W_n‖, which no slope of the net exceeds, with 2-norms of inputs and outputs; NaN if a W is not finite.

    Raises ValueError for a net that `dense_layers` refuses.
    """
    return math.prod(_norm(layer) for layer in dense_layers(net))


def limit(net: gluon.Block, gamma: float) -> None:
    """Scale each of the n dense layers down to a spectral norm of γ^(1/n).

    So the `bound` is at most γ, up to rounding in the type of the weights.
    Layers that are within it, or not finite, keep their bits. This is not the
    nearest net that keeps the bound: that would cut the singular values above
    γ^(1/n), and leave all others.

    Raises ValueError for a net that `dense_layers` refuses, and unless γ is positive.
    """
    gamma, layers = real("gamma", gamma, "(0, inf)"), dense_layers(net)
    share = gamma ** (1 / len(layers))
    for layer in layers:
        if (norm := _norm(layer)) > share:
            for weight in layer.weight.list_data():  # the same on all devices
                weight *= share / norm


@final
class Limited(Step):
    """Another step of training, by default a `PlainStep`, and then `limit(net, gamma)`.

    The optimizer does not know of it: momentum may point out of what is allowed, and goes on pointing there.

    Raises:
        ValueError: γ is not positive, or `inner` is no step; in a run, the net is one that `dense_layers` refuses, or
            the trainer's store runs the optimizer, and would bring its own weights back.
    """

    def __init__(self, gamma: float, inner: Step | None = None) -> None:
        self.gamma = real("gamma", gamma, "(0, inf)")
        self.inner = PlainStep() if inner is None else inner
        if not isinstance(self.inner, Step):
            raise ValueError(f"inner must be a Step, such as PlainStep(), got {self.inner!r}")

    def take(self, trainer: gluon.Trainer, batch: Batch) -> list[Outcome]:
        if store_has_optimizer(trainer):
            raise ValueError(
                "the store of trainer runs the optimizer, and knows nothing of the limit: make it by "
                "gluon.Trainer(..., update_on_kvstore=False)"
            )
        dense_layers(batch.net)  # refused before anything moves
        outcomes = self.inner.take(trainer, batch)
        limit(batch.net, self.gamma)
        return outcomes


def _dense(block: gluon.Block) -> Iterator[nn.Dense]:
    if computes_as(block, nn.Dense):
        yield block
        if block.act is not None:
            yield from _dense(block.act)
    elif computes_as(block, nn.Sequential, nn.HybridSequential):
        for child in block._children.values():
            yield from _dense(child)
    elif not (computes_as(block, nn.Dropout, nn.Flatten) or _is_gentle(block)):
        legal = f"dense layers, dropout, Flatten, and the activations {', '.join(_GENTLE)}"
        raise ValueError(f"net has the layer {block!r}, for which there is no bound here; wanted {legal}")


def _is_gentle(block: gluon.Block) -> bool:
    return computes_as(block, nn.Activation) and block._act_type in _GENTLE


def _norm(layer: nn.Dense) -> float:
    W = layer.weight.list_data()[0].asnumpy().astype(np.float64)
    return float(np.linalg.norm(W, 2)) if np.isfinite(W).all() else math.nan  # where numpy would raise an error
