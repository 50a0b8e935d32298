"""The book's data sets, all small enough for a laptop: `digits` (embedded), `mnist`, `fashion_mnist` and `cifar10`.

    split = load("mnist")
    loader = mx.gluon.data.DataLoader(split.train, batch_size=100, shuffle=True)
    X, y = split.test[:]
    train, held = hold_out(split.train, 5000)

`data/manifest.json` says where the files come from and pins their SHA-256, which every load checks. Where they are
looked for, and what to do without a network, is in `data/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from mxnet.gluon.data import ArrayDataset

from gluonbook.datasets import formats
from gluonbook.datasets.download import fetch, obtain
from gluonbook.datasets.errors import DatasetError
from gluonbook.datasets.holding import hold_out
from gluonbook.datasets.local import FileStatus, Status, contents, reading, status
from gluonbook.datasets.manifest import Info, info

__all__ = [
    "CLASSES",
    "DIGITS_SEED",
    "NAMES",
    "DatasetError",
    "FileStatus",
    "Info",
    "Split",
    "Status",
    "fetch",
    "hold_out",
    "info",
    "load",
    "status",
]

_DIGITS = tuple("0123456789")
CLASSES = {
    "digits": _DIGITS,
    "mnist": _DIGITS,
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
"""The names of the classes of each data set, in the order of their numbers."""
NAMES = tuple(CLASSES)
"""The data sets."""
DIGITS_SEED = 0
"""By which the digits are divided into those to train on and those to test on."""
_DTYPES = ("float32", "uint8")


@final
@dataclass(frozen=True)
class Split:
    """A data set in two parts, each an `ArrayDataset` of NumPy arrays: `split.train[:]` is `(X, y)`, `[i]` one pair.

    `form` says what the files were. CIFAR-10 is exact as "binary". As "recordio" it went through JPEG, so its pixels
    differ slightly from the published ones, and its classes take turns (0, 1, … 9, 0, …): shuffle before you deal the
    images out to workers.
    """

    name: str
    form: str  # "embedded", "idx", "binary" or "recordio"
    classes: tuple[str, ...]  # label k means classes[k]
    train: ArrayDataset = field(repr=False)
    test: ArrayDataset = field(repr=False)


def load(name: str = "digits", dtype: str = "float32") -> Split:
    """Load a data set, downloading what is not here yet (see `fetch`).

    | name            | train  | test   | height × width × channels |
    |-----------------|--------|--------|---------------------------|
    | `digits`        | 1,500  | 297    | 8 × 8 × 1                 |
    | `mnist`         | 60,000 | 10,000 | 28 × 28 × 1               |
    | `fashion_mnist` | 60,000 | 10,000 | 28 × 28 × 1               |
    | `cifar10`       | 50,000 | 10,000 | 32 × 32 × 3 (RGB)         |

    The digits are scikit-learn's copy of the *test* part of UCI's set: 1,797 digits by 13 writers, in 17 levels of
    grey. They are split here, stratified by class and with the seed `DIGITS_SEED`, so both parts share their writers
    and the test error is lower than for a new hand. The other sets come as their authors split them.

    Args:
        dtype: "float32" gives images of shape (n, channels, height, width) in [0, 1]; "uint8" gives them as MXNet's own
            vision data sets do, (n, height, width, channels) in 0..255. Labels are int32, shape (n,), either way.

    Raises:
        ValueError: there is no such data set or dtype.
        DatasetError: a file is missing or damaged and cannot be had; the message holds the recipe without a network.
    """
    if name not in CLASSES:
        raise ValueError(f"no data set {name!r}; there are {', '.join(NAMES)}")
    if dtype not in _DTYPES:
        raise ValueError(f"no dtype {dtype!r}; there are {', '.join(_DTYPES)}")
    form, white, parts = _embedded_digits() if name == "digits" else _from_files(name)
    for part, (images, labels) in parts.items():
        _check(f"{name}, {part}", images, labels, len(CLASSES[name]))
    train, test = (ArrayDataset(_convert(parts[part][0], white, dtype), parts[part][1]) for part in ("train", "test"))
    return Split(name, form, CLASSES[name], train, test)


def _embedded_digits() -> tuple[str, int, formats.Parts]:
    # Imported here because it takes a second that the other data sets need not wait for.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images, labels = digits.images.astype(np.uint8)[..., np.newaxis], digits.target.astype(np.int32)
    train, test = train_test_split(np.arange(len(labels)), train_size=1500, stratify=labels, random_state=DIGITS_SEED)
    return "embedded", 16, {"train": (images[train], labels[train]), "test": (images[test], labels[test])}


def _from_files(name: str) -> tuple[str, int, formats.Parts]:
    form, files = obtain(name)
    if form == "recordio":
        with reading(files[0][1].parent):
            return form, 255, formats.recordio({file.name: path for file, path in files})
    found = {key: data for file, path in files for key, data in file.unpack(contents(path)).items()}
    return form, 255, (formats.idx if form == "idx" else formats.cifar_binary)(found)


def _check(what: str, images: np.ndarray, labels: np.ndarray, classes: int) -> None:
    if len(images) != len(labels):
        raise DatasetError(f"{what}: {len(images):,} images, but {len(labels):,} labels")
    if not np.isin(labels, np.arange(classes)).all():
        raise DatasetError(f"{what}: labels from {labels.min()} to {labels.max()}; legal are 0 to {classes - 1}")


def _convert(images: np.ndarray, white: int, dtype: str) -> np.ndarray:
    """Whole levels 0..white, shape (n, height, width, channels), to what `load` promises, in an array of its own."""
    if dtype == "uint8":
        return np.array(images, order="C") if white == 255 else np.rint(images * (255 / white)).astype(np.uint8)
    n, height, width, channels = images.shape
    out = np.empty((n, channels, height, width), np.float32)
    # The loop's dtype is named because NumPy would take float16 for uint8 by a small float32 scalar.
    return np.divide(images.transpose(0, 3, 1, 2), np.float32(white), out=out, dtype=np.float32)
