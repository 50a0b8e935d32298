"""Batches as a function of (seed, epoch), and their random transforms as one of (seed, step)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, final

import mxnet as mx
import numpy as np
from mxnet.gluon import data

from gluonbook.arrays import as_array
from gluonbook.checks import flag, whole_number
from gluonbook.training.samples import Samples
from gluonbook.training.seeds import seeded
from gluonbook.training.workers import Workers


@final
class ShuffledBatches(data.Sampler):
    """A `batch_sampler` for `gluon.data.DataLoader` whose order depends on (seed, epoch) and nothing else.

    It yields lists of `batch_size` indices (the last one may be shorter) that cover 0 … length − 1 once, in an order
    drawn from (seed, epoch), or as they stand with `shuffle=False`; `start` skips that many batches. Set `epoch` and
    `start` before each pass. Raises ValueError for a number out of range.
    """

    def __init__(
        self, length: int, batch_size: int, seed: int, epoch: int = 0, start: int = 0, shuffle: bool = True
    ) -> None:
        self.length = whole_number("length", length, 1)
        self.batch_size = whole_number("batch_size", batch_size, 1)
        self.seed = whole_number("seed", seed, 0)
        self.epoch = whole_number("epoch", epoch, 0)
        self.start = whole_number("start", start, 0, -(-self.length // self.batch_size))
        self.shuffle = flag("shuffle", shuffle)

    def __iter__(self) -> Iterator[list[int]]:
        # numpy promises never to change RandomState's streams, and does not promise it for its newer Generator.
        bits = np.random.MT19937(np.random.SeedSequence((self.seed, self.epoch)))
        order = np.random.RandomState(bits).permutation(self.length) if self.shuffle else np.arange(self.length)
        for first in range(self.start * self.batch_size, self.length, self.batch_size):
            yield order[first : first + self.batch_size].tolist()

    def __len__(self) -> int:
        return -(-self.length // self.batch_size) - self.start


@final
class ReproducibleLoader:
    """The batches [X, y] of `samples` in the order of `batches`; their random transforms depend on (seed, step) alone.

    Before the first sample of a batch Python, numpy and MXNet are seeded, in the worker process if there are workers:
    the batches do not depend on `num_workers`. Plain arrays draw nothing and go without, since seeding MXNet takes
    about 1 ms. `Workers` says what is raised when one of them ends; leaving the loader's context ends them.
    """

    def __init__(self, samples: Samples, batches: ShuffledBatches, num_workers: int = 0) -> None:
        self._samples, self._batches = samples, batches
        self._num_workers = whole_number("num_workers", num_workers, 0)
        self._plain = _is_plain(samples.dataset)
        self._workers: Workers | None = None

    def __enter__(self) -> ReproducibleLoader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._workers:
            self._workers.close()
            self._workers = None

    def __iter__(self) -> Iterator[list[mx.nd.NDArray]]:
        if not self._num_workers:
            yield from (load() for load in self._loads())
            return
        if not self._workers:  # as late as that, so that mistakes are found before any is made
            self._workers = Workers(self._num_workers, self._packed)
        for batch in self._workers.items((self._batches.epoch, self._batches.start), len(self._batches)):
            yield [as_array(part) for part in batch]

    def _loads(self) -> Iterator[Callable[[], list[mx.nd.NDArray]]]:
        """What makes each of the batches that are left of the epoch."""
        first = self._batches.epoch * (len(self._batches) + self._batches.start) + self._batches.start
        for step, indices in enumerate(self._batches, first):
            yield partial(self._load, step, indices)

    def _packed(self, place: tuple[int, int]) -> Iterator[Callable[[], list[np.ndarray]]]:
        """The same in a worker, as arrays that go through a pipe."""
        self._batches.epoch, self._batches.start = place
        for load in self._loads():
            yield partial(_as_numpy, load)

    def _load(self, step: int, indices: list[int]) -> list[mx.nd.NDArray]:
        if self._plain:
            return self._samples.batch(indices)
        with seeded(self._batches.seed, step, 1):
            return self._samples.batch(indices)


def _as_numpy(load: Callable[[], list[mx.nd.NDArray]]) -> list[np.ndarray]:
    return [part.asnumpy() for part in load()]


def _is_plain(dataset: Any) -> bool:
    return type(dataset) is data.ArrayDataset and all(isinstance(d, (np.ndarray, mx.nd.NDArray)) for d in dataset._data)
