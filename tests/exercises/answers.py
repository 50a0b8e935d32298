"""The two tests that each chapter's exercises have of their own: answers that readers may write, and their hints.

What an exercise itself declares, its right answer and its mistakes, `test_exercises.py` asks of all of them.
"""

from __future__ import annotations

from typing import Any, Callable

import pytest


def right_answers(*answers: tuple[str, Any]) -> Callable[..., None]:
    """A test that each of these pairs, an exercise and an answer, is right."""

    @pytest.mark.parametrize(("name", "answer"), answers)
    def test(verdict, name, answer):
        assert verdict(name, answer) == (True, "Solved: That is right.")

    return test


def hints(*answers: tuple[str, Any, str]) -> Callable[..., None]:
    """A test that each of these answers to an exercise is wrong, and is told something with these words in it."""

    @pytest.mark.parametrize(("name", "answer", "words"), answers)
    def test(verdict, name, answer, words):
        solved, what = verdict(name, answer)
        assert solved is False
        assert words in what

    return test
