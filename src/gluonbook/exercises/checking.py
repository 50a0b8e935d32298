"""Exercises that tell right from wrong, and help: `check("name", answer)`.

Each exercise has one checking function, kept in the file of its chapter. It returns nothing for a right answer, and
raises `Hint` with a sentence that helps, but does not tell, for a wrong one.
"""

from __future__ import annotations

import html
from numbers import Real
from typing import Any, Callable

import numpy as np
from IPython.display import display

from gluonbook.exercises import progress

RECORD = "gluonbook_exercise"  # the key in the metadata of a notebook's output

Check = Callable[[Any], None]
_CHECKS: dict[str, Check] = {}


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


def exercise(name: str) -> Callable[[Check], Check]:
    """Register the decorated function as the check of the exercise `name`."""

    def register(function: Check) -> Check:
        if name in _CHECKS:
            raise ValueError(f"two checks for the exercise {name!r}")
        _CHECKS[name] = function
        return function

    return register


def names() -> tuple[str, ...]:
    """All exercises that have a check."""
    return tuple(sorted(_CHECKS))


def by_chapter() -> dict[str, tuple[str, ...]]:
    """The names of the exercises of each chapter, in their order there."""
    chapters: dict[str, list[str]] = {}
    for name, function in _CHECKS.items():
        chapters.setdefault(function.__module__.rpartition(".")[2], []).append(name)
    return {chapter: tuple(found) for chapter, found in chapters.items()}


def check(name: str, answer: Any) -> None:
    """Show whether `answer` solves the exercise, or a hint. Never raises for a wrong answer: trying is the point.

    A right answer that a reader has typed is kept: `gluonbook progress` prints which there are.

    Raises:
        ValueError: there is no exercise of that name.
    """
    if name not in _CHECKS:
        raise ValueError(f"no exercise is called {name!r}; there are {', '.join(names())}")
    if answer is ...:
        return _show(name, None, "Your turn: put your answer in place of the dots, and run the cell again.")
    try:
        _CHECKS[name](answer)
    except Hint as hint:
        return _show(name, False, str(hint))
    except Exception as error:  # an answer may fail in any way; the reader wants to know how
        return _show(name, False, f"Your answer raised {type(error).__name__}: {error}")
    return _show(name, True, f"That is right. {progress.note(name)}".rstrip())


def _show(name: str, solved: bool | None, text: str) -> None:
    mark, word = {None: ("…", "Open"), False: ("✘", "Not yet"), True: ("✔", "Solved")}[solved]
    page = (
        '<div class="gb-exercise" role="status" style="border-left: .25em dotted; padding: .1em .8em; margin: .5em 0">'
        f'<span aria-hidden="true">{mark}</span> <strong>{word}:</strong> {html.escape(text)}</div>'
    )
    record = {"name": name, "solved": solved}
    display({"text/html": page, "text/plain": f"{word}: {text}"}, metadata={RECORD: record}, raw=True)
