"""Workers of MXNet's own parameter server, ps-lite, with one bit a coordinate each way."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from typing import final

import mxnet as mx
import numpy as np
from mxnet import nd

from gluonbook.kernels import memory, views
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.referee import ADD, HEADER, PASS, VOTE, Header, Referee, words
from gluonbook.rank import heartbeat
from gluonbook.rank.notes import Notes

_NEEDED = ("DMLC_ROLE", "DMLC_PS_ROOT_URI", "DMLC_PS_ROOT_PORT", "DMLC_NUM_SERVER", "DMLC_NUM_WORKER")
_UNSPLIT = str(2**31 - 1)  # the engine would cut long messages into pieces of its own, one a server


@final
class PSLiteLink(Link):
    """A worker of ps-lite, in a process that `gluonbook run --engine pslite` has started.

    On top of a `dist_async` store, which hands each message to the server's code by itself. A message is raw bytes in
    float32 carriers, sent to a `Referee` on the server, whose answer is pulled after a barrier. A ballot is cut into
    as many parts as there are servers. An answer that is not that of this very round raises an error.

    Raises:
        RuntimeError: this process is no worker of ps-lite, or a server reports an error or gives no answer.
    """

    engine = "pslite"

    def __init__(self) -> None:
        with heartbeat.waiting():
            store, self._servers, self._keys = _connection()
        self._store = weakref.proxy(store)
        self.rank, self.size = self._store.rank, self._store.num_workers
        self._boxes: dict[tuple, _Box] = {}

    def vote(self, ballot: np.ndarray, voters: Sequence[int], step: int) -> None:
        parts = np.array_split(ballot, self._servers)
        boxes = [self._box(VOTE, 2 * len(part), server) for server, part in enumerate(parts)]
        counts = self.rank in voters
        answers = self._round(boxes, [part.view(np.float32) for part in parts], [counts] * len(parts), boxes, step)
        for part, answer in zip(parts, answers):
            part[:] = answer.view(np.uint64)

    def all_reduce(self, values: np.ndarray) -> None:
        parts = np.array_split(values, self._servers)
        boxes = [self._box(ADD, len(part), server) for server, part in enumerate(parts)]
        for part, total in zip(parts, self._round(boxes, parts, [True] * len(parts), boxes)):
            part[:] = total

    def all_gather(self, values: np.ndarray) -> np.ndarray:
        return np.stack(self._passed_on(values, range(self.size)))

    def sendrecv(self, values: np.ndarray, to: int, source: int) -> np.ndarray:
        (received,) = self._passed_on(values, [source])
        return received.copy()

    def _passed_on(self, values: np.ndarray, sources: Sequence[int]) -> list[np.ndarray]:
        """Put values into this rank's mailbox, and return, as views, what is in those of some ranks."""
        carried = _carriers(values)
        boxes = [self._box(PASS, len(carried), rank) for rank in range(self.size)]
        answers = self._round([boxes[self.rank]], [carried], [True], [boxes[rank] for rank in sources])
        return [answer.view(np.uint8)[: values.nbytes].view(values.dtype) for answer in answers]

    def broadcast(self, values: np.ndarray) -> None:
        carried = _carriers(values)
        box = self._box(PASS, len(carried), self.size)
        (answer,) = self._round([box] if self.rank == 0 else [], [carried], [True], [box])
        values[:] = answer.view(np.uint8)[: len(values)]

    def _box(self, kind: int, length: int, number: int) -> _Box:
        """The mailbox for messages of this kind and length, for its next round; `number` also chooses the server.

        All ranks ask for the same boxes in each operation, also for those that they do not look into.
        """
        place = kind, length, number
        if place not in self._boxes:
            # The engine sends a key to the server 9973·key mod the number of servers, and 9973 is prime.
            keys = [next(self._keys) * self._servers + number % self._servers for _ in range(2 if kind == PASS else 1)]
            self._boxes[place] = _Box(self._store, keys, kind, length)
        box = self._boxes[place]
        box.round += 1
        return box

    def _round(
        self,
        to: Sequence[_Box],
        contents: Sequence[np.ndarray],
        counts: Sequence[bool],
        of: Sequence[_Box],
        step: int = 0,
    ) -> list[np.ndarray]:
        """Send contents to boxes; when all ranks have, return what is in the boxes `of`, as views."""
        for box, content, counting in zip(to, contents, counts):
            box.send(content, self.rank, counting, step)
        for box in to:
            box.sent()
        self._store._barrier()
        for box in of:
            box.fetch()
        return [box.answer() for box in of]


@cache
def _connection() -> tuple[mx.kv.KVStore, int, Iterator[int]]:
    """This process's store, the number of servers, and numbers for keys; the engine takes one connection a process.

    The only reference to the store is here, and let go at exit: the store's end says goodbye to the other processes,
    and if it came as late as that of a module's variables, the engine would be gone, and the process would abort.
    """
    atexit.register(_connection.cache_clear)
    if missing := [name for name in _NEEDED if name not in os.environ]:
        raise RuntimeError(f"{', '.join(missing)} not set: start this script with `gluonbook run --engine pslite`")
    os.environ["MXNET_KVSTORE_BIGARRAY_BOUND"] = _UNSPLIT  # read when the store is made
    store = mx.kv.create("dist_async")
    if (own := Notes.own()) and own.name != f"rank-{store.rank}":
        raise RuntimeError(f"{own.name} has become rank {store.rank}: a script must not change PORT or DMLC_NODE_HOST")
    if store.rank == 0:
        store.set_optimizer(Referee(store.num_workers))
    store._barrier()
    return store, int(os.environ["DMLC_NUM_SERVER"]), count()


@final
class _Box:
    """Keys of the store, and two carriers, to and from them: a push may read its array even after it has returned.

    A vote or a sum is answered when all ranks have sent theirs, and so have read the answer before: one key is enough.
    A message that is passed on lies there at once, while a slow rank may still read the one before: two take turns.
    """

    def __init__(self, store: mx.kv.KVStore, keys: Sequence[int], kind: int, length: int) -> None:
        self._store, self._keys, self._kind, self.round = store, keys, kind, 0
        self._out, self._in = nd.zeros(HEADER + length), nd.zeros(HEADER + length)
        for key in keys:
            store.init(key, self._in)  # waits for all ranks

    @property
    def _key(self) -> int:
        return self._keys[self.round % len(self._keys)]

    def send(self, content: np.ndarray, rank: int, counts: bool, step: int) -> None:
        head, body = words(self._out)
        head[:] = Header(self._kind, self.round, rank, counts, step)
        body[:] = content
        self._store.push(self._key, self._out)

    def sent(self) -> None:
        """Wait until the server has dealt with it."""
        views.settle(memory.flat("carrier", self._out))

    def fetch(self) -> None:
        self._store.pull(self._key, out=self._in)

    def answer(self) -> np.ndarray:
        head, body = words(self._in)
        header = Header(*head.tolist())
        if header.kind < 0:
            raise RuntimeError(
                f"the server says: {bytes(body.view(np.uint8)[: header.counts]).decode(errors='replace')}"
            )
        if (header.kind, header.round) != (self._kind, self.round):
            raise RuntimeError(f"the server's answer is of round {header.round}, not {self.round}: it lost a message")
        return body


def _carriers(values: np.ndarray) -> np.ndarray:
    """Any values as float32 of the same bytes, padded."""
    raw = np.ascontiguousarray(values).view(np.uint8)
    return np.pad(raw, (0, -len(raw) % 4)).view(np.float32)
