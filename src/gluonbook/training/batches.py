"""Batches as a function of (seed, epoch), and their random transforms as one of (seed, step)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, final

import mxnet as mx
import numpy as np
from mxnet.gluon import data

from gluonbook.checks import whole_number
from gluonbook.training.seeds import derived, preserved, set_seed


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
        self.start = whole_number("start", start, 0, -(-length // batch_size))
        self.shuffle = shuffle

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
    """A `DataLoader` over `batches` whose random transforms are a function of (seed, step) too.

    The first sample of a batch seeds Python, numpy and MXNet, in the worker process if there are workers: the batches
    do not depend on `num_workers`. Plain arrays draw nothing and go without, since seeding MXNet takes about 1 ms.
    """

    def __init__(self, dataset: data.Dataset, batches: ShuffledBatches, num_workers: int = 0) -> None:
        whole_number("num_workers", num_workers, 0)
        self._plain = _is_plain(dataset)
        if not self._plain:
            dataset, batches = _SeededDataset(dataset, batches.seed), _NumberedBatches(batches)
        self._loader = data.DataLoader(dataset, batch_sampler=batches, num_workers=num_workers)

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self._loader)
        while True:
            with nullcontext() if self._plain else preserved():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


@final
class _NumberedBatches(data.Sampler):
    """Tells `_SeededDataset` where a batch begins, by giving its first index together with the step."""

    def __init__(self, batches: ShuffledBatches) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list]:
        per_epoch = len(self._batches) + self._batches.start
        step = self._batches.epoch * per_epoch + self._batches.start
        for i, (first, *rest) in enumerate(self._batches, step):
            yield [(first, i), *rest]

    def __len__(self) -> int:
        return len(self._batches)


@final
class _SeededDataset(data.Dataset):
    def __init__(self, dataset: data.Dataset, seed: int) -> None:
        self._dataset, self._seed = dataset, seed

    def __getitem__(self, index: int | tuple[int, int]) -> Any:
        if isinstance(index, tuple):
            index, step = index
            set_seed(derived(self._seed, step, 1))
        return self._dataset[index]

    def __len__(self) -> int:
        return len(self._dataset)


def _is_plain(dataset: data.Dataset) -> bool:
    return type(dataset) is data.ArrayDataset and all(isinstance(d, (np.ndarray, mx.nd.NDArray)) for d in dataset._data)
