"""The exercises of a chapter, and how an answer is shown to be right or wrong: `check("name", answer)`."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any, Callable, final

from gluonbook.exercises import progress
from gluonbook.exercises.exercise import Exercise, Hint, Judged
from gluonbook.exercises.stubs import unanswered
from gluonbook.show import display

RECORD = "gluonbook_exercise"  # the key in the metadata of a notebook's output

_YOUR_TURN = "Your turn: put your answer in place of the dots, and run the cell again."


@final
class Exercises:
    """The exercises of one chapter, in their order there; a name is unique in its chapter."""

    def __init__(self, module: str) -> None:
        """`module` is the `__name__` of the module that holds them, `gluonbook.exercises.<part>.<chapter>`."""
        self.chapter = "/".join(module.split(".")[-2:])
        self._exercises: dict[str, Exercise] = {}

    def __iter__(self) -> Iterator[Exercise]:
        return iter(self._exercises.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the exercises."""
        return tuple(self._exercises)

    def add(self, exercise: Exercise) -> None:
        """Add an exercise.

        Raises:
            ValueError: the chapter has one of that name already.
        """
        if exercise.name in self._exercises:
            raise ValueError(f"{self.chapter}: two exercises are called {exercise.name!r}")
        self._exercises[exercise.name] = exercise

    def judged(self, name: str, right: Any) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Add an exercise that the decorated function judges, as `Judged` says.

        Raises:
            ValueError: as `add`.
        """

        def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
            self.add(Judged(name, right, function))
            return function

        return register

    def check(self, name: str, answer: Any) -> None:
        """Show whether `answer` solves the exercise, or a hint. Never raises for a wrong answer: trying is the point.

        A right answer that a reader has typed is kept: `gluonbook progress` prints which there are.

        Raises:
            ValueError: the chapter has no exercise of that name.
        """
        if name not in self._exercises:
            raise ValueError(f"no exercise of {self.chapter} is called {name!r}; there are {', '.join(self.names)}")
        try:
            if unanswered(answer):
                return self._show(name, None, _YOUR_TURN)
            self._exercises[name].judge(answer)
        except Hint as hint:
            return self._show(name, False, str(hint))
        except Exception as error:  # an answer may fail in any way; the reader wants to know how
            return self._show(name, False, f"Your answer raised {type(error).__name__}: {error}")
        return self._show(name, True, f"That is right. {progress.note(f'{self.chapter}/{name}')}".rstrip())

    def _show(self, name: str, solved: bool | None, text: str) -> None:
        mark, word = {None: ("…", "Open"), False: ("✘", "Not yet"), True: ("✔", "Solved")}[solved]
        page = (
            '<div class="gb-exercise" role="status" style="border-left: .25em dotted; padding: .1em .8em; '
            f'margin: .5em 0"><span aria-hidden="true">{mark}</span> <strong>{word}:</strong> {html.escape(text)}</div>'
        )
        record = {"name": name, "solved": solved}
        display({"text/html": page, "text/plain": f"{word}: {text}"}, {RECORD: record})
