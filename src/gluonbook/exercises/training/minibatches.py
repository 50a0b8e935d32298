"""The exercises of `training/minibatches`."""

from __future__ import annotations

from typing import Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "half-of-ten",
        1 / 9,
        [
            Mistake(0.2, hint="That is V/m, with repetition. None comes twice, so less is left to chance."),
            Mistake(0.1, hint="Nearly. Behind the fraction bar stands N − 1, not N."),
            Mistake(0.5, hint="That is m/N. What does the batch do to the variance V of a single sample?"),
            Mistake(5 / 9, hint="That is the factor that is due to the missing repetition. V/m stands before it."),
        ],
        otherwise="The variance is V/m, times (N − m)/(N − 1), as none comes twice.",
    )
)

exercises.add(
    Numbers(
        "carry-a-rate",
        Place(
            0.8,
            [
                Mistake(0.1 * 8**0.5, hint="That is the root of the factor. The rule is linear."),
                Mistake(0.0125, hint="A larger batch is less noisy, so it may take larger steps, not smaller ones."),
                Mistake(0.2, hint="That is 2/λmax, where the rule ends. Which rate does the rule itself ask for?"),
            ],
            otherwise="The batch is eight times as large. What becomes of the rate?",
        ),
        Place(
            64,
            [
                Mistake(128, hint="There the rate is 0.4. How much is 2/λmax?"),
                Mistake(32, hint="There the rate is 0.1, which is 1/λmax. A rate may be twice as large."),
                Mistake(256, hint="There the rate is 0.8, and 2/λmax is 0.2."),
            ],
            otherwise="With m samples the rule's rate is 0.1 m/32. For which m is that 2/10?",
        ),
    )
)

exercises.add(
    Numbers(
        "middle-of-a-pass",
        Place(
            50,
            [
                Mistake(100, hint="After all of them the sum is 0, whatever the order: they have the mean 0."),
                Mistake(1, hint="It grows at first: two samples vary more than one, nearly twice as much."),
            ],
            otherwise="The sum is 0 before the first sample and after the last one. Where is it farthest from both?",
        ),
        Place(
            50 * 50 / 99,
            [
                Mistake(50, hint="That is with repetition. Without, there is one factor more."),
                Mistake(25, hint="Nearly. The factor is (N − k)/(N − 1), not (N − k)/N."),
                Mistake(
                    1 / 99,
                    0.01,
                    hint="That is the variance of the mean. The sum is k times the mean, and its variance k² times "
                    "that of the mean.",
                ),
                Mistake(50 / 99, hint="That is k times the variance of the mean. A factor of k squares."),
                Mistake(0, hint="The sum is 0 at the end alone."),
            ],
            otherwise="The mean of k samples has the variance V/k · (N − k)/(N − 1). What has k times that mean?",
        ),
    )
)


def shares(losses, ceiling):
    cut = np.clip(np.asarray(losses, dtype="float64"), 0, ceiling)
    if cut.sum() == 0:
        cut = np.ones(len(cut))
    return cut / cut.sum()


def _without_ceiling(losses, ceiling):
    return shares(losses, np.inf)


def _cut_too_late(losses, ceiling):
    return np.minimum(shares(losses, np.inf), ceiling)


def _absolute(losses, ceiling):
    return shares(np.abs(losses), ceiling)


def _negative(losses, ceiling):
    cut = np.minimum(np.asarray(losses, dtype="float64"), ceiling)
    return cut / cut.sum()


def _dropped(losses, ceiling):
    losses = np.asarray(losses, dtype="float64")
    return shares(np.where(losses > ceiling, 0, losses), ceiling)


def _divided(losses, ceiling):
    cut = np.clip(np.asarray(losses, dtype="float64"), 0, ceiling)
    return cut / cut.sum() if cut.sum() else cut


def _nan(losses, ceiling):
    cut = np.clip(np.asarray(losses, dtype="float64"), 0, ceiling)
    with np.errstate(invalid="ignore"):
        return cut / cut.sum()


def _drawn(answer: Callable, losses: np.ndarray, ceiling: float) -> np.ndarray:
    given = np.asarray(answer(losses, ceiling), dtype=float)
    if given.shape != losses.shape:
        raise Hint(f"{len(losses)} losses need {len(losses)} probabilities; yours have the shape {given.shape}.")
    return given


exercises.add(
    Tried(
        "not-too-hard",
        shares,
        [
            (np.array([1.0, 2.0, 3.0, 4.0]), 10.0),
            (np.array([0.5, 0.5, 9.0]), 1.0),
            (np.array([0.25, 0.125, 0.75, 2.0, 3.0], "float32"), 2.5),
            (np.array([-1e-6, 0.5, 0.5], "float32"), 2.0),
            (np.array([-1.0, 1.0, 2.0]), 2.0),
            (np.array([0.0, -1e-6, 0.0, 0.0]), 2.0),
            (np.array([3.0]), 0.5),
        ],
        [
            Mistake(_without_ceiling, hint="A loss above the ceiling counts as more than the ceiling: {losses}."),
            Mistake(_cut_too_late, hint="You cut the probabilities. Cut the losses, and divide then."),
            Mistake(_dropped, hint="A loss above the ceiling counts as the ceiling, not as nothing."),
            Mistake(_absolute, hint="A loss below 0 counts as 0, not as its absolute value."),
            Mistake(_negative, hint="A loss below 0 becomes a probability below 0, which no generator takes."),
            Mistake(
                _divided,
                _nan,
                hint="All right, as long as some loss is above 0. If none is, all samples are equally probable.",
            ),
        ],
        otherwise="For the losses {losses} and the ceiling {ceiling} it should be {right}, and yours is {given}.",
        trial=_drawn,
    )
)
