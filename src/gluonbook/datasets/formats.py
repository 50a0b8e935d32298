"""The formats the data sets come in, each read into `{"train": (images, labels), "test": (images, labels)}`.

Images are uint8, shape (n, height, width, channels), perhaps a view; labels are int32, shape (n,). The bytes have been
verified before they come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Union

import mxnet as mx
import numpy as np

from gluonbook.datasets.errors import DatasetError
from gluonbook.storage.text import read_lines

Bytes = Union[bytes, memoryview]
Parts = dict[str, tuple[np.ndarray, np.ndarray]]

_CIFAR_RECORD = 1 + 3 * 32 * 32  # label, then the red, the green and the blue plane


def idx(contents: Mapping[str, Bytes]) -> Parts:
    """MNIST's idx files, by name without `.gz`. Format: http://yann.lecun.com/exdb/mnist/."""
    return {
        part: (
            _idx_array(f"{prefix}-images-idx3-ubyte", contents, axes=3)[..., np.newaxis],
            _idx_array(f"{prefix}-labels-idx1-ubyte", contents, axes=1).astype(np.int32),
        )
        for part, prefix in (("train", "train"), ("test", "t10k"))
    }


def _idx_array(name: str, contents: Mapping[str, Bytes], axes: int) -> np.ndarray:
    """Two zero bytes, the type (8: uint8), the number of axes, each length as big-endian uint32, then the data."""
    data = contents[name]
    header = 4 + 4 * axes
    magic, legal = bytes(data[:4]), bytes((0, 0, 8, axes))
    if magic != legal:
        raise DatasetError(f"{name}: not an idx file of uint8 with {axes} axes: starts with {magic!r}, not {legal!r}")
    if len(data) < header:
        raise DatasetError(f"{name}: {len(data)} bytes are too few for an idx header of {header}")
    shape = tuple(np.frombuffer(data, ">u4", count=axes, offset=4).tolist())
    body = np.frombuffer(data, np.uint8, offset=header)
    if body.size != int(np.prod(shape, dtype=object)):
        raise DatasetError(f"{name}: its header says shape {shape}, but {body.size:,} bytes follow")
    return body.reshape(shape)


def cifar_binary(contents: Mapping[str, Bytes]) -> Parts:
    """CIFAR-10's binary batches by name. Format: https://www.cs.toronto.edu/~kriz/cifar.html."""
    batches = {name: _cifar_records(name, data) for name, data in sorted(contents.items())}
    train = np.concatenate([records for name, records in batches.items() if name.startswith("data_batch_")])
    return {
        part: (records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0].astype(np.int32))
        for part, records in (("train", train), ("test", batches["test_batch.bin"]))
    }


def _cifar_records(name: str, data: Bytes) -> np.ndarray:
    if len(data) == 0 or len(data) % _CIFAR_RECORD:
        raise DatasetError(f"{name}: {len(data):,} bytes are no whole number of CIFAR-10 records of {_CIFAR_RECORD}")
    return np.frombuffer(data, np.uint8).reshape(-1, _CIFAR_RECORD)


def recordio(files: Mapping[str, Path]) -> Parts:
    """CIFAR-10 as JPEG in MXNet's RecordIO: `train.rec`, `train.idx`, `test.rec`, `test.idx`, in the files' order."""
    try:
        return {part: _decode(files[f"{part}.rec"], files[f"{part}.idx"]) for part in ("train", "test")}
    except mx.MXNetError as error:
        why = str(error).strip().splitlines()[-1]  # above it stands where in MXNet's source
        raise DatasetError(f"MXNet cannot read {' and '.join(map(str, files.values()))}: {why}") from error


def _decode(rec: Path, index: Path, batch_size: int = 500) -> tuple[np.ndarray, np.ndarray]:
    batch_size = min(batch_size, len(read_lines(index)))  # the iterator refuses one larger than the file
    batches = mx.io.ImageRecordUInt8Iter(
        path_imgrec=str(rec), path_imgidx=str(index), data_shape=(3, 32, 32), batch_size=batch_size, verbose=False
    )
    images, labels = [], []
    for batch in batches:
        real = batch_size - batch.pad  # the last batch is filled up from the beginning
        images.append(batch.data[0].asnumpy()[:real])
        labels.append(batch.label[0].asnumpy()[:real].astype(np.int32))
    return np.concatenate(images).transpose(0, 2, 3, 1), np.concatenate(labels)
