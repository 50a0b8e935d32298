"""signSGD with majority vote: one bit a coordinate, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, final

import numpy as np
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook import kernels
from gluonbook.checks import real
from gluonbook.kernels import bits
from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.finite import NotFinite
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.memory import beside
from gluonbook.kvstore.prepared import already, clips
from gluonbook.kvstore.store import TURNS, Store
from gluonbook.optimizers import SignSGD
from gluonbook.optimizers.partition import members

_MOMENTA = "momenta"  # what is remembered of a parameter, beside its turns


@final
class Ballot(NamedTuple):
    """A ballot, and then the vote; and what each device of this rank remembers once it counts, by parameter."""

    words: np.ndarray
    momenta: dict[int | str, list[NDArray]]
    room: dict[int | str, list[NDArray]]  # for those of the next step


@KVStoreBase.register
@final
class VoteStore(Store):
    """The majority vote of all workers on the sign of each coordinate, with Signum's momentum on each of them.

        mom_m ← momentum·mom_m − (1 − momentum)·clip(rescale_grad·grad_m)
                                                        on worker m; mom is minus the momentum
        ballot_m = sign(−mom_m)                                           packed, 64 in a word
        vote = sign(Σ_m ballot_m)
        weight ← weight − lr·(vote + wd_lh·weight)                        on all workers, the same bits

    The last line is the optimizer's: `signsgd`, whose step the store then does in one pass. With one worker this is the
    optimizer `plainsignum`, but for zeros. `rescale_grad` and `clip_gradient` are the optimizer's, and act before the
    momentum, as there. Its `wd` would be without effect beside a vote of ±1, and is refused: decoupled weight decay is
    `wd_lh`. Another optimizer gets the vote as its gradient, and does not clip it again; note that `Trainer.step` tells
    it to rescale that by 1/batch_size. With `update_on_kvstore=False` the trainer clips the vote, not the gradients.

    Who has not used a parameter in this step has no vote on it, and its momentum stays. A device that joins begins with
    a momentum of zero; that of one that leaves is dropped.

    A bit has no zero. In the k-th vote on a parameter, from 0, element i of a tie is (−1)^(k + i), and a zero of
    worker m votes (−1)^(k + m + i); k is among the `states`, and goes on after a resume (see `gluonbook.kernels`). So
    four workers are as good as three, and a weight whose gradient is zero does not walk: however many vote, it moves to
    and fro by lr.

    Several devices of a process vote first, each with a momentum of its own; their majority is the ballot of the
    process. So with more than one process *and* device this is a majority of majorities.

    Args:
        momentum: in [0, 1)
        options: those of `Store`

    Source: Bernstein, Zhao, Azizzadenesheli and Anandkumar, signSGD with majority vote is communication efficient and
    fault tolerant (2019), arXiv:1810.05291, Algorithm 1.
    """

    method = "vote"
    overlaps = True
    examines = True
    takes_turns = True

    def __init__(self, link: str | Link = "local", *, momentum: float = 0.9, **options) -> None:
        super().__init__(link, **options)
        self.momentum = real("momentum", momentum, "[0, 1)")
        self.remembers = self.momentum > 0
        self._room: dict[int | str, list[NDArray]] = {}

    def accept(self, optimizer: Optimizer | None) -> None:
        for part in members(optimizer) if optimizer else ():
            if isinstance(part, SignSGD) and part.wd:
                raise ValueError(f"beside a vote of ±1, wd has no effect on its sign: use wd_lh, got wd={part.wd}")

    def message(self, bucket: Bucket) -> Ballot:
        if not bucket.devices:
            empty = np.zeros(sum(bits.words_for(own[0].size) for own in bucket.grads), np.uint64)
            return Ballot(empty, {key: self._momenta(key) for key in bucket.keys}, {})
        # New momenta go beside the old ones, which hold until all ranks know that the step is taken. Then they change
        # places: new memory at each step would take longer.
        old, room = ([*map(_beside, map(own, bucket.keys), bucket.grads)] for own in (self._momenta, self._free))
        new, left = zip(*(_changed_places(own, free, bucket.devices) for own, free in zip(old, room)))
        step = bucket.turn + self.rank
        bad = np.zeros((len(bucket.devices), len(bucket.keys)), bool)
        ballots = [
            kernels.momentum_pack(
                [own[device] for own in old],
                [own[device] for own in bucket.grads],
                momentum=self.momentum,
                rescale_grad=bucket.terms.rescale,
                clip_gradient=clips(self.optimizer, bucket.keys),
                step=step + device,
                new=[own[device] for own in new],
                bad=seen,
            )
            for device, seen in zip(bucket.devices, bad)
        ]
        if bad.any():
            raise NotFinite([key for key, seen in zip(bucket.keys, bad.any(axis=0)) if seen])
        words = kernels.vote(ballots, step=step) if len(ballots) > 1 else ballots[0]
        return Ballot(words, dict(zip(bucket.keys, new)), dict(zip(bucket.keys, left)))

    def exchange(self, message: Ballot, bucket: Bucket) -> Ballot:
        self.link.vote(message.words, bucket.speakers, bucket.turn)
        return message

    def _momenta(self, key: int | str) -> list[NDArray]:
        return self.states[key][_MOMENTA] if key in self.states else []

    def _free(self, key: int | str) -> list[NDArray]:
        return self._room.get(key, [])

    def apply(self, combined: Ballot, bucket: Bucket) -> None:
        for key, momenta in combined.momenta.items():
            turns = self.states[key][TURNS] if key in self.states else 0
            self.states[key] = {_MOMENTA: momenta, TURNS: turns + 1}
        self._room.update(combined.room)
        optimizer = self.optimizer
        if type(optimizer) is SignSGD and not optimizer.multi_precision and optimizer.rescale_grad:
            _move(optimizer, combined.words, bucket)
            return
        with already(optimizer, abs):  # the sign of rescale_grad is in the vote
            self.deliver(partial(_write, combined.words, optimizer is None and bucket.terms.common < 0), bucket)


def _beside(own: Sequence[NDArray], grads: Sequence[NDArray]) -> list[NDArray]:
    """One a device; float32 for float16, where small gradients would be lost in the sum."""
    kind = np.dtype(grads[0].dtype)
    return beside(own, grads, np.dtype(np.float32) if kind == np.float16 else kind)[: len(grads)]


def _changed_places(
    one: Sequence[NDArray], other: Sequence[NDArray], devices: Sequence[int]
) -> tuple[list[NDArray], list[NDArray]]:
    """Two lists of one array a device, those of some devices from the other list."""
    pairs = [(b, a) if device in devices else (a, b) for device, (a, b) in enumerate(zip(one, other))]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _write(vote: np.ndarray, turned: bool, arrays: list[NDArray]) -> None:
    kernels.unpack(vote, out=arrays)
    for array in arrays if turned else ():
        array *= -1  # the trainer's optimizer will turn it back


def _move(optimizer: SignSGD, vote: np.ndarray, bucket: Bucket) -> None:
    """The optimizer's step, in one pass over the weights of each device."""
    lrs = []
    for key in bucket.keys:
        optimizer._update_count(key)
        lrs.append(optimizer._get_lr(key))
    for device in zip(*bucket.outs):
        kernels.apply_signs(list(device), vote, lr=lrs, wd=optimizer.wd_lh)
