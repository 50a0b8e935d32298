"""The exercises of `signum/accuracy`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check


@exercises.judged("loud-minority", right=[-1, -1, -1, -1, 30, 30, 30])
def loud_minority(answer: Sequence[float]) -> None:
    grads = np.array(answer, float)
    if grads.shape != (7,) or not np.isfinite(grads).all():
        raise Hint(f"Answer with a list of seven numbers, not {answer!r:.60}.")
    if not grads.all():
        raise Hint("A zero votes with the step, now plus and now minus: give seven numbers that are none.")
    minus = int((grads < 0).sum())
    if minus < 4:
        raise Hint(f"Of your seven workers {minus} vote minus, which is no majority.")
    if grads.mean() < 10:
        raise Hint(f"The vote says minus, but the mean is {grads.mean():.3g}. How loud may the others be?")


exercises.add(
    Number(
        "feedback-back",
        64,
        [
            Mistake(32, hint="A ring brings each number nearly twice: parts of sums first, then the sums."),
            Mistake(33, hint="A ring brings each number nearly twice: parts of sums first, then the sums."),
            Mistake(65, hint="The factor of the ring has an M − 1, too, which divides out."),
        ],
        otherwise="Set M − 1 equal to 32·2(M − 1)/M, and solve for M.",
        whole=True,
    )
)


def reach(lr, images, batch, M, epochs):
    return lr * epochs * images / (batch * M)


exercises.add(
    Tried(
        "vote-reach",
        reach,
        [(0.01, 1200, 30, 1, 1), (0.01, 1200, 30, 4, 1), (0.001, 6000, 10, 3, 5), (0.02, 700, 100, 7, 2)],
        [
            Mistake(
                lambda lr, images, batch, M, epochs: lr * epochs * images / batch,
                hint="With {M} workers a step takes M·{batch} images. How many steps does an epoch then have?",
            ),
            Mistake(
                lambda lr, images, batch, M, epochs: lr * epochs * images / (batch * np.sqrt(M)),
                hint="No square root here: count the steps of an epoch.",
            ),
            Mistake(
                lambda lr, images, batch, M, epochs: lr * images / (batch * M),
                hint="That is one epoch. There are {epochs}.",
            ),
        ],
        otherwise="reach({lr}, {images}, {batch}, {M}, {epochs}) must be {right:.4g}, and is {given:.4g}. A step moves "
        "each weight by lr. How many steps are there?",
        rtol=1e-9,
        atol=0,
    )
)


def expected(grads, c):
    return float(np.sum(grads) / c)


def _cases() -> list[tuple[np.ndarray, float]]:
    luck = np.random.RandomState(0)
    return [(np.array([0.5]), 1.0), (np.array([-1.0, -1.0, 8.0]), 10.0), (luck.normal(size=7).round(2), 4.0)]


def _expected(answer: Callable[[np.ndarray, float], float], grads: np.ndarray, c: float) -> float:
    return float(answer(grads.copy(), c))


exercises.add(
    Tried(
        "fair-noise",
        expected,
        _cases,
        [
            Mistake(
                lambda grads, c: float(np.sign(grads).sum()),
                hint="That is the sum without noise. With which probability is g + u positive?",
            ),
            Mistake(
                lambda grads, c: float(np.mean(grads) / c),
                hint="That is the mean of the expected signs; asked is their sum.",
            ),
            Mistake(
                lambda grads, c: float(((c + grads) / (2 * c)).sum()),
                hint="That counts the votes for plus. A vote for minus counts −1, not 0.",
            ),
        ],
        otherwise="For the gradients {grads} and c = {c}, expected must be {right:.4g}, and is {given:.4g}. With which "
        "probability is g + u positive, if u is uniform between −c and c?",
        trial=_expected,
        rtol=1e-6,
        atol=1e-9,
    )
)
