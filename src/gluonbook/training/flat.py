"""A net and its data as a function of one vector."""

from __future__ import annotations

from typing import final

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from gluonbook.arrays import as_ndarray
from gluonbook.training.outcome import Loss


@final
class FlatNet:
    """The mean loss of `net` on (X, y) as a function of one vector w, all parameters behind each other, in float64.

        f(w) = (1/n) Σ_i loss(net(X_i; w), y_i),   w of shape (d,)

    Parameters come in the order of the layers, each flattened in C order, as in `theory.per_sample_gradients`. Only
    those with a gradient are in w. `net` is turned into float64 for good, and X and y with it: curvature is a
    difference of gradients. Each call leaves the weights that it was asked about in `net`. `loss` gives one value a
    sample (default: softmax cross-entropy). Layers act as in training: batch norm normalises by this very batch, and
    dropout, which draws anew each time, has no place here.

    Raises ValueError for a net without parameters that can be trained, on several devices, or with gradients that are
    added up (`grad_req="add"`); and for a w of another shape than (d,).
    """

    def __init__(self, net: gluon.Block, X: mx.nd.NDArray, y: mx.nd.NDArray, loss: Loss | None = None) -> None:
        self._net, self._X, self._y = net, X.astype("float64"), y.astype("float64")
        self._loss = loss or gluon.loss.SoftmaxCrossEntropyLoss()
        net.cast("float64")
        with autograd.record():
            net(self._X[:1])  # shapes that wait for data are known now
        named = net._collect_params_with_prefix()  # by place, not by running names
        unique = {id(p): p for p in named.values() if p.grad_req != "null"}
        self._parameters = list(unique.values())
        if not self._parameters:
            raise ValueError("net has no parameters that can be trained")
        for p in self._parameters:
            if p.grad_req != "write" or len(p.list_ctx()) > 1:
                raise ValueError(
                    f"parameters must be on one device, with grad_req='write'; "
                    f"{p.name} is on {p.list_ctx()}, with grad_req={p.grad_req!r}"
                )
        self._ends = np.cumsum([p.data().size for p in self._parameters])

    @property
    def weights(self) -> np.ndarray:
        """The w that `net` holds now, a copy of shape (d,)."""
        return np.concatenate([p.data().asnumpy().ravel() for p in self._parameters])

    def loss(self, w: np.ndarray) -> float:
        """f(w)."""
        self._put(w)
        with autograd.train_mode():
            return float(self._loss(self._net(self._X), self._y).mean().asscalar())

    def grad(self, w: np.ndarray) -> np.ndarray:
        """∇f(w), of shape (d,)."""
        self._put(w)
        with autograd.record():
            loss = self._loss(self._net(self._X), self._y).mean()
        loss.backward()
        return np.concatenate([p.grad().asnumpy().ravel() for p in self._parameters])

    def _put(self, w: np.ndarray) -> None:
        w = np.asarray(w, dtype=np.float64)
        if w.shape != (self._ends[-1],):
            raise ValueError(f"w must have the shape ({self._ends[-1]},), got {w.shape}")
        for parameter, part in zip(self._parameters, np.split(w, self._ends[:-1])):
            parameter.set_data(as_ndarray(part.reshape(parameter.shape)))
