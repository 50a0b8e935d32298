"""Any codec, with any memory: gradients are sent in its messages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, final
from zlib import crc32

import numpy as np
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook.checks import whole_number
from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.codecs import Codec, Shape
from gluonbook.kvstore.compensation import Kept, Memory, NoMemory, Sent
from gluonbook.kvstore.finite import LARGEST, NotFinite, within
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.prepared import already, prepared
from gluonbook.kvstore.store import Store
from gluonbook.kvstore.vector import Vector

_KEPT, _EXCHANGES = "kept", "exchanges"  # what is remembered of a parameter


@final
class Messages(NamedTuple):
    """What a rank sends, a row of bytes for each of its devices, and what it is going to remember by parameter."""

    rows: np.ndarray
    states: dict[Any, Any]


@final
class Total(NamedTuple):
    """The mean of what all have sent, and what this rank is going to remember."""

    mean: Vector
    states: dict[Any, Any]


@KVStoreBase.register
@final
class CompressedStore(Store):
    """The mean of all workers' gradients, each sent as a codec writes it down.

        g_m = clip(rescale_grad·grad_m)                  on device m, for each parameter by itself
        v_m, and what m remembers, by the memory         g_m itself, unless something is remembered
        Q(v_m)                                           sent to all: `codec.nbytes(shape)` bytes
        rescale_grad·grad ← (1/M)·Σ_processes Σ_devices Q(v_m)

    Messages are gathered: each process gets those of the M − 1 others, and adds up in the order of ranks, so that all
    have the same bits. What travels thus grows with M, where a ring's all-reduce and a sharded vote stay flat: messages
    of b bits a coordinate cost as much as the ring of float32 at M = 64/b.

    Each device has its own memory, as in `ErrorFeedbackStore`; one that has not used a parameter in this step sends
    nothing of it, and keeps what it has kept. What a device that leaves has kept goes to the first one. `clip_gradient`
    acts before, not on what was sent, unless `update_on_kvstore=False`: then the trainer does clip what was sent.

    Where a codec draws, the numbers come from (seed, rank, device, parameter, how often it has been exchanged), and the
    last is among the `states`: a resumed run goes on with the same numbers.

    Args:
        codec: how gradients are written down, the same on all ranks
        memory: what is kept of what was left out, the same on all ranks; None for nothing, `NoMemory()`
        seed: of what codecs draw, from 0
        options: those of `Store`

    Raises:
        ValueError: in addition to those of `Store`, the ranks have other codecs or memories, or the memory does not fit
            to the codec.
    """

    method = "compressed"
    overlaps = True
    per_device = True

    def __init__(
        self, link: str | Link = "local", *, codec: Codec, memory: Memory | None = None, seed: int = 0, **options
    ) -> None:
        memory = NoMemory() if memory is None else memory
        for name, value, kind in (("codec", codec, Codec), ("memory", memory, Memory)):
            if not isinstance(value, kind):
                raise ValueError(f"{name} must be a {kind.__name__} of this book, got {value!r}")
        memory.accept(codec)
        self.codec, self.memory, self.seed = codec, memory, whole_number("seed", seed, 0)
        super().__init__(link, **options)
        self.agree(f"a store {self.type}, {codec}, {memory}")
        self.remembers = memory.slots > 0
        self._idle = np.random.default_rng(0)  # for codecs that do not draw

    def accept(self, optimizer: Optimizer | None) -> None:
        pass

    def message(self, bucket: Bucket) -> Messages:
        shapes = [own[0].shape for own in bucket.grads]
        rows = np.zeros((len(bucket.grads[0]), sum(map(self.codec.nbytes, shapes))), np.uint8)
        if not bucket.devices:
            return Messages(rows, {})
        kept = {key: self._kept(key, own) for key, own in zip(bucket.keys, bucket.grads)}
        workers = self.num_workers * len(rows)
        for device in bucket.devices:
            grads = prepared(bucket, device, self.optimizer).parts
            for (key, grad), room in zip(grads.items(), self._pieces(rows[device], shapes)):
                send = partial(self._send, key, device, room, grad.shape, workers)
                kept[key][device] = [*self.memory.pass_on(grad.reshape(-1), kept[key][device], send, workers)]
        return Messages(rows, {key: own for key in kept if (own := self._state(key, kept[key]))})

    def _send(self, key: int | str, device: int, room: np.ndarray, shape: Shape, workers: int, v: np.ndarray) -> Sent:
        if not within(v, LARGEST / workers):
            raise NotFinite([key])
        room[:] = self.codec.encode(v, shape, self._random(key, device))
        return Sent(self.codec, room, shape)

    def _pieces(self, row: np.ndarray, shapes: Sequence[Shape]) -> list[np.ndarray]:
        """The message of each parameter, as views."""
        return np.split(row, np.cumsum([*map(self.codec.nbytes, shapes)])[:-1])

    def _kept(self, key: int | str, grads: Sequence[NDArray]) -> list[Kept]:
        """What each device has kept; a training may go on with more of them, or fewer."""
        kept: list[Kept] = [*self.states.get(key, {}).get(_KEPT, [])]
        while len(kept) < len(grads):
            kept.append([np.zeros(grads[0].size, np.float32) for _ in range(self.memory.slots)])
        while len(kept) > len(grads):
            left = kept.pop()
            kept[0] = [own + other for own, other in zip(kept[0], left)]
        return kept

    def _state(self, key: int | str, kept: list[Kept]) -> dict[str, Any]:
        """What is to be remembered of a parameter after this exchange; nothing, if there is nothing to remember."""
        state: dict[str, Any] = {_KEPT: kept} if self.memory.slots else {}
        return {**state, _EXCHANGES: self._exchanges(key) + 1} if self.codec.draws else state

    def _exchanges(self, key: int | str) -> int:
        return self.states.get(key, {}).get(_EXCHANGES, 0)

    def _random(self, key: int | str, device: int) -> np.random.Generator:
        if not self.codec.draws:
            return self._idle
        return np.random.default_rng([self.seed, self.rank, device, crc32(repr(key).encode()), self._exchanges(key)])

    def exchange(self, message: Messages, bucket: Bucket) -> Total:
        rows = self.link.all_gather(message.rows.reshape(-1)).reshape(self.num_workers, *message.rows.shape)
        mean = Vector.zeros(bucket.keys, [own[0] for own in bucket.grads])
        parts = [*mean.parts.values()]
        shapes = [part.shape for part in parts]
        for row in rows[bucket.speakers].reshape(-1, rows.shape[-1]):
            for part, piece in zip(parts, self._pieces(row, shapes)):
                part += self.codec.decode(piece, part.shape).reshape(part.shape)
        mean.values[:] /= np.float32(len(bucket.terms.voters))
        return Total(mean, message.states)

    def apply(self, combined: Total, bucket: Bucket) -> None:
        self.states.update(combined.states)
        with already(self.optimizer):
            self.deliver(combined.mean.times(1.0, bucket.terms.common).write, bucket)
