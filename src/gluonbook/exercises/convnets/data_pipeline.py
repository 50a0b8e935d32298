"""The exercises of `convnets/data_pipeline`."""

from __future__ import annotations

from typing import Callable, final

import numpy as np
from mxnet.gluon.data import ArrayDataset, Dataset, Sampler

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, near

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "count-batches",
        Place(
            24,
            [Mistake(23, hint="That many batches are full. What does 'keep' do with the rest?")],
            otherwise="Divide the number of images by 64, and round up.",
        ),
        Place(
            28,
            [Mistake(36, hint="That is how many images the last batch lacks. How many does it have?")],
            otherwise="The steps are right. Which images are left when as many batches as possible are full?",
        ),
    )
)

exercises.add(
    Numbers(
        "frozen-luck",
        Place(
            1,
            [Mistake(10, hint="His transform runs when the data set is made, and never again.")],
            otherwise="How often does his transform run for the first image, in all ten epochs together?",
        ),
        Place(
            9,
            [
                Mistake(10, hint="There are ten epochs, but there are not ten different shifts."),
                Mistake(8, hint="Nearly. Is the digit in the middle not one of them?"),
            ],
            otherwise="down and right are each one of −1, 0 and 1.",
        ),
    )
)


exercises.add(
    Number(
        "twins",
        near(0.9, 0.04),
        [
            Mistake(near(0.1, 0.05), hint="That is the share without a twin there. Where are most of the images?"),
            Mistake(near(0.8, 0.04), hint="He holds out 300 of 3,000, not of 1,500."),
            Mistake(0, hint="hold_out never puts one image into both parts. But to it, a twin is another image."),
            Mistake(near(90, 4), hint="Answer with a share, between 0 and 1."),
        ],
        otherwise="Take one of the 300. Its twin is one of the other 2,999; how many of these are trained on?",
    )
)


@final
class Doubled(Dataset):
    def __init__(self, dataset, change):
        self.dataset, self.change = dataset, change

    def __len__(self):
        return 2 * len(self.dataset)

    def __getitem__(self, index):
        second, place = divmod(index, len(self.dataset))
        X, y = self.dataset[place]
        return (self.change(X) if second else X), y


@exercises.judged("twice-the-data", right=Doubled)
def twice_the_data(doubled: Callable[[Dataset, Callable], Dataset]) -> None:
    @final
    class Counting(ArrayDataset):
        asked = 0

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            Counting.asked += 1
            return super().__getitem__(index)

    pairs = Counting(np.arange(5.0), np.arange(10, 15))
    both = doubled(pairs, lambda x: -x - 1)
    if not hasattr(both, "__getitem__") or not hasattr(both, "__len__"):
        raise Hint(f"Doubled must have __len__ and __getitem__; {type(both).__name__} has not.")
    if Counting.asked:
        raise Hint(f"Making it asked for {Counting.asked} samples; a lazy data set waits until it is asked itself.")
    if len(both) != 10:
        raise Hint(f"Of five pairs it should make ten; its length is {len(both)}.")
    found = [both[i] for i in range(10)]
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in found):
        raise Hint("Each sample must be a pair of image and label.")
    if [y for _, y in found] != 2 * list(range(10, 15)):
        raise Hint("The labels should come in their order, twice over.")
    if [X for X, _ in found[:5]] != list(range(5)):
        raise Hint("The first half should have the images as they are.")
    if [X for X, _ in found[5:]] != [-1, -2, -3, -4, -5]:
        raise Hint("The second half should have change(image) for each image, once.")


@final
class Fair(Sampler):
    def __init__(self, labels, each):
        self.each = each
        self.classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def __len__(self):
        return min(map(len, self.classes)) // self.each

    def __iter__(self):
        mixed = [np.random.permutation(own) for own in self.classes]
        for first in range(0, len(self) * self.each, self.each):
            yield [i for own in mixed for i in own[first : first + self.each].tolist()]


@exercises.judged("fair-batches", right=Fair)
def fair_batches(fair: Callable[[np.ndarray, int], Sampler]) -> None:
    labels = np.random.RandomState(0).permutation(np.repeat([0, 1, 2], [7, 9, 12]))
    for each, count in ((2, 3), (1, 7), (5, 1)):
        sampler = fair(labels, each)
        if not hasattr(sampler, "__iter__") or not hasattr(sampler, "__len__"):
            raise Hint(f"A sampler has __iter__ and __len__; {type(sampler).__name__} has not.")
        batches = list(sampler)
        for batch in batches:
            held = np.bincount(labels[list(batch)], minlength=3).tolist()
            if held != [each] * 3:
                raise Hint(f"Fair(labels, {each}) gave a batch with {held} of its three classes.")
        drawn = [i for batch in batches for i in batch]
        if len(set(drawn)) != len(drawn):
            raise Hint("An index came twice in one epoch.")
        if len(batches) != count or len(sampler) != count:
            raise Hint(
                f"Classes of 7, 9 and 12 samples make {count} batches with {each} of each; "
                f"you yield {len(batches)}, and __len__ says {len(sampler)}."
            )
    sampler = fair(labels, 1)
    if len({frozenset(i for batch in sampler for i in batch) for _ in range(20)}) == 1:
        raise Hint("Fair, but every epoch uses the same samples. Draw anew in __iter__.")
