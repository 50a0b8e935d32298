"""The exercises of `frontier/gradient_compression`."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried
from gluonbook.exercises.verbal import Words

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "too-many-workers",
        Place(
            16,
            [
                Mistake(32, hint="float32: that is for two bits. These messages have four."),
                Mistake(8, hint="float32: that is the ring of float16, the second number."),
                Mistake(17, 15, hint="float32: nearly. Where are the two equal? Count that number of workers in."),
                Mistake(64, hint="float32: 64 is twice 32 bits. By what is it divided?"),
            ],
            otherwise="float32: write both sides down, (M − 1)·4 and 2·(M − 1)/M·32. What cancels?",
        ),
        Place(
            8,
            [
                Mistake(16, hint="float16: the ring sends half as much as before. Does that move the point?"),
                Mistake(32, hint="float16: a shorter rival is harder to beat, with fewer workers already."),
            ],
            otherwise="float16: the same two sides, with 16 in place of 32.",
        ),
    )
)

exercises.add(
    Words(
        "what-adds-up",
        [
            ("yes", "(a): the sum of two numbers is a number. Is it any longer than theirs?"),
            ("no", "(b): do both workers' largest coordinates lie at the same places? How many has the sum?"),
            ("yes", "(c): A₁Q + A₂Q, with the same Q: of which matrix is that the product with Q?"),
            ("yes", "(d): both speak of the same places, and all know which. What is there to say of the sum?"),
            ("no", "(e): which values can a·(±1) + b·(±1) have? How many bits tell them apart?"),
        ],
        among=("yes", "no"),
    )
)


def largest(v, k):
    places = np.argsort(abs(v))[len(v) - k :]
    out = np.zeros_like(v)
    out[places] = v[places]
    return out


def _largest(answer: Callable[..., Any], v: np.ndarray, k: int) -> dict[str, Any]:
    return {"result": answer(v, k), "argument": v}


def _by_value(v, k):
    """Fails where a number is negative and large."""
    places = np.argsort(v)[len(v) - k :]
    out = np.zeros_like(v)
    out[places] = v[places]
    return out


def _without_places(v, k):
    return v[np.argsort(abs(v))[len(v) - k :]]


def _sizes(v, k):
    return abs(largest(v, k))


def _smallest(v, k):
    return v - largest(v, len(v) - k)


def _in_place(v, k):
    v[np.argsort(abs(v))[: len(v) - k]] = 0
    return v


exercises.add(
    Tried(
        "keep-the-largest",
        largest,
        [
            (np.array([0.5, -3.0, 0.1, 2.0, -0.2]), 2),
            (np.array([-1.0, 4.0, -2.5, 0.3]), 3),
            (np.array([7.0, -8.0]), 2),
            (np.array([0.25, 0.5, -0.75]), 1),
        ],
        [
            Mistake(_by_value, hint="−3 is larger than 2 here: it is the size that counts. Where do you take it?"),
            Mistake(_without_places, hint="The right numbers, without their places. The result is as long as v."),
            Mistake(_sizes, hint="The right places. A gradient has a sign as well."),
            Mistake(_smallest, hint="Those are the ones that top k leaves out."),
            Mistake(
                _in_place, hint="The result is right, and v is lost, which the memory still needs. Fill a new array."
            ),
        ],
        otherwise={
            "result": "For v = {v} and k = {k} it should be {right}, and yours is {given}.",
            "argument": "The result is right, but v has changed. Fill a new array.",
        },
        trial=_largest,
    )
)

_TIMES = 40_000  # that each coordinate is drawn


def ternary(v, random):
    size = abs(v).max()
    return size * np.sign(v) * (random.random(v.shape) < abs(v) / size)


def _drawn(answer: Callable[..., Any], v: np.ndarray) -> dict[str, Any]:
    """What many draws have in common: their values, the mean, and the mean squared error of each coordinate."""
    many = np.tile(v, _TIMES)
    given = np.asarray(answer(many, np.random.default_rng(2)), dtype=float)
    if given.shape != many.shape:
        raise Hint(f"Of {len(many)} coordinates you have made an array of the shape {given.shape}.")
    table = given.reshape(_TIMES, len(v))
    return {
        "values": np.unique(abs(given))[:9],
        "mean": table.mean(axis=0),
        "error": ((table - v) ** 2).mean(axis=0),
    }


def _nearest(v, random):
    size = abs(v).max()
    return size * np.sign(v) * (abs(v) > size / 2)


def _no_size(v, random):
    return np.sign(v) * (random.random(v.shape) < abs(v))


def _no_sign(v, random):
    return abs(ternary(v, random))


def _one_draw(v, random):
    size = abs(v).max()
    return size * np.sign(v) * (random.random() < abs(v) / size)


def _half(v, random):
    return abs(v).max() * np.sign(v) * (random.random(v.shape) < 0.5)


def _other_way(v, random):
    size = abs(v).max()
    return size * np.sign(v) * (random.random(v.shape) > abs(v) / size)


exercises.add(
    Tried(
        "draw-a-ternary",
        ternary,
        [(np.array([2.0, -1.0, 0.5, 0.0, -0.2]),), (np.array([-0.5, 0.1, 0.4]),)],
        [
            Mistake(
                _no_size, hint="Of which size are the values that are sent? Of the largest in v, which may not be 1."
            ),
            Mistake(_nearest, hint="That rounds to the nearer value, and always to the same one. Where is the luck?"),
            Mistake(_no_sign, hint="The sizes are right. Where is the sign?"),
            Mistake(_one_draw, hint="One draw for all coordinates. Each is to have one of its own."),
            Mistake(_half, hint="All have the same chance. Should one near zero be sent as often as the largest?"),
            Mistake(_other_way, hint="The chances are the wrong way round: larger coordinates are to come more often."),
        ],
        otherwise={
            "values": "The sizes in what you return must be 0 and the largest of v alone, {right}, not {given}.",
            "mean": "For v = {v}, what you return is on average {given}. Which probability makes that v?",
            "error": "The mean is right; the mean squared errors should be {right}, and are {given}.",
        },
        trial=_drawn,
        rtol={"mean": 0.0, "error": 0.0},
        atol=0.04,
    )
)


def best_alpha(beta, gamma):
    return beta / (1 + gamma)


exercises.add(
    Tried(
        "smallest-memory",
        best_alpha,
        [(1.0, 9.0), (0.9, 2.3), (0.5, 1.0), (1.0, 0.0)],
        [
            Mistake(lambda beta, gamma: 1 / (1 + gamma), hint="Right where β = 1. Take it with that β in ρ once more."),
            Mistake(lambda beta, gamma: beta, hint="That makes (β − α)² zero. The other term grows with α, too."),
            Mistake(
                lambda beta, gamma: beta**2 * gamma / (1 + gamma), hint="That is ρ at its smallest. At which α is it?"
            ),
            Mistake(
                lambda beta, gamma: beta * gamma / (1 + gamma),
                hint="Check it without an error, γ = 0: then (β − α)² alone is left.",
            ),
        ],
        otherwise="best_alpha({beta}, {gamma}) should be {right:.4g}, and is {given:.4g}. Where is the derivative of "
        "(β − α)² + α²γ zero?",
        atol=1e-9,
    )
)
