"""The exercises of `frontier/dissecting_adam`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried
from gluonbook.exercises.verbal import Words

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Words(
        "adam-shortens",
        [
            ("E", "The factor is |m|/√v, however small or large both are. Which weight has the smallest?"),
            ("C", "The first is right. Of the rest, which has the smallest |m|/√v? A large m is no help to a weight."),
            ("B", "Two are right. Is the m of B small beside the root of its v?"),
            ("D", "Three are right. Which of the last two has gradients that quarrel? Their sign does not count."),
            ("A", "Four are right, so that one weight is left."),
        ],
        among=("A", "B", "C", "D", "E"),
    )
)

exercises.add(
    Number(
        "batch-to-believe",
        441,
        [
            Mistake(63, hint="Nearly: which power of r is in the factor, and what does a batch divide by n?"),
            Mistake(490, hint="1/(1 + r²) = 0.9 has r² = 1/9. Where does your tenth come from?"),
            Mistake(21, hint="That is √441. A batch of n samples divides r by √n, and r² by n."),
            Mistake(1 / 3, 1 / 9, hint="So much for r; now ask which batch has it."),
        ],
        otherwise="A batch of n samples has r² = 49/n. Where is 1/(1 + r²) equal to 0.9?",
    )
)


def rho(beta, t):
    weights = beta ** np.arange(t)
    return ((weights / weights.sum()) ** 2).sum()


exercises.add(
    Tried(
        "rho-of-a-mean",
        rho,
        [(0.9, 1), (0.9, 2), (0.9, 10), (0.9, 300), (0.5, 3), (0.99, 50)],
        [
            Mistake(
                lambda beta, t: (1 - beta) / (1 + beta),
                hint="That is right after many steps. After the first one, m is that gradient: what should ρ be then?",
            ),
            Mistake(
                lambda beta, t: (((1 - beta) * beta ** np.arange(t)) ** 2).sum(),
                hint="These are the weights without the bias correction. With it, what do they add up to?",
            ),
            Mistake(
                lambda beta, t: 1 / t,
                hint="That is a mean in which all gradients count alike. Here old ones count less.",
            ),
            Mistake(
                lambda beta, t: (beta ** np.arange(t) / (beta ** np.arange(t)).sum()).sum(),
                hint="That is the sum of the weights, which is 1. A variance takes each weight squared.",
            ),
        ],
        otherwise="For β = {beta} and t = {t} it should be {right:.6g}, and yours is {given}.",
    )
)


def vsgd_step(x, g, mean, square, memory, curvature):
    mean = (1 - 1 / memory) * mean + g / memory
    square = (1 - 1 / memory) * square + g**2 / memory
    share = mean**2 / square
    return x - share / curvature * g, mean, square, (1 - share) * memory + 1


def _with_old_means(x, g, mean, square, memory, curvature):
    _, new_mean, new_square, _ = vsgd_step(x, g, mean, square, memory, curvature)
    share = mean**2 / square
    return x - share / curvature * g, new_mean, new_square, (1 - share) * memory + 1


def _memory_first(x, g, mean, square, memory, curvature):
    memory = (1 - mean**2 / square) * memory + 1
    x, mean, square, _ = vsgd_step(x, g, mean, square, memory, curvature)
    return x, mean, square, memory


def _without_curvature(x, g, mean, square, memory, curvature):
    return vsgd_step(x, g, mean, square, memory, 1)


def _along_the_mean(x, g, mean, square, memory, curvature):
    _, mean, square, memory = vsgd_step(x, g, mean, square, memory, curvature)
    return x - mean**2 / square / curvature * mean, mean, square, memory


def _with_the_root(x, g, mean, square, memory, curvature):
    _, mean, square, new_memory = vsgd_step(x, g, mean, square, memory, curvature)
    return x - abs(mean) / np.sqrt(square) / curvature * g, mean, square, new_memory


exercises.add(
    Tried(
        "vsgd-step",
        vsgd_step,
        [(2.0, 1.5, 1.0, 4.0, 5.0, 1.0), (-1.0, 3.0, -0.5, 2.0, 2.5, 4.0), (0.3, -0.2, 0.1, 1.0, 40.0, 0.5)],
        [
            Mistake(_with_old_means, hint="The rate is made of the old means. They take the gradient in before it is."),
            Mistake(_memory_first, hint="The memory comes last: the means still use the old τ."),
            Mistake(_without_curvature, hint="For a curvature of 1 it is right. What does λ do to the rate?"),
            Mistake(_along_the_mean, hint="The weight moves along the new gradient; its mean serves the rate alone."),
            Mistake(_with_the_root, hint="That is Adam's factor, with the root. For a length, which one is best?"),
        ],
        otherwise="Of x, g, ḡ, v̄, τ, λ = {x}, {g}, {mean}, {square}, {memory}, {curvature} come {right}, not {given}.",
    )
)

SILENCE = [0] * 1999 + [1]


@exercises.judged("longer-than-a-sign", right=SILENCE)
def longer_than_a_sign(answer: Any) -> None:
    g = np.asarray(answer, dtype=float)
    if g.ndim != 1 or not 1 <= len(g) <= 2000:
        raise Hint(f"Answer with a list of 1 to 2,000 gradients, not with an array of shape {g.shape}.")
    if not np.isfinite(g).all() or not g.any():
        raise Hint("Gradients are finite numbers, and not all of them 0.")
    age = np.arange(len(g))[::-1]
    m, v = (
        (beta**age * (1 - beta) * moment).sum() / (1 - beta ** len(g)) for beta, moment in ((0.9, g), (0.999, g**2))
    )
    length = abs(m) / np.sqrt(v)
    if not length > 2:
        raise Hint(
            f"The last step is {length:.3g} learning rates long. How fast does m notice that something is new, and how "
            "fast does v?"
        )
