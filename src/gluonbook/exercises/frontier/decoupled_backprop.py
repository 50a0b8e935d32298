"""The exercises of `frontier/decoupled_backprop`."""

from __future__ import annotations

import math

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check


def holds(k, K):
    return K - 1 - k, K - k


exercises.add(
    Tried(
        "what-a-module-holds",
        holds,
        [(k, K) for K in (1, 2, 5) for k in range(K)],
        [
            Mistake(
                lambda k, K: (K - k, K - k + 1),
                lambda k, K: (K - k, K - k),
                hint="Modules count from 0 here: the last one is K − 1, and its gradients are fresh.",
            ),
            Mistake(
                lambda k, K: (k, k + 1),
                hint="Which end of the network has to wait longest for a gradient: the first module, or the last?",
            ),
            Mistake(
                lambda k, K: (K - 1 - k, K - 1 - k),
                hint="The delay is right. But the last module, without any delay, still has to hold the batch that it "
                "is working on.",
            ),
            Mistake(
                lambda k, K: (2 * (K - 1 - k), 2 * (K - 1 - k) + 1),
                hint="That counts the way there and the way back. A batch goes through all modules in one step; only "
                "its gradient takes a step from each to the next.",
            ),
        ],
        otherwise="Module {k} of {K} should give {right}, not {given}.",
    )
)

exercises.add(
    Numbers(
        "how-much-faster",
        Place(
            3 / (1 + 2 / 6),
            [
                Mistake(
                    6, hint="That is if the forward passes run at the same time as well. Here only backward ones do."
                ),
                Mistake(
                    3 / (2 + 1 / 6), hint="You divided the forward pass. It is the backward passes that run together."
                ),
                Mistake((1 + 2 / 6) / 3, hint="That is how long a step takes. How many times faster is it?"),
                Mistake(1 + 2 / 6, hint="That is the time of a step, if a forward pass takes 1. What was it before?"),
            ],
            otherwise="Let a forward pass take 1, and a backward pass 2. How long is a step on one device, and on six?",
        ),
        Place(
            3,
            [
                Mistake(2, hint="Backward alone is twice forward. But a step on one device has both."),
                Mistake(
                    1.5, hint="For many devices the backward passes take no time any more. What is left of a step?"
                ),
            ],
            otherwise="For many devices the backward passes take no time any more. What is left of a step, and "
            "what was it before?",
        ),
    )
)

exercises.add(
    Number(
        "a-rate-that-settles",
        2 * math.sin(math.pi / 10) / 40,
        [
            Mistake(2 / 40, hint="That is for a fresh gradient. What does a delay of 2 change?"),
            Mistake(2 * math.sin(math.pi / 10), hint="That is step times curvature. The curvature is 40."),
            Mistake(
                2 * math.sin(math.pi / 6) / 40, hint="That is for a delay of one step. How many are two, in 2(2τ + 1)?"
            ),
            Mistake(
                math.pi / 2 / 2 / 40, hint="π/2 over the delay is what it comes to for long delays. 2 is a short one."
            ),
            Mistake(2 * math.sin(18) / 40, hint="An angle in degrees? NumPy's sine takes radians."),
        ],
        otherwise="With τ = 2, what is 2(2τ + 1), and what is η if ηλ is at the limit and λ is 40?",
    )
)


def late(grad, x, eta, tau, steps):
    points = [x]
    for t in range(steps):
        step = eta * grad(points[t - tau]) if t >= tau else 0
        points.append(points[-1] - step)
    return points


def _path(answer, x, eta, tau, steps):
    """The points, on a loss whose slope shows which point a gradient belongs to."""
    points = answer(lambda x: x**3 + 2 * x, x, eta, tau, steps)
    if not isinstance(points, (list, tuple, np.ndarray)):
        raise Hint(f"Return the list of the points, not {points!r:.60}.")
    if len(points) != steps + 1:
        raise Hint(f"From the start on, {steps} steps make {steps + 1} points, and yours are {len(points)}.")
    return np.asarray(points, dtype=float)


def _walk(grad, x, eta, tau, steps, ago, base, idle=True):
    """Late descent, but with the gradient of `ago(tau)` steps before, and on from the point of `base(tau)` before."""
    points = [x]
    for t in range(steps):
        if idle and t < tau:
            points.append(points[-1])
        else:
            points.append(points[max(0, t - base(tau))] - eta * grad(points[max(0, t - ago(tau))]))
    return points


def _from_the_old_point(grad, x, eta, tau, steps):
    return _walk(grad, x, eta, tau, steps, lambda tau: tau, lambda tau: tau)


def _fresh(grad, x, eta, tau, steps):
    return _walk(grad, x, eta, tau, steps, lambda tau: 0, lambda tau: 0)


def _one_more(grad, x, eta, tau, steps):
    return _walk(grad, x, eta, tau, steps, lambda tau: tau + 1, lambda tau: 0)


def _not_idle(grad, x, eta, tau, steps):
    return _walk(grad, x, eta, tau, steps, lambda tau: tau, lambda tau: 0, idle=False)


exercises.add(
    Tried(
        "late-descent-path",
        late,
        [(1.0, 0.1, 0, 6), (1.0, 0.1, 2, 8), (-0.5, 0.05, 5, 12)],
        [
            Mistake(
                _from_the_old_point,
                hint="The gradient is old, but the step goes on from where x is now.",
            ),
            Mistake(_fresh, hint="These gradients are fresh: which of your points is tau steps old?"),
            Mistake(_one_more, hint="These gradients are a step too old. With tau = 0 they should be those of x_t."),
            Mistake(
                _not_idle,
                hint="In the first tau steps no gradient has come, not even that of the start: nothing moves.",
            ),
        ],
        otherwise="From {x}, with eta = {eta} and tau = {tau}, on the gradient x³ + 2x, the points should be {right}, "
        "and yours are {given}.",
        trial=_path,
    )
)


def lighter(P, A, B):
    return "modules" if B * sum(A) <= len(A) * P else "data"


def _either(modules, data):
    return "modules" if modules <= data else "data"


exercises.add(
    Tried(
        "cut-or-copy",
        lighter,
        [
            (1000, [10], 100),
            (1000, [10], 101),
            (1000, [10, 20, 30], 49),
            (1000, [10, 20, 30], 51),
            (1000, [10], 150),
            (1000, [10, 10, 10], 120),
            (1000, [10, 10, 10], 30),
            (1000, [10, 20, 30], 20),
            (1000, [10, 20, 30], 80),
            (1000, [10], 250),
            (1000, [10], 20),
        ],
        [
            Mistake(
                lambda P, A, B: _either(B * sum(A), 2 * len(A) * P),
                hint="Each cut is crossed twice: by activations, and by their gradients on the way back.",
            ),
            Mistake(
                lambda P, A, B: _either(2 * B * sum(A), P),
                lambda P, A, B: _either(2 * B * sum(A), 2 * P),
                hint="A ring of K devices sends 2(K − 1)P numbers, and there is one cut less than there are devices.",
            ),
            Mistake(
                lambda P, A, B: _either(B * sum(A), (len(A) + 1) * P),
                lambda P, A, B: _either(B * sum(A), (len(A) - 1) * P),
                hint="How many cuts do K devices have? A has an entry for each.",
            ),
            Mistake(
                lambda P, A, B: _either(sum(A), len(A) * P),
                hint="A counts what crosses for one sample, and a batch has B of them.",
            ),
            Mistake(
                lambda P, A, B: "modules" if B * sum(A) < len(A) * P else "data",
                hint='Nearly: where both send as much, say "modules".',
            ),
        ],
        otherwise="With P = {P}, A = {A} and B = {B} it is {right!r}, not {given!r}. Count both.",
    )
)
