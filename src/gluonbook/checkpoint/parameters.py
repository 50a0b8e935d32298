"""What of a net's parameters a checkpoint keeps: values, what is asked for each, and gradients that add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import Parameter, Trainer

from gluonbook.checkpoint.tensors import Tensors

VALUE, GRADIENT = "parameter", "gradient"
ASKED = ("grad_req", "lr_mult", "wd_mult")  # what a program asks for a parameter, and may change at any time


def packed(parameters: Mapping[str, Parameter], tensors: Tensors) -> dict[str, Any]:
    """What is asked for each parameter, as JSON; the arrays go into `tensors`.

    A gradient is state where `grad_req` is "add": the next backward pass adds to it.
    """
    for name, parameter in parameters.items():
        for device, value in enumerate(parameter.list_data()):
            tensors.pack(value, f"{VALUE}/{name}", device)
        for device, gradient in enumerate(parameter.list_grad() if parameter.grad_req == "add" else []):
            tensors.pack(gradient, f"{GRADIENT}/{name}", device)
    asked = {
        name: {**{key: getattr(parameter, key) for key in ASKED}, "fresh": _fresh(parameter)}
        for name, parameter in parameters.items()
    }
    return tensors.pack(asked, "parameters")


def restore(packed: Any, parameters: Mapping[str, Parameter], trainer: Trainer, tensors: Tensors) -> None:
    """Give parameters what `packed` had of them, on the devices of the trainer."""
    asked = tensors.unpack(packed)
    values = {name: ndarray(tensors.arrays[f"0/{VALUE}/{name}"]) for name in parameters}
    if trainer._update_on_kvstore:  # the store has weights of its own: a new one will fetch these
        trainer._reset_kvstore()
    for name, parameter in parameters.items():
        for key in ASKED:
            setattr(parameter, key, asked[name][key])
        parameter._load_init(values[name], None)
    if not trainer._kv_initialized:
        trainer._init_kvstore()
    trainer._init_params()  # copies rank 0's first device's values to all others, so the others' own come after it
    for name, parameter in parameters.items():
        for device, value in enumerate(parameter.list_data()):
            value[:] = ndarray(tensors.get(f"{VALUE}/{name}", device))
        for device, gradient in enumerate(parameter.list_grad() if parameter.grad_req == "add" else []):
            gradient[:] = ndarray(tensors.get(f"{GRADIENT}/{name}", device))
        _refresh(parameter, asked[name]["fresh"])


def ndarray(array: np.ndarray) -> mx.nd.NDArray:
    """The same values, in an array of MXNet of the same type."""
    return mx.nd.array(array, dtype=array.dtype)


def _fresh(parameter: Parameter) -> list[bool]:
    """On which devices a backward pass has added to the gradient since the trainer's last step."""
    return [bool(value._fresh_grad) for value in parameter.list_data()] if parameter.grad_req == "add" else []


def _refresh(parameter: Parameter, fresh: list[bool]) -> None:
    if parameter.grad_req != "null":
        for device, value in enumerate(parameter.list_data()):
            value._fresh_grad = device < len(fresh) and fresh[device]
