"""signSGD with majority vote: one bit a coordinate, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook import kernels
from gluonbook.checks import real
from gluonbook.kernels import bits
from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.prepared import already, clips
from gluonbook.kvstore.store import Store
from gluonbook.optimizers import SignSGD
from gluonbook.optimizers.partition import members
from gluonbook.optimizers.rule import zeros_like


@KVStoreBase.register
@final
class VoteStore(Store):
    """The majority vote of all workers on the sign of each coordinate, with Signum's momentum on each of them.

        mom_m ← momentum·mom_m − (1 − momentum)·clip(rescale_grad·grad_m)
                                                        on worker m; mom is minus the momentum
        ballot_m = sign(−mom_m)                                           packed, 64 in a word
        vote = sign(Σ_m ballot_m)                                         ties count as +, as does sign(0)
        weight ← weight − lr·(vote + wd_lh·weight)                        on all workers, the same bits

    The last line is the optimizer's: `signsgd`, whose step the store then does in one pass. With one worker this is the
    optimizer `plainsignum`, but for zeros. `rescale_grad` and `clip_gradient` are the optimizer's, and act before the
    momentum, as there. Its `wd` would be without effect beside a vote of ±1, and is refused: decoupled weight decay is
    `wd_lh`. Another optimizer gets the vote as its gradient, and does not clip it again; note that `Trainer.step` tells
    it to rescale that by 1/batch_size. With `update_on_kvstore=False` the optimizer is out of the store's reach: the
    momentum is of grad_m as it is, and the optimizer rescales and clips the vote.

    Several devices of a process vote first, each with a momentum of its own; their majority is the ballot of the
    process. So with more than one process *and* device this is a majority of majorities.

    Args:
        momentum: in [0, 1)
        others: those of `Store`

    Source: Bernstein, Zhao, Azizzadenesheli and Anandkumar, signSGD with majority vote is communication efficient and
    fault tolerant (2019), arXiv:1810.05291, Algorithm 1.
    """

    method = "vote"

    def __init__(self, link: str | Link = "local", *, momentum: float = 0.9, **options) -> None:
        super().__init__(link, **options)
        self.momentum = real("momentum", momentum, "[0, 1)")

    def accept(self, optimizer: Optimizer | None) -> None:
        for part in members(optimizer) if optimizer else ():
            if isinstance(part, SignSGD) and part.wd:
                raise ValueError(f"beside a vote of ±1, wd has no effect on its sign: use wd_lh, got wd={part.wd}")

    def message(self, bucket: Bucket) -> np.ndarray:
        if not bucket.counts:
            return np.zeros(sum(bits.words_for(own[0].size) for own in bucket.grads), np.uint64)
        for key, own in zip(bucket.keys, bucket.grads):
            if key not in self.states:
                self.states[key] = [_momentum(grad) for grad in own]
        rescale = self.optimizer.rescale_grad if self.optimizer else 1.0
        own_clips = clips(self.optimizer, bucket.keys)
        ballots = [
            kernels.momentum_pack(
                list(moms), list(own), momentum=self.momentum, rescale_grad=rescale, clip_gradient=own_clips
            )
            for moms, own in zip(zip(*(self.states[key] for key in bucket.keys)), zip(*bucket.grads))
        ]
        return kernels.vote(ballots) if len(ballots) > 1 else ballots[0]

    def exchange(self, message: np.ndarray, voters: Sequence[int]) -> np.ndarray:
        self.link.vote(message, voters)
        return message

    def apply(self, combined: np.ndarray, bucket: Bucket) -> None:
        optimizer = self.optimizer
        if type(optimizer) is SignSGD and not optimizer.multi_precision and optimizer.rescale_grad:
            _move(optimizer, combined, bucket)
            return
        with already(optimizer, abs):  # the sign of rescale_grad is in the vote
            self.deliver(lambda arrays: kernels.unpack(combined, out=arrays), bucket)


def _move(optimizer: SignSGD, vote: np.ndarray, bucket: Bucket) -> None:
    """The optimizer's step, in one pass over the weights of each device."""
    lrs = []
    for key in bucket.keys:
        optimizer._update_count(key)
        lrs.append(optimizer._get_lr(key))
    for device in zip(*bucket.outs):
        kernels.apply_signs(list(device), vote, lr=lrs, wd=optimizer.wd_lh)


def _momentum(grad: NDArray) -> NDArray:
    """Zeros beside the gradient; float32 for float16, where small gradients would be lost in the sum."""
    return zeros_like(grad if grad.dtype != np.float16 else grad.astype(np.float32))
