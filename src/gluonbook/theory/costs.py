"""What an exchange of gradients costs: messages and bytes by formula, seconds by the α–β model, and the slowest worker.

A message of n bytes takes α + β·n seconds: α is the latency, 1/β the bandwidth. For d parameters and M workers, each
method below says how many messages follow one another, and how many bytes pass the busiest network card in one
direction. Headers are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple, final

import numpy as np

from gluonbook.checks import real, whole_number


@final
class Cost(NamedTuple):
    """What one exchange sends."""

    messages: float  # one after the other
    bytes: float  # through the busiest card, in one direction
    total: float  # bytes that all workers, and servers, send together


Formula = Callable[[int, int], Cost]


def vote_sharded(M: int, d: int) -> Cost:
    """Majority vote, each worker counting one M-th: 2(M − 1) messages of d/8M bytes each."""
    return _sharded(M, d, 1 / 8)


def vote_gathered(M: int, d: int) -> Cost:
    """Majority vote, each worker counting all: M − 1 messages of d/8 bytes."""
    return gathered(M, d, 1)


def vote_by_server(M: int, d: int) -> Cost:
    """Majority vote at one server, whose card all ballots pass: M·d/8 bytes each way."""
    return _served(M, d, 1 / 8)


def mean_by_ring(M: int, d: int) -> Cost:
    """All-reduce of float32 around a ring: 2(M − 1) messages of 4d/M bytes each."""
    return _sharded(M, d, 4)


def mean_by_server(M: int, d: int) -> Cost:
    """A parameter server for float32, on one machine: M·4d bytes each way."""
    return _served(M, d, 4)


def gathered(M: int, d: int, bits: float) -> Cost:
    """Messages of so many bits a parameter, of each worker to all: M − 1 messages of d·bits/8 bytes.

    A ring of float32 sends as much, or less, from M = 64/bits on.
    """
    M, d = _checked(M, d)
    own = (M - 1) * d * real("bits", bits, "(0, inf)") / 8
    return Cost(M - 1, own, M * own)


def power(M: int, shapes: Sequence[tuple[int, ...]], r: int) -> Cost:
    """PowerSGD of rank r: two all-reduces around a ring, 4(M − 1) messages.

    Of an array with n rows, and m elements in each, the first takes P, n·r numbers of float32, and the second Q, m·r;
    or the first all n·m, where that is not more. So a worker sends 2(M − 1)/M·4·Σ min(r·(n + m), n·m) bytes.
    """
    r = whole_number("r, the rank,", r, 1)
    sizes = [(shape[0], prod(shape[1:])) for shape in shapes]
    numbers = sum(min(r * (n + m), n * m) for n, m in sizes)
    ring = _sharded(M, numbers, 4)
    return Cost(2 * ring.messages, ring.bytes, ring.total)


METHODS: dict[str, Formula] = {
    "vote, sharded": vote_sharded,
    "vote, gathered": vote_gathered,
    "vote, one server": vote_by_server,
    "float32, ring": mean_by_ring,
    "float32, one server": mean_by_server,
}


def _sharded(M: int, d: int, each: float) -> Cost:
    M, d = _checked(M, d)
    own = 2 * (M - 1) / M * (each * d)
    return Cost(2 * (M - 1), own, M * own)


def _served(M: int, d: int, each: float) -> Cost:
    M, d = _checked(M, d)
    return Cost(2, M * (each * d), 2 * M * (each * d))


def _checked(M: int, d: int) -> tuple[int, int]:
    return whole_number("the number of workers", M, 1), whole_number("the number of parameters", d, 1)


@final
@dataclass(frozen=True)
class AlphaBeta:
    """Seconds of an exchange: alpha·messages + beta·bytes + gamma·work.

    `work` is what a worker computes on its own, such as packing, in parameters; on a machine whose workers share the
    cores, in parameters of all workers together. Source of the model: Thakur, Rabenseifner and Gropp, Optimization of
    collective communication operations in MPICH (2005), section 3.
    """

    alpha: float  # seconds a message
    beta: float  # seconds a byte
    gamma: float = 0.0  # seconds a parameter

    def seconds(self, messages: float, bytes: float, work: float = 0.0) -> float:
        """The time that the model gives."""
        return self.alpha * messages + self.beta * bytes + self.gamma * work

    @classmethod
    def fit(cls, points: Sequence[tuple[float, float, float]], seconds: Sequence[float]) -> AlphaBeta:
        """The model whose relative errors at (messages, bytes, work) have the smallest sum of squares, none negative.

        Raises:
            ValueError: fewer than three points, not as many times, or a time that is not positive.
        """
        A, t = np.asarray(points, float), np.asarray(seconds, float)
        if A.ndim != 2 or A.shape[1] != 3 or len(A) < 3 or t.shape != (len(A),) or not (t > 0).all():
            raise ValueError(
                f"a fit takes three or more points (messages, bytes, work), each with a positive time, got {len(A)} "
                f"points and times {list(seconds)}"
            )
        from scipy.optimize import nnls

        scaled = A / t[:, None]  # so that every point asks for 1
        size = np.where(scaled.any(axis=0), scaled.max(axis=0), 1)
        solution, _ = nnls(scaled / size, np.ones(len(t)))
        return cls(*(solution / size))


def break_even(fixed: float, bytes: float, other_fixed: float, other_bytes: float) -> float:
    """The bandwidth, in bytes a second, below which the first of two methods is faster: it sends fewer bytes.

    Each takes fixed + bytes/bandwidth seconds. `inf` if the first has the smaller fixed cost as well.

    Raises:
        ValueError: the first does not send fewer bytes.
    """
    if not bytes < other_bytes:
        raise ValueError(f"the first method must send fewer bytes, got {bytes} and {other_bytes}")
    return float("inf") if fixed <= other_fixed else (other_bytes - bytes) / (fixed - other_fixed)


def vote_pays_below(
    M: int, d: int, *, work: float, computing: float = 0.0, hidden: float = 0.0, wide: int = 4
) -> float:
    """The bandwidth of each worker's card, in bytes a second, below which a step with a sharded vote is shorter.

    The other step averages by a ring, with `wide` bytes a number. In the best case it sends while the share `hidden` of
    the computing C goes on, and spends nothing on its numbers; the vote hides nothing, and spends `work` on its bits.
    With n = 2(M − 1)/M·d bytes for each byte a number, and bandwidth B,

        C + work + n/8B  <  (1 − hidden)·C + max(hidden·C, wide·n/B)   ⟺   B  <  (wide − 1/8)·n / (hidden·C + work)

    Both send as many messages, so that the latency drops out.

    Args:
        M: workers, from 2.
        d: parameters.
        work: seconds that packing, counting and applying take, above 0.
        computing: seconds of forward and backward, C.
        hidden: the share of it behind which the other sends: 0 if it waits for all gradients, 1 at best.
        wide: bytes of a number that the other sends: 4 for float32, 2 for float16.

    Raises:
        ValueError: a number is out of its range.
    """
    M, d = whole_number("M, the number of workers,", M, 2), whole_number("d, the number of parameters,", d, 1)
    work, computing = real("work", work, "(0, inf)"), real("computing", computing, "[0, inf)")
    hidden, wide = real("hidden", hidden, "[0, 1]"), whole_number("wide", wide, 1)
    sent, others = (_sharded(M, d, each).bytes for each in (1 / 8, wide))
    return break_even(hidden * computing + work, sent, 0.0, others)


def expected_maximum(times: Sequence[float], M: int) -> float:
    """What a step takes on average that waits for the slowest of M workers.

    The mean of the largest of M independent draws from `times`, which are equally likely; sorted, t_1 ≤ … ≤ t_n:

        E max = Σ_i t_i·((i/n)^M − ((i − 1)/n)^M)

    For exponential times this is their mean times 1 + 1/2 + … + 1/M; for normal ones it grows like √(2·ln M).

    Raises:
        ValueError: no times, one that is not finite, or M is no whole number from 1.
    """
    t = np.sort(np.asarray(times, float))
    M = whole_number("the number of workers", M, 1)
    if t.ndim != 1 or not t.size or not np.isfinite(t).all():
        raise ValueError(f"times must be a list of one or more finite numbers, got {times!r}")
    return float(t @ np.diff((np.arange(t.size + 1) / t.size) ** M))
