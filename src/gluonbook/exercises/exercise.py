"""What an exercise is: a right answer, usual mistakes with a hint each, and a way to tell them apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Callable, final

import numpy as np


@final
class Hint(Exception):
    """What a reader with a wrong answer should look at next."""


@final
class Mistake:
    """Wrong answers that one hint helps with."""

    def __init__(self, *answers: Any, hint: str) -> None:
        """
        Args:
            answers: each a wrong answer, of the kind of the right one: a number, a function, a class.
            hint: what helps, without telling. For a `Tried` exercise it may hold fields in braces, as `Tried` says.
        """
        self.answers = answers
        self.hint = hint


def several(answer: Any) -> tuple[Any, ...]:
    """The parts of an answer that has several, as a tuple, a list or an array of one axis; () where it has none."""
    row = isinstance(answer, (tuple, list)) or (isinstance(answer, np.ndarray) and answer.ndim == 1)
    return tuple(answer) if row else ()


class Exercise(ABC):
    """One exercise of a chapter. A new kind of exercise is a class with two methods."""

    def __init__(self, name: str, right: Any) -> None:
        """`right` is an answer that solves it; of a function or a class, readers get the signature as a stub."""
        self.name = name
        self.right = right

    @abstractmethod
    def judge(self, answer: Any) -> None:
        """Return for a right answer; raise Hint for a wrong one. Whatever else is raised, the answer has raised."""

    @abstractmethod
    def wrong(self) -> Iterator[tuple[Any, str]]:
        """Wrong answers that the exercise knows, each with the hint that it must meet; the tests ask for all."""


@final
class Judged(Exercise):
    """An exercise with a check of its own."""

    def __init__(self, name: str, right: Any, by: Callable[[Any], None]) -> None:
        """`by` is its `judge`."""
        super().__init__(name, right)
        self._by = by

    def judge(self, answer: Any) -> None:
        self._by(answer)

    def wrong(self) -> Iterator[tuple[Any, str]]:
        return iter(())  # what it tells, only its function knows
