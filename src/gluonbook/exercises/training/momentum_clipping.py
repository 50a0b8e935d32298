"""The exercises of `training/momentum_clipping`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Mistake
from gluonbook.exercises.numeric import Number, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "speed-on-a-slope",
        1.0,
        [
            Mistake(0.1, hint="That is the first step. The second one has nine tenths of it besides."),
            Mistake(0.19, hint="That is the second step, and it goes on growing. When does a step no longer change?"),
            Mistake(
                0.01, hint="Here the learning rate is not multiplied by 1 − β. What is left of old steps adds to it."
            ),
            Mistake(0.9, hint="That is what the last step leaves to the next one, if a step is 1. Add the gradient's."),
            Mistake(-1.0, hint="The number is right. A length has no sign."),
        ],
        otherwise="A step that no longer changes has v = 0.9 v − 0.1. How long is it?",
    )
)

exercises.add(
    Number(
        "largest-rate-with-momentum",
        0.3,
        [
            Mistake(0.2, hint="That is the limit of plain descent, 2/λ. What does a momentum do to it?"),
            Mistake(0.1, hint="That is the limit of a momentum that is one step late, 2(1 − β)/λ."),
            Mistake(0.6, hint="That is η/(1 − β), the pace where it is flat. The question is for η alone."),
            Mistake(3.0, hint="That is the limit of η·λ. And λ is 10."),
            Mistake(0.4, hint="You divide 2 by λ(1 − β). Where a root of the rule is −1, is that what comes out?"),
        ],
        otherwise="At the limit, a root of z² − (1 + β − ηλ) z + β is −1. What is η then?",
    )
)


def _degrees(after: tuple[float, float]) -> float:
    return float(np.degrees(np.arctan2(after[1], after[0]) - np.arctan2(0.1, 3)))


exercises.add(
    Number(
        "turned-by-clipping",
        near(_degrees((1, 0.1)), 0.06),
        [
            Mistake(0, hint="Clipping by the norm does not turn it. `clip_gradient` cuts each coordinate by itself."),
            Mistake(near(np.radians(_degrees((1, 0.1))), 0.001), hint="That is the angle in radians."),
            Mistake(near(np.degrees(np.arctan(0.1)), 0.04), hint="From the first axis. And where did it point before?"),
            Mistake(near(_degrees((1, 1)), 0.1), hint="The small coordinate is within its bound, and stays 0.1."),
            Mistake(near(-_degrees((1, 0.1)), 0.06), hint="The number is right. Answer without a sign."),
        ],
        otherwise="After the cut it is (1, 0.1). Which angles with the first axis do (3, 0.1) and (1, 0.1) have?",
    )
)


def clip(grads, c):
    length = _length(grads)
    return [g * (c / length) if length > c else g for g in grads]


def _length(grads: list[np.ndarray]) -> float:
    return float(np.sqrt(sum((g**2).sum() for g in grads)))


def _scaled(factor: Callable[[list[np.ndarray], float], float]) -> Callable[[list[np.ndarray], float], list]:
    def clip(grads, c):
        with np.errstate(divide="ignore", invalid="ignore"):
            return [g * factor(grads, c) for g in grads]

    return clip


def _divided_first(grads: list[np.ndarray], c: float) -> list[np.ndarray]:
    length = _length(grads)
    with np.errstate(invalid="ignore"):
        return [g / length * min(length, c) for g in grads]


def _written_over(grads: list[np.ndarray], c: float) -> list[np.ndarray]:
    for old, new in zip(grads, clip(grads, c)):
        old[...] = new
    return grads


def _clipped(answer: Callable[..., Any], grads: list[np.ndarray], c: float) -> dict[str, Any]:
    return {"result": answer(grads, c), "what was given": grads}


def _gradients() -> list[tuple[list[np.ndarray], float]]:
    random = np.random.RandomState(0)
    made = [random.normal(size=shape) for shape in ((3, 2), (3,), (1, 2, 2))]
    return [
        ([np.array([3.0, 0.0]), np.array([[0.0], [4.0]])], 1.0),
        (made, 0.5),
        (made, 100.0),
        ([np.zeros(2), np.zeros((1, 3))], 1.0),
    ]


exercises.add(
    Tried(
        "clip-by-global-norm",
        clip,
        _gradients,
        [
            Mistake(
                lambda grads, c: [g * min(1, c / max(float(np.sqrt((g**2).sum())), 1e-300)) for g in grads],
                hint="You clip each array by its own norm, which changes how they relate. One factor should serve all.",
            ),
            Mistake(
                lambda grads, c: [g.clip(-c, c) for g in grads],
                hint="You cut each entry by itself, which turns the gradient. Multiply all of them by one number.",
            ),
            Mistake(
                _scaled(lambda grads, c: c / _length(grads)),
                _scaled(lambda grads, c: c / max(_length(grads), 1e-300)),
                hint="Long gradients are right. Short ones you make longer: they should stay as they are.",
            ),
            Mistake(
                _scaled(lambda grads, c: min(1.0, c / max(_length(grads) ** 2, 1e-300))),
                hint="You divide by the sum of the squares. Its root is the length.",
            ),
            Mistake(
                _divided_first,
                hint="Right, but for gradients that are all zero: there you divide by zero.",
            ),
            Mistake(
                _scaled(lambda grads, c: 1 / _length(grads) if _length(grads) > c else 1),
                hint="All that is too long gets the length 1. It should get the length c.",
            ),
            Mistake(_written_over, hint="The result is right, but the gradients that you were given are written over."),
        ],
        otherwise={
            "result": "For c = {c} and the gradients {grads} it should be {right}, and yours is {given}.",
            "what was given": "The result is right. But leave the gradients that you were given, and return new ones.",
        },
        trial=_clipped,
    )
)

exercises.add(
    Number(
        "wide-enough",
        200,
        [
            Mistake(400, hint="That is for a spread of √(T/n). The variance of each of the logarithms is 1/2n."),
            Mistake(100, hint="You have divided by ½ and not by its square. The variances add up, T/2n."),
            Mistake(2, hint="That is for one layer. The variances of a hundred add up, as the layers are independent."),
            Mistake(20_000, hint="You add up the spreads of the layers. It is their squares that add up."),
        ],
        otherwise="The spread after T layers is √(T/2n). Set it to ½, with T = 100.",
    )
)
