"""What an optimizer's options may be, and what they can be without effect for, which is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from numbers import Real
from typing import Any

import numpy as np
from mxnet.lr_scheduler import LRScheduler

from gluonbook.checks import real, whole_number

Check = Callable[[str, Any], Any]
"""Of an option's name and a value, the value as it is kept; raises ValueError that names both and the legal ones."""


def within(interval: str) -> Check:
    """A number in `interval`, such as "[0, 1)"."""
    low, high = map(float, interval[1:-1].split(","))

    def check(name: str, value: Any) -> float:
        if type(value) is float and low < value < high:  # as rescale_grad is, which is set at each step
            return value
        return real(name, value, interval)

    return check


def whole(low: int) -> Check:
    """A whole number from `low`."""
    return partial(whole_number, low=low)


def or_none(check: Check) -> Check:
    """None, or what `check` takes."""
    return lambda name, value: None if value is None else check(name, value)


def schedule(name: str, value: Any) -> Any:
    """A function of the number of updates, or None."""
    if value is not None and not callable(value):
        raise ValueError(f"{name} must be a function of the number of updates, or None, got {value!r}")
    return value


def start_at(schedule: LRScheduler, lr: float) -> None:
    """Let a schedule begin with this learning rate; MXNet sets `base_lr` only, which some replace at each call.

    Raises:
        ValueError: the schedule has no `base_lr`, as a plain function.
    """
    if not hasattr(schedule, "base_lr"):
        raise ValueError(f"learning_rate={lr} has no effect beside {schedule!r}, which has no base_lr: leave one out")
    if schedule.base_lr != lr:
        for name in ("base_lr_orig", "warmup_final_lr"):
            if hasattr(schedule, name):
                setattr(schedule, name, lr)


def refuse_multipliers(parameters: Mapping[int, Any], given: Mapping[str, Any]) -> None:
    """Raises ValueError for anything `given` beside parameters, which have multipliers of their own."""
    if parameters and (name := next((name for name, value in given.items() if value), None)):
        raise ValueError(
            f"{name}={given[name]!r} has no effect beside a trainer's parameters: "
            "set lr_mult and wd_mult of these, as in net.weight.lr_mult = 0.1"
        )


def must_not_vanish(numbers: Mapping[str, Any], kind: np.dtype, parameter: str) -> None:
    """Raises ValueError if a number that is not 0 is 0 in this floating type, in which `parameter` is updated.

    Or if MXNet has an error for it, as for all numbers below the normal ones of float64.
    """
    least = _least(kind)
    for name, value in numbers.items():
        if isinstance(value, Real) and 0 < abs(float(value)) < least and abs(kind.type(value)) < _LEAST_READ:
            small = "less than MXNet reads" if kind.type(value) else "0"
            remedy = ", or multi_precision=True" if kind == np.float16 else ""
            found = f"{name}={value} is {small} in {kind}, in which {parameter} is updated"
            raise ValueError(f"{found}: take {least:.3g} or more{remedy}")


_LEAST_READ = float(np.finfo(np.float64).tiny)


@cache
def _least(kind: np.dtype) -> float:
    return max(float(np.finfo(kind).smallest_subnormal), _LEAST_READ)
