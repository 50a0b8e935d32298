"""The gradient of every sample of a batch, in one backward pass."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

from gluonbook.blocks import computes_as

Loss = Callable[[mx.nd.NDArray, mx.nd.NDArray], mx.nd.NDArray]


def per_sample_gradients(
    net: nn.HybridSequential, X: mx.nd.NDArray, y: mx.nd.NDArray, loss: Loss | None = None
) -> np.ndarray:
    """An array of shape (n, d) whose row i is the gradient of the loss of sample i for all d parameters.

    Parameters come in the order of the layers, each weight in C order, then its bias; those without a gradient
    (`grad_req="null"`) are left out. The array has the dtype of the net. `loss(out, y)` gives one value a sample
    (default: softmax cross-entropy). A dense layer computes h = W·a + b, so sample i has

        ∂ℓᵢ/∂W = δᵢ ⊗ aᵢ,   ∂ℓᵢ/∂b = δᵢ,   where δᵢ = ∂ℓᵢ/∂hᵢ

    and one pass gives the δ of all. For a parameter that several layers share these are added. The gradients that the
    parameters hold stay as they are.

    Raises:
        ValueError: `net` is not layers in a row, or computes something else with them; a layer with parameters is not
            an `nn.Dense` without activation (put an `nn.Activation` behind it), or does not give one vector a sample
            (`flatten=False`); no parameter has a gradient; or the loss does not give one value a sample.
    """
    if not computes_as(net, nn.HybridSequential, nn.Sequential):
        raise ValueError(f"net must be layers in a row, an nn.HybridSequential that computes nothing else, got {net!r}")
    loss = loss or gluon.loss.SoftmaxCrossEntropyLoss()
    dense, out = [], X  # of each dense layer: the layer, a, and a shift of h
    with autograd.record():
        for layer in net:
            if not layer.collect_params().keys():
                out = layer(out)
                continue
            if not computes_as(layer, nn.Dense) or layer.act is not None:
                raise ValueError(f"layers with parameters must be nn.Dense without activation, got {layer}")
            a, out = out.reshape((len(out), -1)), layer(out)
            if out.ndim != 2:
                raise ValueError(f"layers with parameters must give one vector a sample, got {out.shape} from {layer}")
            with autograd.pause():  # its gradient is δ: what a change of h does to the loss
                shift = mx.nd.zeros_like(out)
                shift.attach_grad()
            out = out + shift
            dense.append((layer, a, shift))
        losses = loss(out, y)
    if losses.shape != (len(X),):
        raise ValueError(f"loss must give one value a sample, shape ({len(X)},), got {losses.shape}")
    if not any(p.grad_req != "null" for layer, *_ in dense for p in layer.collect_params().values()):
        raise ValueError("net has no parameters that can be trained")
    deltas = autograd.grad(losses, [shift for *_, shift in dense])
    columns: dict[gluon.Parameter, np.ndarray] = {}
    for (layer, a, _), delta in zip(dense, deltas):
        a, delta = a.asnumpy(), delta.asnumpy()
        outer = np.einsum("no,ni->noi", delta, a).reshape(len(a), -1)
        for parameter, part in ((layer.weight, outer), (layer.bias, delta)):
            if parameter is not None and parameter.grad_req != "null":
                columns[parameter] = columns[parameter] + part if parameter in columns else part
    return np.concatenate(list(columns.values()), axis=1)
