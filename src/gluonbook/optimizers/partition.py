"""One optimizer for each part of the parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, final

from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook.checks import real
from gluonbook.optimizers.options import refuse_multipliers
from gluonbook.optimizers.rule import register

if TYPE_CHECKING:
    from mxnet.gluon import Parameter


@final
@register
class Partition(Optimizer):
    """Registered as `partition`: each parameter is served by the optimizer of its label, as by a trainer of its own.

        optimizer = Partition(
            {"matrices": Lion(1e-4), "rest": PlainAdam(1e-3)},
            lambda name: "matrices" if name.endswith("weight") else "rest",
        )

    `optimizers` are MXNet's or the book's, by labels, which are strings. Each keeps its own learning rate, schedule,
    decay, clipping, precision and counts. `label_of(name)` is asked once for each parameter of the trainer, by
    `parameter.name`; what it has said is in `labels`, by position.

    What the trainer sets, it sets for all: `rescale_grad`, and with it the batch size. A parameter's `lr_mult` and
    `wd_mult` hold, whichever optimizer it has. `learning_rate` is that of the first optimizer. `set_learning_rate(lr)`
    gives `lr` to the first, and multiplies those of the others by the same factor: their ratios stay, as they do with
    multipliers. For one alone, `trainer.optimizer.optimizers["rest"].set_learning_rate(lr)`.

    A pickle, as for a server of ps-lite or a file of `Trainer.save_states`, holds `labels`, and not `label_of`.

    Raises:
        TypeError: an unknown option; the message lists the legal ones.
        ValueError: an option is set here, as `partition.wd = 0.1`, and not in one of `optimizers`.
        ValueError: no optimizers, something else among them, the same one twice, or ones that rescale differently. When
            a trainer hands over its parameters: a label without an optimizer, or an optimizer without parameters.
        UserWarning: `set_learning_rate` where one of the optimizers has a schedule, as in MXNet.

    Source: `partition` of optax, formerly `multi_transform`.
    """

    aggregate_num = sys.maxsize  # an updater hands over all parameters at once; each optimizer gets as many as it takes
    _label_of: Callable[[str], str] | None = None  # of one that was pickled

    def __init__(
        self,
        optimizers: Mapping[str, Optimizer],
        label_of: Callable[[str], str],
        *,
        param_dict: dict[int, Parameter] | None = None,
        **unknown: Any,
    ) -> None:
        # Not the base class's, which would give it a rate, a decay and counts, that it has not.
        if unknown:
            raise TypeError(f"Partition has no option {', '.join(unknown)}; it takes optimizers, label_of")
        self.optimizers = _checked(optimizers)
        self._label_of = label_of
        self.labels: dict[int, str] = {}
        self.param_dict = param_dict or {}

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _OWN:
            raise ValueError(f"{name}={value!r} has no effect here: set it in one of `optimizers`, or in each")
        super().__setattr__(name, value)

    @property
    def param_dict(self) -> dict[int, Parameter]:
        """The trainer's parameters by position; set by the trainer, and then divided among the optimizers."""
        return vars(self)["param_dict"]

    @param_dict.setter
    def param_dict(self, parameters: dict[int, Parameter]) -> None:
        if parameters:
            self.labels = self._labelled(parameters)
        for label, optimizer in self.optimizers.items():
            optimizer.param_dict = {i: p for i, p in parameters.items() if self.labels[i] == label}
        self.__dict__["param_dict"] = parameters

    def _labelled(self, parameters: Mapping[int, Parameter]) -> dict[int, str]:
        if self._label_of is None:
            if self.labels.keys() != parameters.keys():
                raise ValueError(f"this was pickled with {len(self.labels)} parameters, and gets {len(parameters)}")
            return self.labels
        labels = {i: self._label_of(parameter.name) for i, parameter in parameters.items()}
        legal = ", ".join(map(repr, self.optimizers))
        for i, label in labels.items():
            if label not in self.optimizers:
                raise ValueError(f"{parameters[i].name} has the label {label!r}; there are optimizers for {legal}")
        if idle := [label for label in self.optimizers if label not in labels.values()]:
            names = ", ".join(parameter.name for parameter in parameters.values())
            raise ValueError(f"no parameter has the label {idle[0]!r}; there are {names}")
        return labels

    @property
    def rescale_grad(self) -> float:
        """What all gradients are multiplied by; set by the trainer at each step."""
        return next(iter(self.optimizers.values())).rescale_grad

    @rescale_grad.setter
    def rescale_grad(self, factor: float) -> None:
        for optimizer in self.optimizers.values():
            optimizer.rescale_grad = factor

    @property
    def learning_rate(self) -> float:
        """That of the first optimizer."""
        return next(iter(self.optimizers.values())).learning_rate

    def set_learning_rate(self, lr: float) -> None:
        """Give the first optimizer this learning rate, and multiply those of the others by the same factor.

        If one of them refuses its own, all stay as they are.
        """
        lr = real("learning_rate", lr, "[0, inf)")
        if scheduled := [label for label, one in self.optimizers.items() if one.lr_scheduler is not None]:
            raise UserWarning(f"the learning rate of {scheduled[0]!r} is its schedule's: set the others' one by one")
        before = {optimizer: optimizer.learning_rate for optimizer in self.optimizers.values()}
        first, *others = before
        if before[first] == 0:
            raise ValueError("no factor makes another learning rate of 0: set those of `optimizers` one by one")
        factor = lr / before[first]
        try:
            first.set_learning_rate(lr)
            for optimizer in others:
                optimizer.set_learning_rate(factor * before[optimizer])
        except Exception:
            for optimizer, rate in before.items():
                optimizer.set_learning_rate(rate)
            raise

    def set_lr_mult(self, args_lr_mult: dict) -> None:
        """Multipliers of learning rates by position, where there is no trainer; for all optimizers."""
        refuse_multipliers(self.param_dict, {"lr_mult": args_lr_mult})
        for optimizer in self.optimizers.values():
            optimizer.set_lr_mult(args_lr_mult)

    def set_wd_mult(self, args_wd_mult: dict) -> None:
        """Multipliers of weight decays, likewise."""
        refuse_multipliers(self.param_dict, {"wd_mult": args_wd_mult})
        for optimizer in self.optimizers.values():
            optimizer.set_wd_mult(args_wd_mult)

    @property
    def num_update(self) -> int:
        """The most updates that any parameter has had."""
        return max(optimizer.num_update for optimizer in self.optimizers.values())

    @property
    def multi_precision(self) -> bool:
        """Whether any of the optimizers keeps a float32 copy of float16 weights."""
        return any(optimizer.multi_precision for optimizer in self.optimizers.values())

    def create_state(self, index: int, weight: NDArray) -> Any:
        """The state that the parameter's optimizer makes."""
        return self._of(index).create_state(index, weight)

    def create_state_multi_precision(self, index: int, weight: NDArray) -> Any:
        """The same, with a float32 copy of a float16 weight where that optimizer keeps one."""
        return self._of(index).create_state_multi_precision(index, weight)

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        """One step of one parameter, by its optimizer."""
        self._of(index).update(index, weight, grad, state)

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """One step of one parameter, or of each in a list, by its optimizer; that gets lists where it takes lists."""
        if not isinstance(index, (list, tuple)):
            self._of(index).update_multi_precision(index, weight, grad, state)
            return
        rows = list(zip(index, weight, grad, state))
        for label, optimizer in self.optimizers.items():
            own = [row for row in rows if self._label(row[0]) == label]
            if optimizer.aggregate_num > 0:
                for first in range(0, len(own), optimizer.aggregate_num):
                    optimizer.update_multi_precision(*map(list, zip(*own[first : first + optimizer.aggregate_num])))
            else:
                for row in own:
                    optimizer.update_multi_precision(*row)

    def _of(self, index: int | str) -> Optimizer:
        return self.optimizers[self._label(index)]

    def _label(self, index: int | str) -> str:
        if index not in self.labels:
            raise ValueError(f"parameter {index} has no label: give this optimizer to a gluon.Trainer first")
        return self.labels[index]  # type: ignore

    def _set_current_context(self, device_id: int) -> None:
        for optimizer in self.optimizers.values():
            optimizer._set_current_context(device_id)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in ("param_dict", "_label_of")}


# What a partition has itself; `__dict__` is set when it is unpickled.
_OWN = ("optimizers", "labels", "_label_of", "param_dict", "rescale_grad", "aggregate_num", "__dict__")


def members(optimizer: Optimizer) -> list[Optimizer]:
    """The optimizers that take the steps: the parts of a `Partition`, or this one itself."""
    return list(optimizer.optimizers.values()) if isinstance(optimizer, Partition) else [optimizer]


def member(optimizer: Optimizer, index: int | str) -> Optimizer:
    """The one among them that takes the steps of this parameter."""
    return optimizer._of(index) if isinstance(optimizer, Partition) else optimizer


def _checked(optimizers: Mapping[str, Optimizer]) -> dict[str, Optimizer]:
    if not optimizers:
        raise ValueError("optimizers must be a dict from labels to optimizers, with one at least")
    for label, optimizer in optimizers.items():
        if not isinstance(label, str) or not isinstance(optimizer, Optimizer) or isinstance(optimizer, Partition):
            raise ValueError(f"optimizers must be optimizers without parts by strings, got {label!r}: {optimizer!r}")
    if len({id(optimizer) for optimizer in optimizers.values()}) < len(optimizers):
        raise ValueError("each label needs an optimizer of its own, since it counts the updates of its parameters")
    scales = {label: optimizer.rescale_grad for label, optimizer in optimizers.items()}
    if len(set(scales.values())) > 1:
        raise ValueError(f"all optimizers must have the same rescale_grad, got {scales}")
    return dict(optimizers)
