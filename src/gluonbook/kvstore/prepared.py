"""What a store does of the optimizer's part, where each worker prepares its gradient before it is compressed.

An optimizer rescales its gradient and clips it, and only then comes what the method remembers: an outlier is not to
fill a momentum or a residual. So where the store has these, it prepares the gradient, and what comes back from the
other workers is not prepared once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from mxnet.optimizer import Optimizer

from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.vector import Vector
from gluonbook.optimizers.partition import member, members


def clips(optimizer: Optimizer | None, keys: Sequence[int | str]) -> list[float | None]:
    """The clip_gradient of each parameter; None for no clipping, and where the store does not have the optimizer."""
    if optimizer is None:
        return [None] * len(keys)
    own = [member(optimizer, key).clip_gradient for key in keys]
    return [clip if clip and clip > 0 else None for clip in own]  # to MXNet's optimizers 0 and −1 mean "none", too


@contextmanager
def already(optimizer: Optimizer | None, rescale: Callable[[float], float] = float) -> Iterator[None]:
    """Meanwhile the optimizer, if the store has it, clips nothing, and its rescale_grad is this function of it."""
    parts = members(optimizer) if optimizer else []
    own = [(part.clip_gradient, part.rescale_grad) for part in parts]
    try:
        for part in parts:
            part.clip_gradient, part.rescale_grad = None, rescale(part.rescale_grad)
        yield
    finally:
        for part, (clip, rescale_grad) in zip(parts, own):
            part.clip_gradient, part.rescale_grad = clip, rescale_grad


def prepared(bucket: Bucket, device: int, optimizer: Optimizer | None) -> Vector:
    """The gradients of one device, rescaled and clipped: in the unit of the step, whatever the batch size."""
    own = [grads[device] for grads in bucket.grads]
    vector = Vector.zeros(bucket.keys, own)
    vector.add(own)
    if bucket.terms.rescale != 1:
        vector.values[:] *= np.float32(bucket.terms.rescale)
    for part, bound in zip(vector.parts.values(), clips(optimizer, bucket.keys)):
        if bound is not None:
            np.clip(part, -bound, bound, out=part)
    return vector
