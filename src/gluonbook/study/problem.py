"""What is trained, and on what: all of a study that is not an optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, NamedTuple, final

import numpy as np
from mxnet import gluon

from gluonbook import datasets, models
from gluonbook.checks import whole_number


def _resnet20(classes: int) -> gluon.HybridBlock:
    from gluoncv.model_zoo import get_model  # imported here: the other networks do without GluonCV

    return get_model("cifar_resnet20_v1", classes=classes)


NETS: dict[str, Callable[[int], gluon.HybridBlock]] = {"lenet": models.lenet, "cifar_resnet20_v1": _resnet20}
BORDER = 4  # pixels by which augmentation shifts an image, at most


@final
class Data(NamedTuple):
    """The three parts: one to train on, one to choose settings by and then to train on as well, one to report."""

    train: gluon.data.ArrayDataset
    validation: gluon.data.ArrayDataset
    test: gluon.data.ArrayDataset
    augment: bool

    def training_set(self, count: int | None = None) -> gluon.data.Dataset:
        """The first `count` images of `train`, or all with those of `validation`, augmented if the problem says so."""
        arrays = self.train[:count]
        if count is None:
            arrays = tuple(np.concatenate(both) for both in zip(arrays, self.validation[:]))
        chosen = gluon.data.ArrayDataset(*arrays)
        return chosen.transform_first(shifted_and_mirrored) if self.augment else chosen


@final
@dataclass(frozen=True)
class Problem:
    """A data set, a network, and their sizes.

    `validation` images are drawn from the training set, with a fixed seed, and taken away from it until settings are
    chosen; of the rest, `images` are trained on; `test` are the first of the test set. Each channel is shifted and
    scaled to mean 0 and standard deviation 1 over `images`. With `augment`, an image is shifted by up to 4 pixels in
    both directions and mirrored half of the time, anew in each epoch.

    Raises ValueError for an unknown data set or network, and for more images than there are.
    """

    data: str  # a name of gluonbook.datasets
    net: str  # a name in NETS
    images: int
    validation: int
    test: int
    batch_size: int = 64
    augment: bool = False

    def __post_init__(self) -> None:
        for what, name, legal in (("data set", self.data, datasets.NAMES), ("net", self.net, NETS)):
            if name not in legal:
                raise ValueError(f"no {what} {name!r}; there are {', '.join(legal)}")
        for name in ("images", "validation", "test", "batch_size"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))

    @property
    def classes(self) -> int:
        return len(datasets.CLASSES[self.data])

    @property
    def guess(self) -> float:
        """The loss, in nats, of a guess that gives each class the same chance."""
        return float(np.log(self.classes))

    def network(self) -> gluon.HybridBlock:
        """A new network, uninitialised."""
        return NETS[self.net](self.classes)

    def load(self) -> Data:
        """The images, prepared."""
        split = datasets.load(self.data, dtype="uint8")
        wanted = self.validation + self.images
        for name, count, part in (("train", wanted, split.train), ("test", self.test, split.test)):
            if count > len(part):
                raise ValueError(f"{self.data} has {len(part):,} images in its {name} part; {count:,} were asked for")
        order = np.random.RandomState(0).permutation(len(split.train))
        X, y = split.train[:]
        X_test, y_test = split.test[: self.test]
        trained = order[self.validation : wanted]
        prepare = _Standard.of(X[trained])
        held = order[: self.validation]
        return Data(
            gluon.data.ArrayDataset(prepare(X[trained]), y[trained]),
            gluon.data.ArrayDataset(prepare(X[held]), y[held]),
            gluon.data.ArrayDataset(prepare(X_test), y_test),
            self.augment,
        )


@final
@dataclass(frozen=True)
class _Standard:
    """Levels 0..255, channels last, to channels first with mean 0 and standard deviation 1."""

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray) -> _Standard:
        return cls(X.mean(axis=(0, 1, 2)), X.std(axis=(0, 1, 2)))

    def __call__(self, X: np.ndarray) -> np.ndarray:
        scale, shift = (1 / self.std).astype(np.float32), (self.mean / self.std).astype(np.float32)
        return np.ascontiguousarray((X * scale - shift).transpose(0, 3, 1, 2), dtype=np.float32)


def shifted_and_mirrored(x: np.ndarray) -> np.ndarray:
    """An image (channels, height, width) cut out of itself with a border of zeros, and mirrored or not."""
    _, height, width = x.shape
    framed = np.pad(x, ((0, 0), (BORDER, BORDER), (BORDER, BORDER)))
    top, left = np.random.randint(0, 2 * BORDER + 1, 2)
    cut = framed[:, top : top + height, left : left + width]
    return np.ascontiguousarray(cut[:, :, ::-1] if np.random.rand() < 0.5 else cut)
