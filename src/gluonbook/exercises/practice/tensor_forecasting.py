"""The exercises of `practice/tensor_forecasting`."""

from __future__ import annotations

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "numbers-in-a-train",
        50 * 8 + 8 * 20 * 6 + 6 * 25,
        [
            Mistake(50 * 20 * 25, hint="That is the whole tensor."),
            Mistake(
                50 * 8 + 20 * 6 + 25,
                50 * 8 + 8 * 20 + 6 * 25,
                50 * 8 + 20 * 6 + 6 * 25,
                hint="The middle core has a rank on either side: for each of its 20 indices it is a matrix.",
            ),
            Mistake(
                (50 + 20 + 25) * 8,
                (50 + 20 + 25) * 6,
                (50 + 20 + 25) * 8 * 6,
                hint="Count core by core: each index has a matrix, and not of the same shape everywhere.",
            ),
            Mistake(
                8 * 50 * 8 + 8 * 20 * 6 + 6 * 25 * 6,
                hint="The train ends on both sides: the first core is made of rows, the last of columns.",
            ),
            Mistake(50 * 6 + 6 * 20 * 8 + 8 * 25, hint="The other way round: 8 is the rank after the first core."),
        ],
        otherwise="What are the shapes of the three cores?",
        whole=True,
    )
)

D, RANK, GATES = 31, 4, 40

exercises.add(
    Numbers(
        "what-a-tt-lstm-learns",
        Place(
            D * RANK + RANK * D * RANK + RANK * D * GATES,
            [
                Mistake(
                    D * RANK + RANK * D * GATES,
                    hint="Two cores are of degree two. The train of degree three has one more, between them.",
                ),
                Mistake(
                    D * RANK + RANK * D * RANK + RANK * D * 10,
                    hint="The train makes four gates, with 10 numbers for each.",
                ),
                Mistake(
                    30 * RANK + RANK * 30 * RANK + RANK * 30 * GATES,
                    hint="s holds a 1 besides the states, so that all lower degrees are there, too.",
                ),
                Mistake(
                    D * RANK + RANK * D * RANK + RANK * D * RANK + RANK * GATES,
                    hint="The last core holds the place and the gates at once: its shape is (R, D, gH).",
                ),
                Mistake(
                    11 * RANK + RANK * 11 * RANK + RANK * 11 * GATES,
                    hint="The three latest states are in s, and not one.",
                ),
            ],
            otherwise="How long is s, and what are the shapes of the three cores?",
        ),
        Place(
            D**3 * GATES,
            [
                Mistake(D**2 * GATES, hint="That would be the tensor of degree two."),
                Mistake(D**3 * 10, hint="The tensor makes four gates, with 10 numbers for each."),
                Mistake(30**3 * GATES, hint="s holds a 1 besides the states."),
                Mistake(D**3, hint="So many products of states there are. For each number that comes out, as often."),
            ],
            otherwise="The tensor has three indices that go over s, and one over what comes out.",
        ),
        mistakes=[
            Mistake(
                (D**3 * GATES, D * RANK + RANK * D * RANK + RANK * D * GATES),
                hint="First the train, then the tensor.",
            )
        ],
    )
)


def contract(cores, s):
    q = np.ones(1)
    for core in cores:
        q = q @ np.einsum("adb,d->ab", core, s)
    return q


def _trains() -> list[tuple[list[np.ndarray], np.ndarray]]:
    random = np.random.RandomState(0)

    def train(ranks: list[int], d: int) -> list[np.ndarray]:
        return [random.normal(size=(left, d, right)) for left, right in zip(ranks, ranks[1:])]

    return [
        ([np.ones((1, 2, 1)), np.ones((1, 2, 3))], np.array([1.0, 2.0])),
        (train([1, 2, 3, 4], 3), random.normal(size=3)),
        (train([1, *[3] * 11, 10], 10), random.normal(size=10) / 5),
    ]


exercises.add(
    Tried(
        "train-from-the-left",
        contract,
        _trains,
        [
            Mistake(
                lambda cores, s: contract(cores, s)[np.newaxis],
                hint="A matrix of one row comes out of yours. It should be a vector.",
            ),
            Mistake(
                lambda cores, s: contract(cores, np.ones(len(s))),
                hint="Yours adds up the matrices of each core as they are. A number of s weighs each of them.",
            ),
            Mistake(
                lambda cores, s: contract(cores[:-1], s),
                hint="The last core belongs to the train, too.",
            ),
            Mistake(
                lambda cores, s: sum(contract(cores, np.eye(len(s))[i] * s[i]) for i in range(len(s))),
                hint="Yours has s with the same index in all places at once. Each place has an index of its own.",
            ),
        ],
        otherwise="For s = {s} it should be {right}, and yours is {given}.",
    )
)


def lyapunov(x, c):
    return np.log(np.abs(c * (1 - 2 * x))).mean()


def _series() -> list[tuple[np.ndarray, float]]:
    from gluonbook.series import logistic_map

    return [(logistic_map(500, np.random.RandomState(0), c), c) for c in (4.0, 3.7, 3.2)]


exercises.add(
    Tried(
        "how-fast-neighbours-part",
        lyapunov,
        _series,
        [
            Mistake(
                lambda x, c: np.log(np.abs(c * (1 - 2 * x)).mean()),
                hint="That is the logarithm of a mean. Factors multiply, so their logarithms are averaged.",
            ),
            Mistake(
                lambda x, c: np.abs(c * (1 - 2 * x)).mean(),
                hint="Where is the logarithm?",
            ),
            Mistake(
                lambda x, c: np.log(np.abs(c * x * (1 - x))).mean(),
                hint="That is f itself. By how much neighbours are parted says its derivative.",
            ),
            Mistake(
                lambda x, c: np.log2(np.abs(c * (1 - 2 * x))).mean(),
                lambda x, c: np.log10(np.abs(c * (1 - 2 * x))).mean(),
                hint="The logarithm is the natural one.",
            ),
            Mistake(
                lambda x, c: np.log(np.abs(1 - 2 * x)).mean(),
                hint="The factor c is part of the derivative.",
            ),
            Mistake(
                lambda x, c: np.log(np.abs(c * (1 - 2 * x))).sum(),
                hint="That is the sum. The exponent is what one step has of it.",
            ),
            Mistake(
                lambda x, c: np.log(np.abs(c * (1 - x))).mean(),
                hint="c·x − c·x² has the derivative c − 2·c·x.",
            ),
        ],
        otherwise="For c = {c} it should be {right:.4f}, and yours is {given}.",
    )
)

exercises.add(
    Number(
        "a-better-barometer",
        near(2 * np.log2(10), 0.02),
        [
            Mistake(near(np.log2(10), 0.02), hint="So many doublings it takes. How many days is one?"),
            Mistake(
                near(2 * np.log2(100), 0.02), near(2 * np.log2(1000), 0.02), hint="That is one of the two horizons."
            ),
            Mistake(20, hint="An error does not grow by the same amount each day, but by the same factor."),
            Mistake(near(np.log(10), 0.02), near(2 * np.log(10), 0.02), hint="λ is not 1 here: e^(2λ) = 2."),
            Mistake(near(np.log10(10) * 2, 0.02), hint="Doubling, and not ten times, takes two days."),
            Mistake(near(-2 * np.log2(10), 0.02), hint="It grows."),
        ],
        otherwise="What is λ, if e^(λt) is 2 for t = 2 days? Then subtract the two horizons.",
    )
)
