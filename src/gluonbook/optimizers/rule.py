"""What every optimizer of this book shares, so that a method is written down as one short function.

    @register
    class SignSGD(Rule):
        def delta(self, grad, state, lr, t):
            return lr * grad.sign()

    trainer = gluon.Trainer(net.collect_params(), "signsgd", {"learning_rate": 1e-3})

`Rule` does all that surrounds the formula, and hands `delta` a gradient that is ready for use. `WholeStep`, above it,
is for the few methods that do the whole step themselves: a kernel that makes one pass over the arrays, or arithmetic
that must equal another's bit for bit. A class of either kind is abstract or final.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np

# A ps-lite server started as `python -c "import mxnet"` unpickles optimizers while that import is still running, when
# there is neither `mx.nd` nor `mx.gluon`; it hides the error, and the weights become the sum of the gradients.
from mxnet import ndarray as nd
from mxnet.lr_scheduler import LRScheduler
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook.checks import flag, real, whole_number

if TYPE_CHECKING:
    from mxnet.gluon import Parameter

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


def zeros_like(weight: NDArray) -> NDArray:
    """A state of zeros that lies where the weight does; `nd.zeros_like` leaves the pinned memory that stores use."""
    return nd.zeros(weight.shape, weight.context, weight.dtype)


class Update(NamedTuple):
    """What a step of one parameter gets; see `WholeStep.step`."""

    weight: NDArray
    grad: NDArray
    state: Any
    weight32: NDArray | None  # the master copy of a float16 weight with multi_precision
    lr: float
    wd: float
    t: int


class WholeStep(Optimizer, ABC):
    """An optimizer that does its whole step itself; what it gets is the options, checked, and this step's lr, wd, t.

    Options that all optimizers take:

    - `learning_rate`: in [0, inf); the class's `default_lr` if neither it nor a schedule is given
    - `lr_scheduler`: a function from the number of updates to lr, mostly an `mx.lr_scheduler.LRScheduler`;
      with a `learning_rate` as well, MXNet makes that the scheduler's `base_lr`
    - `wd`: in [0, inf); coupled weight decay, wd·weight is added to the gradient
    - `wd_lh`: in [0, inf); decoupled weight decay, weight ← (1 − lr·wd_lh)·weight beside the step (Loshchilov and
      Hutter 2019, arXiv:1711.05101); as in the built-in Signum, a parameter's `wd_mult` scales `wd` only
    - `rescale_grad`: any finite number; `Trainer.step(batch_size)` sets it to 1/batch_size
    - `clip_gradient`: in (0, inf), or None; each element of rescale_grad·grad is cut to [−clip_gradient, clip_gradient]
    - `multi_precision`: for float16 weights, keep state and a master copy of the weights in float32
    - `begin_num_update`: a whole number from 0; what the count t of a parameter's updates starts from

    Raises:
        TypeError: an unknown option; the message lists the legal ones.
        ValueError: an option out of its range, or a sparse weight or gradient.
    """

    default_lr: ClassVar[float] = 0.01

    def __init__(
        self,
        learning_rate: float | None = None,
        *,
        lr_scheduler: LRScheduler | None = None,
        wd: float = 0.0,
        wd_lh: float = 0.0,
        rescale_grad: float = 1.0,
        clip_gradient: float | None = None,
        multi_precision: bool = False,
        begin_num_update: int = 0,
        param_idx2name: dict | None = None,
        sym: Any = None,
        param_dict: dict[int, Parameter] | None = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            legal = ", ".join(self.options())
            raise TypeError(f"{type(self).__name__} has no option {', '.join(unknown)}; it takes {legal}")
        if lr_scheduler is not None and not callable(lr_scheduler):
            raise ValueError(f"lr_scheduler must be a function of the number of updates, or None, got {lr_scheduler!r}")
        if learning_rate is None and lr_scheduler is None:
            learning_rate = self.default_lr
        super().__init__(
            learning_rate=None if learning_rate is None else real("learning_rate", learning_rate, "[0, inf)"),
            lr_scheduler=lr_scheduler,
            wd=real("wd", wd, "[0, inf)"),
            rescale_grad=real("rescale_grad", rescale_grad, "(-inf, inf)"),
            clip_gradient=None if clip_gradient is None else real("clip_gradient", clip_gradient, "(0, inf)"),
            multi_precision=flag("multi_precision", multi_precision),
            begin_num_update=whole_number("begin_num_update", begin_num_update, 0),
            param_idx2name=param_idx2name,
            sym=sym,
            param_dict=param_dict,
        )
        self.wd_lh = real("wd_lh", wd_lh, "[0, inf)")

    @classmethod
    def options(cls) -> list[str]:
        """The names of all options that the class takes, its own first."""
        signatures = [inspect.signature(kind.__init__) for kind in cls.__mro__ if issubclass(kind, WholeStep)]
        parameters = [p for signature in signatures for p in list(signature.parameters.values())[1:]]
        return list(dict.fromkeys(p.name for p in parameters if p.kind is not p.VAR_KEYWORD))

    @abstractmethod
    def step(self, weight: NDArray, grad: NDArray, state: Any, *, lr: float, wd: float, t: int) -> None:
        """Change `weight` and `state` in place.

        `grad` is the gradient as it came, to be left alone; `lr` and `wd` have this parameter's multipliers in them,
        `lr` the schedule too; `t` counts the updates of this parameter, from 1. All arrays have the shape and type of
        `weight`, and the state is what `create_state(index, weight)` made.
        """

    def steps(self, updates: Sequence[Update]) -> None:
        """The steps of several parameters, one after the other; a kernel that does them together takes its place.

        A float16 weight with multi_precision has a master copy: the step is the copy's, and the weight is it, rounded.
        """
        for weight, grad, state, weight32, lr, wd, t in updates:
            if weight32 is None:
                self.step(weight, grad, state, lr=lr, wd=wd, t=t)
            else:
                self.step(weight32, grad.astype(np.float32), state, lr=lr, wd=wd, t=t)
                nd.cast(weight32, dtype=weight.dtype, out=weight)

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        """One step of one parameter; `state` is what `create_state` made."""
        self.steps([self._update(index, weight, grad, state, None)])

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """One step of one parameter, or of each in a list; `state` is what `create_state_multi_precision` made."""
        many = isinstance(index, (list, tuple))
        updates = []
        for i, w, g, own in zip(index, weight, grad, state) if many else [(index, weight, grad, state)]:
            weight32, own = own if self.multi_precision and w.dtype == np.float16 else (None, own)
            updates.append(self._update(i, w, g, own, weight32))
        self.steps(updates)

    def _update(self, index: int, weight: NDArray, grad: NDArray, state: Any, weight32: NDArray | None) -> Update:
        for name, array in (("weight", weight), ("gradient", grad)):
            if array.stype != "default":
                raise self._sparse(f"the {name} of parameter {index}", array.stype)
        self._update_count(index)
        t = self._index_update_count[index]
        return Update(weight, grad, state, weight32, self._get_lr(index), self._get_wd(index), t)

    @property
    def param_dict(self) -> dict[int, Parameter]:
        """The trainer's parameters by index, for their multipliers; set by the trainer."""
        return vars(self)["param_dict"]

    @param_dict.setter
    def param_dict(self, parameters: dict[int, Parameter]) -> None:
        # Here and not only at the update, since a store runs that in a callback, where MXNet loses every error.
        for parameter in parameters.values():
            for name, stype in (("weight", parameter._stype), ("gradient", parameter._grad_stype)):
                if stype != "default":
                    raise self._sparse(f"the {name} of {parameter.name}", stype)
        vars(self)["param_dict"] = parameters

    def _sparse(self, what: str, stype: str) -> ValueError:
        return ValueError(f"{type(self).__name__} takes dense arrays (stype 'default'), but {what} is {stype!r}")


class Rule(WholeStep):
    """An optimizer that is given by its `delta`; the rest of the step is done here, in this order:

        grad  ← rescale_grad·grad
        grad  ← clip(grad, −clip_gradient, clip_gradient)
        grad  ← grad + wd·weight
        delta ← delta(grad, state, lr, t)
        weight ← (1 − lr·wd_lh)·weight − delta

    MXNet's own optimizers do not agree on where wd enters, and a class that is to equal one of them says so in
    `decay`: "after clip" as above (SGD, NAG, Signum), "before clip" (Adam, RMSProp), or "beside" the step, where wd
    acts as one more wd_lh (AdaGrad).
    """

    decay: ClassVar[str] = "after clip"

    @abstractmethod
    def delta(self, grad: NDArray, state: Any, lr: float, t: int) -> NDArray:
        """What to subtract from the weight, with lr in it; `state` is renewed in place.

        `grad` is rescaled, clipped and decayed; `lr` has schedule and multipliers in it; `t` counts the updates of this
        parameter, from 1. The result has the shape and type of `grad`, and may be an array of the state.
        """

    def step(self, weight: NDArray, grad: NDArray, state: Any, *, lr: float, wd: float, t: int) -> None:
        """The prologue, `delta`, and the decoupled decay."""
        delta = self.delta(self._ready(weight, grad, wd), state, lr, t)
        shrink = lr * (self.wd_lh + (wd if self.decay == "beside" else 0))
        # Not (1 − shrink)·weight: float16 and float32 would round 1 − shrink, and with it all of a small shrink, away.
        weight -= delta + shrink * weight if shrink else delta

    def _ready(self, weight: NDArray, grad: NDArray, wd: float) -> NDArray:
        grad = self.rescale_grad * grad
        if wd and self.decay == "before clip":
            grad += wd * weight
        if self.clip_gradient is not None:
            # Not `nd.clip`, which reads its bounds as float32 even for float64 arrays.
            grad = nd.minimum(nd.maximum(grad, -self.clip_gradient), self.clip_gradient)
        if wd and self.decay == "after clip":
            grad += wd * weight
        return grad
