"""Exercises that are answered with one number, or with several."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Union, final

import numpy as np

from gluonbook.exercises.exercise import Exercise, Hint, Mistake, several


@final
@dataclass(frozen=True)
class Within:
    """All numbers x with low < x < high, of which `example` is one."""

    low: float
    high: float
    example: float


def near(value: float, tolerance: float) -> Within:
    """All numbers closer to `value` than `tolerance`."""
    return Within(value - tolerance, value + tolerance, value)


Value = Union[float, Within]  # what a number is compared with, see `_is`
_BY_HAND = 5e-3  # what rounding to three digits, on paper, may be off by


@final
class Place:
    """One number of an answer: what it must be, and what is told if it is not."""

    def __init__(self, right: Value, mistakes: Sequence[Mistake] = (), *, otherwise: str) -> None:
        """
        Args:
            right: the right number.
            mistakes: numbers that are told by themselves, each with its hint; the first that fits is meant.
            otherwise: the hint for every other number.
        """
        self.right = right
        self._mistakes = tuple(mistakes)
        self._otherwise = otherwise

    def judge(self, number: float) -> None:
        """Raise Hint unless the number is right."""
        if _is(number, self.right):
            return
        told = (mistake.hint for mistake in self._mistakes if any(_is(number, wrong) for wrong in mistake.answers))
        raise Hint(next(told, self._otherwise))

    def wrong(self) -> Iterator[tuple[float, str]]:
        """As `Exercise.wrong`, with a number that no mistake explains at the end."""
        for mistake in self._mistakes:
            for answer in mistake.answers:
                yield _example(answer), mistake.hint
        yield -54321.5, self._otherwise


@final
class Number(Exercise):
    """An exercise that is answered with one number."""

    def __init__(
        self, name: str, right: Value, mistakes: Sequence[Mistake] = (), *, otherwise: str, whole: bool = False
    ) -> None:
        """`right`, `mistakes` and `otherwise` are those of a `Place`; `whole`: no float will do, not even 3.0."""
        super().__init__(name, _example(right))
        self._place = Place(right, mistakes, otherwise=otherwise)
        self._whole = whole

    def judge(self, answer: Any) -> None:
        if self._whole and not _whole(answer):
            raise Hint(f"Answer with one whole number, not {answer!r:.40}.")
        if not _number(answer):
            raise Hint(f"Answer with a number, not {answer!r:.40}.")
        self._place.judge(answer)

    def wrong(self) -> Iterator[tuple[Any, str]]:
        yield "nonsense", "Answer with"
        yield from ((round(answer) if self._whole else answer, hint) for answer, hint in self._place.wrong())


@final
class Numbers(Exercise):
    """An exercise that is answered with several numbers, as a tuple, a list or an array."""

    def __init__(self, name: str, *places: Place, mistakes: Sequence[Mistake] = ()) -> None:
        """
        Args:
            places: one for each number, in the order of the answer; the first wrong one is told.
            mistakes: whole answers, as tuples, that are told before the places are looked at.
        """
        super().__init__(name, tuple(_example(place.right) for place in places))
        self._places = places
        self._mistakes = tuple(mistakes)

    def judge(self, answer: Any) -> None:
        given = several(answer)
        if len(given) != len(self._places) or not all(map(_number, given)):
            raise Hint(f"Answer with {len(self._places)} numbers, as a tuple, not {answer!r:.60}.")
        for mistake in self._mistakes:
            if any(all(map(_is, given, wrong)) for wrong in mistake.answers):
                raise Hint(mistake.hint)
        for place, number in zip(self._places, given):
            place.judge(number)

    def wrong(self) -> Iterator[tuple[Any, str]]:
        yield self.right[:-1], "Answer with"
        yield ("1",) * len(self._places), "Answer with"
        yield from ((answer, mistake.hint) for mistake in self._mistakes for answer in mistake.answers)
        for index, place in enumerate(self._places):
            for number, hint in place.wrong():
                yield (*self.right[:index], number, *self.right[index + 1 :]), hint


def _number(answer: Any) -> bool:
    return isinstance(answer, Real) and not isinstance(answer, (bool, np.bool_))


def _whole(answer: Any) -> bool:
    try:
        return operator.index(answer) is not None and _number(answer)
    except TypeError:
        return False


def _is(number: float, value: Value) -> bool:
    """Whether a number answers `value`: a whole one exactly, any other as it is when rounded to three digits."""
    if isinstance(value, Within):
        return value.low < number < value.high
    return math.isclose(number, value, rel_tol=1e-9 if float(value).is_integer() else _BY_HAND, abs_tol=1e-12)


def _example(value: Value) -> float:
    return value.example if isinstance(value, Within) else value
