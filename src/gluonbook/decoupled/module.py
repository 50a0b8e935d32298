"""One module of a net: its forward passes that wait for a gradient, and the weights that they were made with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from mxnet import Context, autograd, gluon
from mxnet.gluon import nn
from mxnet.ndarray import NDArray

from gluonbook.checkpoint import store_of
from gluonbook.checkpoint.anatomy import some
from gluonbook.checks import whole_number
from gluonbook.training.samples import described


def cut(net: gluon.Block, count: int) -> list[gluon.Block]:
    """The layers of a `Sequential` or `HybridSequential` in `count` parts, one after the other, as even as it goes.

    The parts hold the very layers of `net`: to train them is to train it. Raises ValueError for another net, or one
    that has fewer layers.
    """
    if not isinstance(net, (nn.Sequential, nn.HybridSequential)):
        raise ValueError(f"net must be a Sequential or HybridSequential, got {described(net)}")
    layers = list(net._children.values())
    count = whole_number("count", count, 1, len(layers))
    parts = []
    for indices in np.array_split(np.arange(len(layers)), count):
        part = type(net)(prefix=net.prefix)
        part.add(*(layers[i] for i in indices))
        parts.append(part)
    return parts


@final
@dataclass
class _Tape:
    """A forward pass that waits for the gradient of what came out of it."""

    x: NDArray
    out: NDArray
    weights: list[NDArray] | None = None  # those that it was made with, where there are others by now


@final
class Module:
    """A part of a net, on one device, with a trainer of its own: forward passes queue up until their gradients come.

    A gradient is that of the weights which the forward pass was made with, and the step goes on from the weights as
    they are. For this each update copies the weights first, if forward passes wait: one copy for all that were made
    with the same. So a module that is d steps late holds d copies; the last module holds none.

    Running statistics, as of batch normalization, are no weights: they move as passes come, and are not kept.

    Raises:
        ValueError: the trainer is not for the parameters of `net`, and for all of them that are trained; it has several
            devices, or a store of several ranks; a parameter adds its gradients up (`grad_req="add"`).
    """

    def __init__(self, net: gluon.Block, trainer: gluon.Trainer) -> None:
        if not isinstance(trainer, gluon.Trainer):
            raise ValueError(f"trainer must be a gluon.Trainer, got {described(trainer)}")
        parameters = list(net.collect_params().values())
        trained = [parameter for parameter in parameters if parameter.grad_req != "null"]
        if not trained:
            raise ValueError("net has no parameter to train: cut it elsewhere")
        theirs = {id(parameter) for parameter in trainer._params}
        if odd := [parameter.name for parameter in trained if id(parameter) not in theirs]:
            raise ValueError(f"trainer does not have {some(odd)}: make it by gluon.Trainer(net.collect_params(), ...)")
        ours = {id(parameter) for parameter in parameters}
        if odd := [parameter.name for parameter in trainer._params if id(parameter) not in ours]:
            raise ValueError(f"trainer has {some(odd)}, which net does not: each module has a trainer of its own")
        if odd := [parameter.name for parameter in trained if parameter.grad_req == "add"]:
            raise ValueError(f"grad_req of {some(odd)} must be 'write', got 'add'")
        if waiting := [parameter.name for parameter in parameters if parameter._data is None]:
            raise ValueError(f"no values yet for {some(waiting)}: initialize net, and pass one batch through it")
        if len(trainer._contexts) != 1:
            raise ValueError(f"a module lives on one device, and trainer is for {trainer._contexts}")
        store = store_of(trainer)
        if store is not None and store not in ("device", "local"):  # these MXNet leaves out, for one device
            raise ValueError(f"a module trains alone, without a store {store!r}: make trainer with kvstore=None")
        self.net, self.trainer = net, trainer
        self._trained = trained
        self._tapes: deque[_Tape] = deque()

    @property
    def ctx(self) -> Context:
        """The device."""
        return self.trainer._contexts[0]

    @property
    def waiting(self) -> int:
        """How many forward passes wait for their gradient."""
        return len(self._tapes)

    def forward(self, x: NDArray, finish: Callable[[NDArray], NDArray] | None = None) -> NDArray:
        """`finish` of what the net gives for x, or that itself, without its history.

        The last module finishes by the losses, one a sample. Where x has been given room by `attach_grad()`, `backward`
        will return its gradient.
        """
        with autograd.record():
            out = self.net(x)
            out = out if finish is None else finish(out)
        self._tapes.append(_Tape(x, out))
        return out.detach()

    def backward(self, grad: NDArray | None = None) -> NDArray | None:
        """A step by the oldest forward pass that waits, given the gradient of what came out of it; that of its x.

        Without one the gradient is that of the sum. The batch has as many samples as x. Raises ValueError, before
        anything has changed, if none waits, or `grad` has another shape or type, or is elsewhere. Whoever breaks the
        pass off, say by Ctrl-C, may make it again.
        """
        if not self._tapes:
            raise ValueError("no forward pass waits for a gradient")
        tape = self._tapes[0]
        if grad is not None and (got := _kind(grad)) != (given := _kind(tape.out)):
            raise ValueError(f"grad must be as what was given, {given}, got {got}")
        if tape.weights is None:
            tape.out.backward(grad)
        else:
            now = self._copies()
            try:
                self._put(tape.weights)
                tape.out.backward(grad)
            finally:
                self._put(now)
        self._tapes.popleft()
        if late := [waiting for waiting in self._tapes if waiting.weights is None]:
            copies = self._copies()
            for waiting in late:
                waiting.weights = copies
        self.trainer.step(len(tape.x))
        return tape.x.grad

    def _copies(self) -> list[NDArray]:
        return [parameter.data().copy() for parameter in self._trained]

    def _put(self, weights: list[NDArray]) -> None:
        for parameter, weight in zip(self._trained, weights):
            weight.copyto(parameter.data())


def _kind(array: Any) -> str:
    place = f" on {array.context}" if isinstance(array, NDArray) else ""
    return described(array) + place
