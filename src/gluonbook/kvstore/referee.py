"""What a server of ps-lite does with the messages of the workers: it counts votes, adds up, or passes on.

The engine stores float32 and knows nothing else. A message is therefore raw bytes in float32 carriers: a header of five
whole numbers, then the content. It reaches a server as the "gradient" of a key, and what the server has stored under
this key, its "weight", is the answer.
"""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

# Not `mxnet.nd`: see `gluonbook.optimizers.rule` on what a server has while it starts.
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer

from gluonbook import kernels
from gluonbook.kernels import memory, views

HEADER = 6  # float32 carriers: five, and one that lets words of 64 bits behind them lie at a multiple of 8 bytes
VOTE, ADD, PASS = range(3)
_KINDS = ("a vote", "a sum")


@final
class Header(NamedTuple):
    """What a message is; all int32."""

    kind: int  # VOTE, ADD or PASS; negative in an answer that is an error
    round: int  # of this key, from 1
    rank: int  # who sends it
    counts: int  # 1 if the content counts, 0 if its rank takes part in name only
    step: int  # of a vote, which draws the signs of ties


def words(carrier: NDArray) -> tuple[np.ndarray, np.ndarray]:
    """The header, int32, and the content, float32, of a carrier, as views."""
    flat = memory.in_place("carrier", carrier)
    views.settle(flat)
    values = views.writable(flat)
    return values[: len(Header._fields)].view(np.int32), values[HEADER:]


@final
class Referee(Optimizer):
    """An `mx.optimizer.Optimizer` only in so far as that is what a server of ps-lite can be given.

    A vote or a sum is complete when all `workers` have sent it; it is then the answer. Whatever goes wrong becomes the
    answer too, as an error, since the engine loses an exception that is raised in a server.
    """

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.workers = workers
        self._open: dict[int, dict[int, tuple[Header, np.ndarray]]] = {}

    def create_state(self, index: int, weight: NDArray) -> None:
        return None

    def update(self, index: int, weight: NDArray, grad: NDArray, state: None) -> None:
        answer, content = words(weight)
        head, sent = words(grad)
        header = Header(*head.tolist())
        try:
            self._take(index, header, sent, answer, content)
        except Exception as error:  # of any sort: it would be lost
            text = f"{type(error).__name__}: {error}".encode()
            answer[:] = (-1, header.round, header.rank, min(len(text), content.nbytes), header.step)
            content.view(np.uint8)[: answer[3]] = np.frombuffer(text[: answer[3]], np.uint8)

    def _take(self, index: int, header: Header, sent: np.ndarray, answer: np.ndarray, content: np.ndarray) -> None:
        if header.kind == PASS:
            content[:] = sent
            answer[:] = header
            return
        got = self._open.setdefault(index, {})
        rounds = {other.round for other, _ in got.values()} | {header.round}
        if header.rank in got or len(rounds) > 1:
            raise RuntimeError(
                f"{_KINDS[header.kind]} of rank {header.rank} for round {header.round} in {sorted(rounds)}"
            )
        got[header.rank] = header, sent.copy()
        if len(got) < self.workers:
            return
        counting = [values for head, values in (got[rank] for rank in sorted(got)) if head.counts]
        if header.kind == VOTE:
            ballots = [values.view(np.uint64) for values in counting]
            kernels.vote(ballots, step=header.step, out=content.view(np.uint64))
        else:
            content[:] = counting[0]
            for values in counting[1:]:
                content += values
        answer[:] = header
        del self._open[index]
