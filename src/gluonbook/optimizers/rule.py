"""What every optimizer of this book shares, so that a method is written down as one short function.

    @register
    class SignSGD(Rule):
        def delta(self, grad, state, lr, t):
            return lr * grad.sign()

    trainer = gluon.Trainer(net.collect_params(), "signsgd", {"learning_rate": 1e-3})

There are three frames, each an abstract class with one abstract method, and a method takes the narrowest that it fits:

- `Rule`, whose `delta` is made of the gradient alone;
- `OneByOne`, whose `step` has the weight, too, for a trust ratio, a distance from the start or a second point; its
  `prepared` and `move` are what a `Rule` does before and after `delta`;
- `WholeStep`, whose `steps` has all parameters at once, for a kernel that makes one pass over the arrays.

`create_state(index, weight)` makes what a parameter remembers, as in MXNet. A class of any kind is abstract or final.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook.optimizers.whole_step import Update, WholeStep

Kind = TypeVar("Kind", bound=type)


def register(kind: Kind) -> Kind:
    """Give an optimizer's class its name for `gluon.Trainer`: its own in lower case. Use it as a decorator.

    The same class may come again, as it does when a cell or a module is run twice. Raises ValueError if the name
    belongs to another class, where `mx.optimizer.register` would replace that one with a mere warning.
    """
    name = kind.__name__.lower()
    holder = Optimizer.opt_registry.get(name, kind)
    if (holder.__module__, holder.__qualname__) != (kind.__module__, kind.__qualname__):
        raise ValueError(f"the name {name!r} belongs to {holder.__module__}.{holder.__qualname__}: choose another")
    Optimizer.opt_registry[name] = kind
    return kind


def dense(weight: NDArray) -> NDArray:
    """`weight`; raises ValueError if it is sparse, which no state is made for."""
    if weight.stype != "default":
        raise ValueError(f"the weight must be dense (stype 'default'), got {weight.stype!r}")
    return weight


def zeros_like(weight: NDArray) -> NDArray:
    """A state of zeros that lies where the weight does; `nd.zeros_like` leaves the pinned memory that stores use."""
    return nd.zeros(dense(weight).shape, weight.context, weight.dtype)


class OneByOne(WholeStep):
    """An optimizer that takes its parameters one after the other, each in its `step`."""

    @abstractmethod
    def step(self, weight: NDArray, grad: NDArray, state: Any, *, lr: float, wd: float, t: int) -> None:
        """Change `weight` and `state` in place.

        `grad` is the gradient as it came, to be left alone: `self.prepared(weight, grad, wd)` makes it ready for use.
        `lr` and `wd` have this parameter's multipliers in them, `lr` the schedule too; `t` counts the updates of this
        parameter, from 1. All arrays have the shape and type of `weight`, and the state is what
        `create_state(index, weight)` made.
        """

    @final
    def steps(self, updates: Sequence[Update]) -> None:
        """The steps of the parameters in their order."""
        for weight, grad, state, weight32, lr, wd, t in updates:
            if weight32 is None:
                self.step(weight, grad, state, lr=lr, wd=wd, t=t)
            else:
                self.step(weight32, grad.astype(np.float32), state, lr=lr, wd=wd, t=t)
                nd.cast(weight32, dtype=weight.dtype, out=weight)


class Rule(OneByOne):
    """An optimizer that is given by its `delta`; the rest of the step is done here, in this order:

        grad   ← prepared(weight, grad, wd)      rescaled, clipped, decayed
        delta  ← delta(grad, state, lr, t)
        weight ← (1 − lr·wd_lh)·weight − delta

    A class that is to equal one of MXNet's says where wd enters, in `decay` (see `Decay`).
    """

    @abstractmethod
    def delta(self, grad: NDArray, state: Any, lr: float, t: int) -> NDArray:
        """What to subtract from the weight, with lr in it; `state` is renewed in place.

        `grad` is rescaled, clipped and decayed; `lr` has schedule and multipliers in it; `t` counts the updates of this
        parameter, from 1. The result has the shape and type of `grad`, and may be an array of the state.
        """

    @final
    def step(self, weight: NDArray, grad: NDArray, state: Any, *, lr: float, wd: float, t: int) -> None:
        """The gradient made ready, `delta`, and the decoupled decay."""
        delta = self.delta(self.prepared(weight, grad, wd), state, lr, t)
        self.move(weight, delta, lr, wd)
