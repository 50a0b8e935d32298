"""Exercises that tell right from wrong, and help: `check("name", answer)`.

Each exercise has one checking function, kept in the file of its chapter. It returns nothing for a right answer, and
raises `Hint` with a sentence that helps, but does not tell, for a wrong one.
"""

from __future__ import annotations

import html
from numbers import Real
from typing import Any, Callable, final

import numpy as np
from IPython.display import display

from gluonbook.exercises import progress

RECORD = "gluonbook_exercise"  # the key in the metadata of a notebook's output

Check = Callable[[Any], None]


class Hint(Exception):
    """What a reader with a wrong answer should look at next."""


def number(answer: Any) -> float:
    """An answer that has to be one number; raises Hint if it is none."""
    if not isinstance(answer, Real):
        raise Hint(f"Answer with a number, not {answer!r:.40}.")
    return answer


def numbers(answer: Any, n: int) -> tuple[float, ...]:
    """An answer that has to be n numbers, as a tuple, a list or an array; raises Hint if it is not."""
    given = tuple(answer) if isinstance(answer, (tuple, list, np.ndarray)) else ()
    if len(given) != n or not all(isinstance(one, Real) for one in given):
        raise Hint(f"Answer with {n} numbers, as a tuple, not {answer!r:.60}.")
    return given


@final
class Exercises:
    """The exercises of one chapter, in their order there; a name is unique in its chapter."""

    def __init__(self, module: str) -> None:
        """`module` is the `__name__` of the module that holds them, `gluonbook.exercises.<part>.<chapter>`."""
        self.chapter = "/".join(module.split(".")[-2:])
        self._checks: dict[str, Check] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the exercises."""
        return tuple(self._checks)

    def add(self, name: str) -> Callable[[Check], Check]:
        """Register the decorated function as the check of the exercise `name`.

        Raises:
            ValueError: the chapter has one of that name already.
        """

        def register(function: Check) -> Check:
            if name in self._checks:
                raise ValueError(f"{self.chapter}: two checks for the exercise {name!r}")
            self._checks[name] = function
            return function

        return register

    def check(self, name: str, answer: Any) -> None:
        """Show whether `answer` solves the exercise, or a hint. Never raises for a wrong answer: trying is the point.

        A right answer that a reader has typed is kept: `gluonbook progress` prints which there are.

        Raises:
            ValueError: the chapter has no exercise of that name.
        """
        if name not in self._checks:
            raise ValueError(f"no exercise of {self.chapter} is called {name!r}; there are {', '.join(self.names)}")
        if answer is ...:
            return self._show(name, None, "Your turn: put your answer in place of the dots, and run the cell again.")
        try:
            self._checks[name](answer)
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
        display({"text/html": page, "text/plain": f"{word}: {text}"}, metadata={RECORD: record}, raw=True)
