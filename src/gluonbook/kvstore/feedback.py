"""Signs with error feedback: what the sign cuts off is kept, and sent later."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook import kernels
from gluonbook.kernels import bits
from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.finite import LARGEST, NotFinite, mean_sizes, reduced, within
from gluonbook.kvstore.memory import beside
from gluonbook.kvstore.prepared import already, clips
from gluonbook.kvstore.store import Store


@final
class Compressed(NamedTuple):
    """What devices send: the signs of all parameters, and one number each."""

    words: np.ndarray
    scales: np.ndarray  # float32


@final
class Step(NamedTuple):
    """What there is to send, and then what all have sent; and what is left for the next step."""

    sent: list[Compressed]
    errors: dict[int | str, list[NDArray]]


@KVStoreBase.register
@final
class ErrorFeedbackStore(Store):
    """The mean of all workers' signs, each scaled, with error feedback on each worker.

        p_m = clip(rescale_grad·grad_m) + e_m            on device m, for each parameter of d elements
        Δ_m = (‖p_m‖₁/d)·sign(p_m)                       sent: one bit an element, and one float32; zeros draw
        e_m ← p_m − Δ_m
        rescale_grad·grad ← (1/M)·Σ_processes Σ_devices Δ_m

    A device that has not used the parameter in this step sends nothing of it, and keeps its e. The method is defined
    on steps, p = lr·rescale_grad·grad + e; here the learning rate comes after, which is the same as long as it is
    constant. A mean of signs is no sign: down comes one bit for each worker, where a majority vote sends one.

    With the optimizer `plainsgd` and one worker this is the optimizer `efsignsgd`. As there, `clip_gradient` acts
    before the residual is added, and not on what was sent, of which a part would be lost. With
    `update_on_kvstore=False` the trainer does clip what was sent. The residual of a device that leaves goes to the
    first one. Arguments and errors are those of `Store`; the residuals e are its `states`.

    Source: Karimireddy, Rebjock, Stich and Jaggi, Error feedback fixes signSGD and other gradient compression schemes
    (2019), arXiv:1901.09847, Algorithm 1; for several workers, Zheng, Huang and Kwok, Communication-efficient
    distributed blockwise momentum SGD with error-feedback (2019), arXiv:1905.10936, without its second compression.
    """

    method = "feedback"
    overlaps = True
    per_device = True

    def accept(self, optimizer: Optimizer | None) -> None:
        pass

    def message(self, bucket: Bucket) -> Step:
        devices, sizes = len(bucket.grads[0]), [own[0].size for own in bucket.grads]
        sent = Compressed(
            np.zeros((devices, sum(map(bits.words_for, sizes))), np.uint64),
            np.zeros((devices, len(sizes)), np.float32),
        )
        if not bucket.devices:
            return Step([sent], {})
        errors, bounds = [*map(self._errors, bucket.keys, bucket.grads)], clips(self.optimizer, bucket.keys)
        for device in bucket.devices:
            for own, grads, bound in zip(errors, bucket.grads, bounds):
                own[device] = own[device] + _prepared(grads[device], bucket.terms.rescale, bound)
            p, scales = [own[device] for own in errors], sent.scales[device]
            scales[:] = reduced(mean_sizes, *p)
            if not within(scales, LARGEST / devices):
                raise NotFinite(
                    [key for key, scale in zip(bucket.keys, scales) if not within(scale, LARGEST / devices)]
                )
            kernels.pack(p, out=sent.words[device])
            kernels.apply_signs(p, sent.words[device], lr=scales.tolist())  # leaves p − Δ in its place
        return Step([sent], dict(zip(bucket.keys, errors)))

    def exchange(self, message: Step, bucket: Bucket) -> Step:
        (own,) = message.sent
        words, scales = map(self._gathered, own)
        share = np.float32(len(bucket.terms.voters))
        sent = [Compressed(w, s / share) for rank in bucket.speakers for w, s in zip(words[rank], scales[rank])]
        return message._replace(sent=sent)

    def _gathered(self, part: np.ndarray) -> np.ndarray:
        return self.link.all_gather(part.reshape(-1)).reshape(self.num_workers, *part.shape)

    def _errors(self, key: int | str, grads: Sequence[NDArray]) -> list[NDArray]:
        """e of each device, in float32, with those of devices that have left: nothing is lost."""
        errors = beside(self.states.get(key, []), grads, np.float32)
        while len(errors) > len(grads):
            left = errors.pop()
            errors[0] = errors[0] + left.as_in_context(errors[0].context)
        return errors

    def apply(self, combined: Step, bucket: Bucket) -> None:
        self.states.update(combined.errors)
        with already(self.optimizer):
            self.deliver(partial(_write_sum, combined.sent, bucket.terms.common), bucket)


def _prepared(grad: NDArray, rescale: float, bound: float | None) -> NDArray:
    """The gradient in the unit of the step, in which residuals are, whatever the batch size."""
    rescaled = grad.astype(np.float32, copy=False) * rescale
    return rescaled if bound is None else nd.clip(rescaled, -bound, bound)


def _write_sum(parts: Sequence[Compressed], rescale: float, arrays: Sequence[NDArray]) -> None:
    totals = [nd.zeros(array.shape, array.context) for array in arrays]
    for words, scales in parts:
        kernels.apply_signs(totals, words, lr=scales.tolist())
    for total, array in zip(totals, arrays):
        array[:] = total / -rescale
