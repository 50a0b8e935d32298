"""What surrounds a step of any optimizer of this book: its options, checked, and this step's lr, wd and count."""

from __future__ import annotations

import enum
import inspect
import math
from abc import ABC, abstractmethod
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, final

import numpy as np

# A ps-lite server started as `python -c "import mxnet"` unpickles optimizers while that import is still running, when
# there is neither `mx.nd` nor `mx.gluon`; it hides the error, and the weights become the sum of the gradients.
from mxnet import ndarray as nd
from mxnet.lr_scheduler import LRScheduler
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook.checks import flag
from gluonbook.optimizers import options
from gluonbook.optimizers.options import Check, or_none, whole, within

if TYPE_CHECKING:
    from mxnet.gluon import Parameter


class Decay(enum.Enum):
    """Where wd enters a step. MXNet's own optimizers do not agree, and a class that is to equal one of them says so."""

    AFTER_CLIP = enum.auto()
    """wd·weight is added to the gradient when that has been clipped (SGD, NAG, Signum)."""

    BEFORE_CLIP = enum.auto()
    """wd·weight is added to the gradient, and clipped with it (Adam, RMSProp)."""

    BESIDE = enum.auto()
    """wd acts beside the step, as one more wd_lh (AdaGrad)."""


@final
class Update(NamedTuple):
    """One parameter's part in a step: arrays as they came, and numbers with multipliers and schedule in them."""

    weight: NDArray
    grad: NDArray
    state: Any  # what `create_state` made
    weight32: NDArray | None  # the master copy of a float16 weight with multi_precision
    lr: float
    wd: float
    t: int  # updates of this parameter, from 1


class WholeStep(Optimizer, ABC):
    """An optimizer that does the whole step of all its parameters itself, in `steps`.

    Options that all optimizers take, and which may be changed later as attributes, unless this is said:

    - `learning_rate`: in [0, inf); the class's `default_lr` if neither it nor a schedule is given; later, without a
      schedule, `set_learning_rate`
    - `lr_scheduler`: a function from the number of updates to lr, mostly an `mx.lr_scheduler.LRScheduler`;
      with a `learning_rate` as well, that becomes the scheduler's `base_lr`, from which it starts
    - `wd`: in [0, inf); coupled weight decay, wd·weight is added to the gradient
    - `wd_lh`: in [0, inf); decoupled weight decay, weight ← (1 − lr·wd_lh)·weight beside the step (Loshchilov and
      Hutter 2019, arXiv:1711.05101); as in the built-in Signum, a parameter's `wd_mult` scales `wd` only
    - `rescale_grad`: any finite number; `Trainer.step(batch_size)` sets it to 1/batch_size
    - `clip_gradient`: in (0, inf), or None; each element of rescale_grad·grad is cut to [−clip_gradient, clip_gradient]
    - `multi_precision`: for float16 weights, keep state and a master copy of the weights in float32; fixed with the
      first update
    - `begin_num_update`: a whole number from 0; what the count t of a parameter's updates starts from, and a
      schedule's; fixed likewise
    - `param_idx2name`, `sym`: names for `set_lr_mult` and `set_wd_mult`, for an optimizer without a `gluon.Trainer`;
      with one, the multipliers are `lr_mult` and `wd_mult` of its parameters

    Raises:
        TypeError: an unknown option; the message lists the legal ones.
        ValueError: an option out of its range, when it is given or set; a schedule's learning rate, in the step. Or an
            option without effect: a positive number that is 0 in the type in which a parameter is updated, multipliers
            beside those of a trainer's parameters, a learning rate beside a schedule that would not use it, an option
            that was fixed. Or a multiplier with which lr or wd is not finite; it may be negative. Or a weight of
            integers, a sparse one, or a sparse gradient. Parameters with grad_req="null" may be of any kind.
            A step that raises an error is not counted.
    """

    default_lr: ClassVar[float] = 0.01
    decay: ClassVar[Decay] = Decay.AFTER_CLIP
    elementwise: ClassVar[bool] = False
    """Whether each coordinate's step depends on that coordinate alone, so that a parameter may be flattened or cut.

    MXNet's own servers do both (`gluonbook.rank.shapes`), and are not given an optimizer that does not say so.
    """
    ranges: ClassVar[Mapping[str, Check]] = {
        "learning_rate": within("[0, inf)"),
        "lr_scheduler": options.schedule,
        "wd": within("[0, inf)"),
        "wd_lh": within("[0, inf)"),
        "rescale_grad": within("(-inf, inf)"),
        "clip_gradient": or_none(within("(0, inf)")),
        "multi_precision": flag,
        "begin_num_update": whole(0),
    }
    """What its own options may be, in the constructor and later; `gluonbook.optimizers.options` has the checks."""
    fixed: ClassVar[tuple[str, ...]] = ()
    """Its own options that a state is made by, and that cannot change when there is one."""
    wide: ClassVar[tuple[str, ...]] = ()
    """Its own options that are used in float32 or more, also for float16 weights."""

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
        if learning_rate is None and lr_scheduler is None:
            learning_rate = self.default_lr
        if learning_rate is not None and lr_scheduler is not None:
            learning_rate = self._in_range("learning_rate", learning_rate)
            options.start_at(self._in_range("lr_scheduler", lr_scheduler), learning_rate)
        super().__init__(
            learning_rate=learning_rate,
            lr_scheduler=lr_scheduler,
            wd=wd,
            rescale_grad=rescale_grad,
            clip_gradient=clip_gradient,
            multi_precision=multi_precision,
            begin_num_update=self._in_range("begin_num_update", begin_num_update),  # num_update begins as it, too
            param_idx2name=param_idx2name,
            sym=sym,
            param_dict=param_dict,
        )
        self.wd_lh = wd_lh

    @classmethod
    @cache
    def options(cls) -> list[str]:
        """The names of all options that the class takes, its own first."""
        signatures = [inspect.signature(kind.__init__) for kind in cls.__mro__ if issubclass(kind, WholeStep)]
        parameters = [p for signature in signatures for p in list(signature.parameters.values())[1:]]
        return list(dict.fromkeys(p.name for p in parameters if p.kind is not p.VAR_KEYWORD))

    @classmethod
    @cache
    def _all_ranges(cls) -> dict[str, Check]:
        declared = [vars(kind).get("ranges", {}) for kind in cls.__mro__]
        return dict(ChainMap(*declared))

    def _in_range(self, name: str, value: Any) -> Any:
        """The value as an attribute keeps it."""
        check = self._all_ranges().get(name)
        return value if check is None else check(name, value)

    @abstractmethod
    def steps(self, updates: Sequence[Update]) -> None:
        """Change weights and states in place: one step of each parameter.

        `grad` is to be left alone. Where there is a `weight32`, the step is that copy's, in float32, and the weight
        becomes it, rounded.
        """

    def prepared(self, weight: NDArray, grad: NDArray, wd: float) -> NDArray:
        """A new array, the gradient ready for use: rescaled, clipped, and with wd·weight in it where `decay` says so.

            grad ← rescale_grad·grad
            grad ← grad + wd·weight                                for Decay.BEFORE_CLIP
            grad ← clip(grad, −clip_gradient, clip_gradient)       if clip_gradient is not None
            grad ← grad + wd·weight                                for Decay.AFTER_CLIP

        A method that has its own use for wd passes 0.
        """
        grad = self.rescale_grad * grad
        if wd and self.decay is Decay.BEFORE_CLIP:
            grad += wd * weight
        if self.clip_gradient is not None:
            # Not `nd.clip`, which reads its bounds as float32 even for float64 arrays.
            grad = nd.minimum(nd.maximum(grad, -self.clip_gradient), self.clip_gradient)
        if wd and self.decay is Decay.AFTER_CLIP:
            grad += wd * weight
        return grad

    def move(self, weight: NDArray, delta: NDArray, lr: float, wd: float = 0.0) -> None:
        """weight ← (1 − lr·wd_lh)·weight − delta, in place, where Decay.BESIDE adds `wd` to wd_lh."""
        shrink = lr * (self.wd_lh + (wd if self.decay is Decay.BESIDE else 0))
        # Not (1 − shrink)·weight: float16 and float32 would round 1 − shrink, and with it all of a small shrink, away.
        weight -= delta + shrink * weight if shrink else delta

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "lr":
            value = self._in_range(name, value)
        elif value is not None or self.lr_scheduler is None:
            value = self._in_range("learning_rate", value)
        if "param_dict" in vars(self):  # else it is being made, or unpickled
            self._may_become(name, value)
            if name == "begin_num_update" and value != self.begin_num_update:  # nothing has been updated yet
                super().__setattr__("num_update", value)
        super().__setattr__(name, value)

    def _may_become(self, name: str, value: Any) -> None:
        fixed = name in ("multi_precision", "begin_num_update", *self.fixed)
        if fixed and any(self._all_index_update_counts.values()) and value != (own := vars(self)[name]):
            raise ValueError(f"{name} cannot become {value!r}, since parameters were updated with {name}={own!r}")
        if name == "lr" and self.lr_scheduler is not None:
            raise ValueError(f"lr={value!r} has no effect beside a lr_scheduler, which gives the learning rate")
        if name == "lr_scheduler" and value is None:
            self._in_range("learning_rate", self.lr)  # which is used from now on
        if name in ("lr_mult", "wd_mult"):
            options.refuse_multipliers(self.param_dict, {name: value})
        elif name == "lr" or (name in self.options() and name != "rescale_grad"):  # which the trainer sets at each step
            for parameter in _trained(self.param_dict):
                self._must_hold_in(parameter.dtype, parameter.name, **{name: value})

    def set_lr_mult(self, args_lr_mult: dict) -> None:
        """Multipliers of the learning rate by number or name, where there is no trainer."""
        options.refuse_multipliers(self.param_dict, {"lr_mult": args_lr_mult})
        super().set_lr_mult(args_lr_mult)

    def set_wd_mult(self, args_wd_mult: dict) -> None:
        """Multipliers of wd, likewise."""
        options.refuse_multipliers(self.param_dict, {"wd_mult": args_wd_mult})
        super().set_wd_mult(args_wd_mult)

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        """One step of one parameter; `state` is what `create_state` made."""
        self._must_hold_in(weight.dtype, f"parameter {index}")
        self._take([(index, weight, grad, state, None)])

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """One step of one parameter, or of each in a list; `state` is what `create_state_multi_precision` made."""
        many = isinstance(index, (list, tuple))
        rows = list(zip(index, weight, grad, state)) if many else [(index, weight, grad, state)]
        dtypes = {i: w.dtype for i, w, _, _ in rows}
        for dtype, i in {dtype: i for i, dtype in dtypes.items()}.items():
            self._must_hold_in(dtype, f"parameter {i}")
        taken = []
        for i, w, g, own in rows:
            weight32, own = own if self.multi_precision and dtypes[i] == np.float16 else (None, own)
            taken.append((i, w, g, own, weight32))
        self._take(taken)

    def _take(self, rows: Sequence[tuple]) -> None:
        """Count the updates of some parameters and make their steps, or raise an error and leave the counts alone."""
        counts, num_update = self._index_update_count, vars(self)["num_update"]
        before = {row[0]: counts[row[0]] for row in rows if row[0] in counts}
        try:
            self.steps([self._update(*row) for row in rows])
        except Exception:
            for row in rows:
                counts.pop(row[0], None)
            counts.update(before)
            self.num_update = num_update
            raise

    def _update(self, index: int, weight: NDArray, grad: NDArray, state: Any, weight32: NDArray | None) -> Update:
        self._must_be_dense(f"parameter {index}", weight.stype, grad.stype)
        if self.lr_mult or self.wd_mult:
            options.refuse_multipliers(self.param_dict, {"lr_mult": self.lr_mult, "wd_mult": self.wd_mult})
        self._update_count(index)
        lr, wd = self._get_lr(index), self._get_wd(index)
        if not 0 <= lr < math.inf:
            self._in_range("learning_rate", self.learning_rate)  # which is the schedule's; a multiplier may be negative
        for name, product in (("learning_rate·lr_mult", lr), ("wd·wd_mult", wd)):
            if not math.isfinite(product):
                raise ValueError(f"{name} of parameter {index} must be a finite number, got {product}")
        return Update(weight, grad, state, weight32, lr, wd, self._index_update_count[index])

    @property
    def param_dict(self) -> dict[int, Parameter]:
        """The trainer's parameters by index, for their multipliers; set by the trainer."""
        return vars(self)["param_dict"]

    @param_dict.setter
    def param_dict(self, parameters: dict[int, Parameter]) -> None:
        # Here and not only at the update, since a store runs that in a callback, where MXNet loses every error.
        named = {"param_idx2name": self.idx2name, "sym": self.sym_info}
        options.refuse_multipliers(parameters, {"lr_mult": self.lr_mult, "wd_mult": self.wd_mult, **named})
        for parameter in _trained(parameters):
            self._must_be_dense(parameter.name, parameter._stype, parameter._grad_stype)
            self._must_hold_in(parameter.dtype, parameter.name)
        self.__dict__["param_dict"] = parameters

    def _must_be_dense(self, name: str, weight: str, grad: str) -> None:
        for what, stype in (("weight", weight), ("gradient", grad)):
            if stype != "default":
                found = f"the {what} of {name} is {stype!r}"
                raise ValueError(f"{type(self).__name__} takes dense arrays (stype 'default'), but {found}")

    def _must_hold_in(self, dtype: Any, parameter: str, **changed: Any) -> None:
        """Raises ValueError if a parameter is of integers, or if an option is 0 in the type in which it is updated.

        All options are looked at that there are by now, or those that are to be changed.
        """
        kind = np.dtype(dtype)
        if not np.issubdtype(kind, np.floating):
            raise ValueError(f"{parameter} must be of type float16, float32 or float64 to be updated, got {kind}")
        own = changed or {option: vars(self)[option] for option in self.options() if option in vars(self)}
        if not (changed or self.lr_scheduler):
            own["learning_rate"] = self.lr
        if self.multi_precision and kind == np.float16:
            kind = np.dtype(np.float32)
        wide = {name: own.pop(name) for name in self.wide if name in own}
        options.must_not_vanish(own, kind, parameter)
        options.must_not_vanish(wide, np.promote_types(kind, np.float32), parameter)


def _trained(parameters: Mapping[int, Parameter]) -> Iterable[Parameter]:
    return (parameter for parameter in parameters.values() if parameter.grad_req != "null")
