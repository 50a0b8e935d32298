"""The exercises of `convnets/data_pipeline`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from mxnet.gluon import data


def doubled(half=None, length=2, lazy=True, label=lambda y: y):
    """A right Doubled, but for what the arguments spoil."""

    class Doubled(data.Dataset):
        def __init__(self, dataset, change):
            self.dataset, self.change = dataset, change
            if not lazy:
                self.first = dataset[0]

        def __len__(self):
            return length * len(self.dataset)

        def __getitem__(self, index):
            second, place = divmod(index, len(self.dataset))
            X, y = self.dataset[place]
            return (self.change(X) if (second if half is None else half) else X), label(y)

    return Doubled


class Fair(data.Sampler):
    def __init__(self, labels, each):
        self.each, self.labels = each, labels
        self.classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def mixed(self):
        return [np.random.permutation(own) for own in self.classes]

    def __len__(self):
        return min(map(len, self.classes)) // self.each

    def __iter__(self):
        mixed = self.mixed()
        for first in range(0, len(self) * self.each, self.each):
            yield [i for own in mixed for i in own[first : first + self.each].tolist()]


class Unshuffled(Fair):
    def mixed(self):
        return self.classes


class Repeating(Fair):
    def __iter__(self):
        return iter([[i for own in self.classes for i in own[: self.each].tolist()]] * len(self))


class Short(Fair):
    def __len__(self):
        return 1


class Unfair(Fair):
    def __iter__(self):
        return iter(np.arange(12).reshape(2, 6).tolist())


test_right_answers_are_right = right_answers(
    ("twins", 2700 / 2999), ("twice-the-data", doubled()), ("fair-batches", Fair)
)


test_hints_fit_the_mistake = hints(
    ("twins", 0.5, "other 2,999"),
    ("twice-the-data", doubled(lazy=False), "asked for 1 samples"),
    ("twice-the-data", doubled(length=1), "length is 5"),
    ("twice-the-data", doubled(half=True), "first half"),
    ("twice-the-data", doubled(half=False), "second half"),
    ("twice-the-data", doubled(label=lambda y: -y), "labels"),
    ("twice-the-data", lambda dataset, change: 7, "__getitem__"),
    ("fair-batches", Unshuffled, "Draw anew"),
    ("fair-batches", Repeating, "twice"),
    ("fair-batches", Short, "__len__ says 1"),
    ("fair-batches", Unfair, "of its three classes"),
    ("fair-batches", lambda labels, each: 3, "__iter__"),
)
