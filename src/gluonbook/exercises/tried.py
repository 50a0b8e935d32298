"""Exercises that are answered with a function or a class, which is tried on cases beside the right one."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, Callable, Union, final

import numpy as np

from gluonbook.exercises.exercise import Exercise, Hint, Mistake

Case = tuple  # what a trial is given after the answer
Parts = dict[str, Any]  # what a trial has shown, in the order in which it is looked at
Words = Union[str, Callable[..., str]]
RESULT = "result"  # the part of a trial that shows one thing only

_RTOL, _ATOL = 1e-5, 1e-8  # numpy's own


def call(answer: Callable[..., Any], *case: Any) -> Any:
    """The plainest trial: what the answer returns for the case."""
    return answer(*case)


@final
class Tried(Exercise):
    """An answer is right if it shows what the right one shows, on each case.

    A wrong one is told by the first part of the first case that it gets wrong: by the first mistake that shows the same
    as the answer up to that part, on all cases, or by what is said `otherwise`.
    """

    def __init__(
        self,
        name: str,
        right: Any,
        cases: Sequence[Case] | Callable[[], Iterable[Case]],
        mistakes: Sequence[Mistake] = (),
        *,
        otherwise: Words | Mapping[str, Words],
        trial: Callable[..., Any] = call,
        form: Callable[[Any], None] | None = None,
        besides: Callable[[Any], None] | None = None,
        rtol: float | Mapping[str, float] = _RTOL,
        atol: float = _ATOL,
    ) -> None:
        """
        Args:
            right: the right answer.
            cases: tuples of what `trial` gets after the answer, or a function that makes them, where that takes time.
                Each trial gets copies.
            mistakes: wrong answers, which are tried as the reader's is. A hint may hold fields in braces: the case by
                the names that `trial` gives its arguments (those of `right`, where it is only called), `given` and
                `right` for what the two show, and `part`.
            otherwise: the hint for all other answers, with such fields, or a function of some of them, by their names;
                one for all parts, or one for each.
            trial: tries an answer on a case, and returns what is compared, or a dict of it by parts. It may raise Hint
                for what cannot be compared.
            form: raises Hint for an answer that cannot be tried, such as an instance instead of a class.
            besides: raises Hint for an answer that is right on all cases, and still is not.
            rtol, atol: relative and absolute tolerance for numbers that are not whole, as of `numpy.allclose`; rtol may
                have one for each part.
        """
        super().__init__(name, right)
        self._cases = cases
        self._mistakes = tuple(mistakes)
        self._otherwise = otherwise
        self._trial = trial
        self._form = form
        self._besides = besides
        self._rtol = rtol
        self._atol = atol

    def judge(self, answer: Any) -> None:
        if self._form:
            self._form(answer)
        cases = self._all_cases()
        for case in cases:
            given, right = self._try(answer, case), self._try(self.right, case)
            if part := next((part for part in right if not self._same(part, given, right)), None):
                raise Hint(self._told(answer, part, cases, self._fields(case, part, given, right)))
        if self._besides:
            self._besides(answer)

    def wrong(self) -> Iterator[tuple[Any, str]]:
        yield from ((answer, mistake.hint) for mistake in self._mistakes for answer in mistake.answers)

    def told_apart(self, one: Any, other: Any) -> bool:
        """Whether two answers show something different on some case."""
        cases = self._all_cases()
        parts = list(self._try(self.right, cases[0]))
        return not self._agree(parts, self._shown(one, cases), self._shown(other, cases))

    def _all_cases(self) -> list[Case]:
        return list(self._cases() if callable(self._cases) else self._cases)

    def _try(self, answer: Any, case: Case) -> Parts:
        shown = self._trial(answer, *copy.deepcopy(case))
        return shown if isinstance(shown, dict) else {RESULT: shown}

    def _told(self, answer: Any, part: str, cases: Sequence[Case], fields: dict[str, Any]) -> str:
        shown, parts = self._shown(answer, cases), list(self._try(self.right, cases[0]))
        looked_at = parts[: parts.index(part) + 1]
        for mistake in self._mistakes:
            if any(self._agree(looked_at, self._shown(wrong, cases), shown) for wrong in mistake.answers):
                return mistake.hint.format(**fields)
        words = self._otherwise[part] if isinstance(self._otherwise, Mapping) else self._otherwise
        try:
            if isinstance(words, str):
                return words.format(**fields)
            return words(**{name: fields[name] for name in inspect.signature(words).parameters})
        except Exception:  # they are made for results of the right kind
            kind = type(fields["right"]).__name__
            return f"Something like a {kind} should come out, and not {fields['given']!r:.60}."

    def _shown(self, answer: Any, cases: Sequence[Case]) -> list[Parts]:
        return [self._seen(answer, case) for case in cases]

    def _agree(self, parts: Sequence[str], one: Sequence[Parts], other: Sequence[Parts]) -> bool:
        """Whether both have shown the same in these parts, on all cases; to fail in the same way is the same."""
        return all(self._same(part, *both) for both in zip(one, other) for part in parts)

    def _seen(self, answer: Any, case: Case) -> Parts:
        try:
            return self._try(answer, case)
        except Exception as error:
            return {"raised": f"{type(error).__name__}: {error}"}

    def _same(self, part: str, given: Parts, right: Parts) -> bool:
        if (part in given) != (part in right):
            return False
        rtol = self._rtol.get(part, _RTOL) if isinstance(self._rtol, Mapping) else self._rtol
        return alike(given.get(part, given), right.get(part, right), rtol, self._atol)

    def _fields(self, case: Case, part: str, given: Parts, right: Parts) -> dict[str, Any]:
        if self._trial is call:
            named = inspect.signature(self.right).bind(*case).arguments
        else:
            named = inspect.signature(self._trial).bind(None, *case).arguments
        return {**named, "part": part, "given": given[part], "right": right[part]}


def alike(given: Any, right: Any, rtol: float = _RTOL, atol: float = _ATOL) -> bool:
    """Whether two results are equal: whole numbers exactly, other numbers within tolerances, lists item by item."""
    given, right = _plain(given), _plain(right)
    if isinstance(right, dict):
        return (
            isinstance(given, dict)
            and given.keys() == right.keys()
            and all(alike(given[key], right[key], rtol, atol) for key in right)
        )
    if isinstance(right, (tuple, list)):
        return (
            isinstance(given, (tuple, list))
            and len(given) == len(right)
            and all(alike(one, other, rtol, atol) for one, other in zip(given, right))
        )
    if not isinstance(right, (np.ndarray, Real, np.bool_)):
        return type(given) is type(right) and bool(given == right)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.VisibleDeprecationWarning)
            numbers, right = np.asarray(given), np.asarray(right)
    except (ValueError, np.VisibleDeprecationWarning):  # of lists of different lengths no array can be made
        return False
    if numbers.dtype.kind not in "biuf" or numbers.shape != right.shape:
        return False
    if right.dtype.kind in "biu":
        return np.array_equal(numbers, right)
    return bool(np.allclose(numbers, right, rtol, atol, equal_nan=True))


def _plain(value: Any) -> Any:
    return value.asnumpy() if hasattr(value, "asnumpy") else value
