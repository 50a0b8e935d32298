"""The gradient of every sample of a batch, in one backward pass."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

Loss = Callable[[mx.nd.NDArray, mx.nd.NDArray], mx.nd.NDArray]


def per_sample_gradients(
    net: nn.HybridSequential, X: mx.nd.NDArray, y: mx.nd.NDArray, loss: Loss | None = None
) -> np.ndarray:
    """An array of shape (n, d) whose row i is the gradient of the loss of sample i for all d parameters, float32.

    Parameters come in the order of the layers, each weight in C order, then its bias. `loss(out, y)` gives one value a
    sample (default: softmax cross-entropy). A dense layer computes h = W·a + b, so sample i has

        ∂ℓᵢ/∂W = δᵢ ⊗ aᵢ,   ∂ℓᵢ/∂b = δᵢ,   where δᵢ = ∂ℓᵢ/∂hᵢ

    and one pass gives the δ of all. The gradients that the parameters hold are overwritten.

    Raises:
        ValueError: a layer with parameters is not an `nn.Dense` without activation (put an `nn.Activation` behind it),
            or the loss does not give one value a sample.
    """
    loss = loss or gluon.loss.SoftmaxCrossEntropyLoss()
    inputs, shifts, out = [], [], X
    with autograd.record():
        for layer in net:
            if not layer.collect_params().keys():
                out = layer(out)
                continue
            if not isinstance(layer, nn.Dense) or layer.act is not None:
                raise ValueError(f"layers with parameters must be nn.Dense without activation, got {layer}")
            inputs.append(out.reshape((len(out), -1)))
            out = layer(out)
            with autograd.pause():  # its gradient is δ: what a change of h does to the loss
                shifts.append(mx.nd.zeros_like(out))
                shifts[-1].attach_grad()
            out = out + shifts[-1]
        losses = loss(out, y)
    if losses.shape != (len(X),):
        raise ValueError(f"loss must give one value a sample, shape ({len(X)},), got {losses.shape}")
    losses.backward()
    columns = []
    for layer, a, shift in zip((layer for layer in net if layer.collect_params().keys()), inputs, shifts):
        a, delta = a.asnumpy(), shift.grad.asnumpy()
        columns.append(np.einsum("no,ni->noi", delta, a).reshape(len(a), -1))
        if layer.bias is not None:
            columns.append(delta)
    return np.concatenate(columns, axis=1)
