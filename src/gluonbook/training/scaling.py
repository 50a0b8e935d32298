"""The scale of the losses in mixed precision, where a trainer was prepared by `amp.init_trainer`."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.contrib import amp
from mxnet.ndarray import NDArray

from gluonbook.checkpoint import Collective, store_of


def scaled(trainer: gluon.Trainer, losses: list[NDArray]) -> list[NDArray]:
    """The losses as they are to be differentiated: times the trainer's loss scale, if it has one.

    Raises ValueError if the gradients' store runs the optimizer, so that no step could be skipped.
    """
    if _scaler(trainer) is None:
        return losses
    if store_has_optimizer(trainer):
        raise ValueError(
            "the trainer scales losses (amp.init_trainer), and a step that overflows could not be skipped, since its "
            "store runs the optimizer: make it by gluon.Trainer(..., update_on_kvstore=False)"
        )
    with amp.scale_loss(losses, trainer) as steeper:
        return steeper


def overflows(trainer: gluon.Trainer) -> bool:
    """Whether a step is to be skipped before the exchange, by all ranks alike; the scale is halved then.

    It is asked of the stores that refuse gradients which are not finite, our own. In others the sum over devices and
    ranks is not finite either, and `Trainer.step` itself skips it.
    """
    store = store_of(trainer)
    if _scaler(trainer) is None or not isinstance(store, Collective):
        return False
    grads = [grad for parameter in trained(trainer) for grad in parameter.list_grad()]
    found = [mx.nd.multi_all_finite(grad, num_arrays=1) for grad in grads]  # all are asked before one is waited for
    finite = all(one.asscalar() for one in found)
    if store.all_gather(np.array([finite], np.int64)).all():
        return False
    infinite = SimpleNamespace(_grad=[mx.nd.array([math.inf])])
    return _scaler(trainer).has_overflow([infinite])  # MXNet's own rule, for what another rank may have found


def trained(trainer: gluon.Trainer) -> list[gluon.Parameter]:
    """The parameters that the trainer moves."""
    return [parameter for parameter in trainer._params if parameter.grad_req != "null"]


def store_has_optimizer(trainer: gluon.Trainer) -> bool:
    """Whether what comes out of the exchange are weights, not gradients."""
    if not trainer._kv_initialized:
        trainer._init_kvstore()
    return bool(trainer._update_on_kvstore)


def _scaler(trainer: gluon.Trainer) -> Any:
    return getattr(trainer, "_amp_loss_scaler", None)
