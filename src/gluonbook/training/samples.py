"""A look at what is handed over as a dataset, and at its samples: each mistake is one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

import mxnet as mx
import numpy as np
from mxnet.gluon import data
from mxnet.gluon.data.dataloader import default_batchify_fn
from mxnet.ndarray import NDArray
from mxnet.util import is_np_array

from gluonbook.arrays import as_array
from gluonbook.checks import whole_number

_WANTED = "wanted a dataset, with a length and with sample i as dataset[i], such as gluon.data.ArrayDataset(X, y)"
_TYPES = (np.float16, np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64, np.bool_)  # those of MXNet


@final
class Samples:
    """A dataset, seen to be one, whose samples are put together to batches.

    It is anything with a length from 1 and with a sample under each index from 0: a `gluon.data.Dataset`, a list, an
    array. A sample is a tuple (X, y), or a list of two of which one is an array; with `labelled=False` it is X, or a
    tuple that begins with X. X and y are numbers, or arrays of one shape in all samples of a batch; where they are
    floats of Python's, and not of numpy's, they become float32. `name` is what errors call the dataset.

    Raises ValueError for anything else, here or, where it is a matter of samples, when they are put together.
    """

    def __init__(self, name: str, dataset: Any, *, labelled: bool = True) -> None:
        self._name, self._labelled = name, labelled
        if isinstance(dataset, type):
            raise ValueError(f"{name} is the class {dataset.__name__}; {_WANTED}")
        if isinstance(dataset, (data.DataLoader, mx.io.DataIter)):
            more = "whose batches are made already; wanted the dataset itself, since batch_size is an argument here"
            raise ValueError(f"{name} is {described(dataset)}, {more}")
        try:
            self._length = len(dataset)
        except TypeError:
            self._length = -1
        if self._length < 0 or not hasattr(dataset, "__getitem__"):
            advice = f", or list({name}) if it gives samples" if isinstance(dataset, Iterable) else ""
            raise ValueError(f"{name} is {described(dataset)}; {_WANTED}{advice}")
        if self._length == 0:
            raise ValueError(f"{name} is empty")
        if missing := [i for i in (0, self._length - 1) if hasattr(dataset, "keys") and i not in dataset]:
            raise ValueError(f"{name} is {described(dataset)}, and has no sample {missing[0]}; {_WANTED}")
        self.dataset = dataset

    def __len__(self) -> int:
        return self._length

    def batch(self, indices: Iterable[int]) -> list[NDArray]:
        """[X, y] of some samples, or [X] if they are not labelled."""
        samples = [self.dataset[i] for i in indices]
        if not self._labelled:
            return [self._column("X", [sample[0] if _is_tuple(sample) and sample else sample for sample in samples])]
        for sample in samples:
            if not _is_tuple(sample) or len(sample) != 2:
                raise ValueError(f"a sample of {self._name} is {described(sample)}; wanted a tuple (X, y)")
        return [self._column(part, values) for part, values in zip("Xy", zip(*samples))]

    def in_order(self, batch_size: int) -> Iterator[list[NDArray]]:
        """Batches of the samples as they stand."""
        # What a DataLoader without workers does, less the garbage collection that each new DataLoader waits for.
        batch_size = whole_number("batch_size", batch_size, 1)
        for first in range(0, self._length, batch_size):
            yield self.batch(range(first, min(first + batch_size, self._length)))

    def _column(self, part: str, values: Sequence[Any]) -> NDArray:
        first, shape, is_array = values[0], _shape(values[0]), isinstance(values[0], NDArray)
        if 0 in shape:  # which MXNet does not survive everywhere
            raise ValueError(f"{part} of a sample of {self._name} is {described(first)}: there is nothing in it")
        for value in values:
            if _shape(value) != shape or isinstance(value, NDArray) != is_array:
                both = f"{described(first)} and {described(value)}"
                raise ValueError(f"{part} of two samples of {self._name} is {both}: they do not make a batch")
        if is_array:  # in MXNet's numpy mode, and there only, arrays are of another class
            return default_batchify_fn([v.as_np_ndarray() if is_np_array() else v.as_nd_ndarray() for v in values])
        stacked = np.asarray(None if _is_tuple(first) else values)
        if stacked.dtype.type not in _TYPES:
            legal = ", ".join(np.dtype(one).name for one in _TYPES)
            raise ValueError(f"{part} of a sample of {self._name} is {described(first)}; MXNet's types are {legal}")
        if not hasattr(first, "dtype") and stacked.dtype == np.float64:
            stacked = stacked.astype(np.float32)  # Python's own numbers, which mx.nd.array takes for that, too
        return as_array(stacked)


def described(value: Any) -> str:
    """What a value is, in a few words, such as "an array of shape (3, 4) and float32" or "a tuple of 3"."""
    if isinstance(value, (NDArray, np.ndarray)):
        return f"an array of shape {value.shape} and {np.dtype(value.dtype).name}"
    if value is None:
        return "None"
    name = type(value).__name__
    words = f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
    return f"{words} of {len(value)}" if isinstance(value, (tuple, list, Mapping)) else words


def _shape(value: Any) -> tuple[int, ...]:
    try:
        return value.shape
    except AttributeError:
        return np.shape(value)


def _is_tuple(sample: Any) -> bool:
    # A list of numbers is an X, as it is for a DataLoader; a list with an array is what others make of a tuple.
    return isinstance(sample, tuple) or (isinstance(sample, list) and any(hasattr(item, "shape") for item in sample))
