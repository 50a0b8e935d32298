"""PowerSGD: two thin factors of a gradient are sent, and they add up."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import NamedTuple, final
from zlib import crc32

import numpy as np
from mxnet.kvstore import KVStoreBase
from mxnet.optimizer import Optimizer

from gluonbook.checks import whole_number
from gluonbook.kvstore.bucket import Bucket
from gluonbook.kvstore.finite import LARGEST
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.prepared import already, prepared
from gluonbook.kvstore.store import Store
from gluonbook.kvstore.vector import Vector

_ERROR, _Q = "error", "q"  # what is remembered of a parameter


@final
class Own(NamedTuple):
    """What a rank brings along: its gradients, with the errors of the last step, and Q of that step by parameter."""

    gradients: Vector
    factors: dict[int | str, np.ndarray]


@final
class Outcome(NamedTuple):
    """The approximation that all have, and what this rank is going to remember."""

    approximation: Vector
    states: dict[int | str, dict[str, np.ndarray]]


@KVStoreBase.register
@final
class PowerStore(Store):
    """PowerSGD: the mean of all workers' gradients as a product of two thin matrices, with error feedback.

    A parameter is a matrix with a row for each output, G of (n, m). On worker k of M, with Q of the last step, the same
    on all, and r columns:

        A_k ← Σ_devices clip(rescale_grad·grad) + e_k
        P ← (1/M)·Σ_k A_k·Q                            all-reduced, n·r numbers; then made orthonormal
        Q ← (1/M)·Σ_k A_kᵀ·P                           all-reduced, m·r numbers
        rescale_grad·grad ← P·Qᵀ
        e_k ← A_k − P·Qᵀ

    This is one step of the power iteration (subspace iteration) for the mean of all A_k. Where that stays the same,
    P·Qᵀ comes to be its best approximation of rank r. What is sent is linear in the gradients, so it can be added up on
    its way, and a ring's 2(M − 1)/M·4·r·(n + m) bytes do not grow with M. P·Qᵀ and the mean of all e_k make up the mean
    of all A_k. What r·(n + m) numbers would not shorten, vectors above all, is exchanged as it is, without an error.

    Each worker makes P orthonormal by itself, by a QR decomposition: the same bits where all have one kind of processor
    and as many threads. `check_every` finds out if they have not.

    A worker that has not used a parameter in this step adds zeros, and keeps its e. `clip_gradient` acts before, not on
    the outcome, unless `update_on_kvstore=False`: then the trainer does clip that.

    Args:
        rank: r, from 1, the same on all workers
        seed: of the first Q, which is normal, from 0, the same on all workers
        options: those of `Store`

    Attributes:
        columns: r; `rank` is the number of this worker.

    Source: Vogels, Karimireddy and Jaggi, PowerSGD: practical low-rank gradient compression for distributed
    optimization (2019), arXiv:1905.13727, Algorithms 1 and 2.
    """

    method = "power"
    overlaps = True

    def __init__(self, link: str | Link = "local", *, rank: int = 2, seed: int = 0, **options) -> None:
        self.columns, self.seed = whole_number("rank", rank, 1), whole_number("seed", seed, 0)
        super().__init__(link, **options)
        self.agree(f"a store {self.type}, rank={self.columns}, seed={self.seed}")

    def accept(self, optimizer: Optimizer | None) -> None:
        pass

    def message(self, bucket: Bucket) -> Own:
        gradients = Vector.zeros(bucket.keys, [own[0] for own in bucket.grads])
        for device in bucket.devices:
            gradients.values[:] += prepared(bucket, device, self.optimizer).values
        matrices = self._matrices(gradients)
        if bucket.devices:
            for key, matrix in matrices.items():
                if _ERROR in self.states.get(key, {}):
                    matrix += self.states[key][_ERROR]
        return Own(
            gradients.bounded(LARGEST / self.num_workers),
            {key: self._factor(key, matrix.shape[1]) for key, matrix in matrices.items()},
        )

    def _matrices(self, vector: Vector) -> dict[int | str, np.ndarray]:
        """The parameters that are worth it, as views of (n, m)."""
        shapes = {key: (shape[0], prod(shape[1:])) for key, shape in vector.shapes.items()}
        return {
            key: part.reshape(shapes[key])
            for key, part in vector.parts.items()
            if self.columns * sum(shapes[key]) < part.size
        }

    def _factor(self, key: int | str, m: int) -> np.ndarray:
        """Q of the last step, (m, r)."""
        if key in self.states:
            return self.states[key][_Q]
        random = np.random.default_rng([self.seed, crc32(repr(key).encode())])
        return random.standard_normal((m, self.columns), np.float32)

    def exchange(self, message: Own, bucket: Bucket) -> Outcome:
        gradients, share = message.gradients, np.float32(len(bucket.terms.voters))
        matrices = self._matrices(gradients)
        exact = {key: part for key, part in gradients.parts.items() if key not in matrices}
        sums = self._mean({**{key: A @ _scaled(message.factors[key]) for key, A in matrices.items()}, **exact}, share)
        P = {key: np.linalg.qr(sums[key].astype(np.float64))[0].astype(np.float32) for key in matrices}
        Q = self._mean({key: A.T @ P[key] for key, A in matrices.items()}, share)
        approximation = Vector(np.empty_like(gradients.values), gradients.shapes)
        for key, part in approximation.parts.items():
            part[:] = (P[key] @ Q[key].T).reshape(part.shape) if key in P else sums[key]
        states = {key: {_Q: Q[key]} for key in matrices}
        for key, room in self._matrices(approximation).items():
            if bucket.devices:
                states[key][_ERROR] = matrices[key] - room
        return Outcome(approximation, states)

    def _mean(self, arrays: Mapping[int | str, np.ndarray], share: np.float32) -> dict[int | str, np.ndarray]:
        """The sums over all ranks, divided by how many take part; in one exchange, if there is anything."""
        if not arrays:
            return {}
        values = np.concatenate([array.reshape(-1) for array in arrays.values()])
        self.link.all_reduce(values)
        values /= share
        return Vector(values, {key: array.shape for key, array in arrays.items()}).parts

    def apply(self, combined: Outcome, bucket: Bucket) -> None:
        for key, state in combined.states.items():
            self.states[key] = {**self.states.get(key, {}), **state}
        with already(self.optimizer):
            self.deliver(combined.approximation.times(1.0, bucket.terms.common).write, bucket)


def _scaled(Q: np.ndarray) -> np.ndarray:
    """Q times a power of two, its largest element about 1: P has the same bits, and A·Q is not of the size of A²."""
    return np.ldexp(Q, -np.frexp(np.abs(Q).max())[1])
