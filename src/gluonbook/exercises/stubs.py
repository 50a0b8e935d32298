"""Stubs: functions and classes that a chapter hands out to be filled in, and whether somebody has."""

from __future__ import annotations

import dis
import inspect
from types import FunctionType
from typing import Any

_SAYS_NOTHING = {"RESUME", "NOP", "MAKE_CELL", "COPY_FREE_VARS"}  # what a body may do before it does anything


def unanswered(answer: Any) -> bool:
    """Whether the answer is still dots: `...`, a function or a class of functions without a body, or a pair with one.

    A body of nothing but a docstring, `...`, `pass` and `return None` is none. A lambda is somebody's answer.
    """
    if answer is ...:
        return True
    if isinstance(answer, tuple):
        return any(map(unanswered, answer))
    if inspect.isclass(answer):
        methods = [value for value in vars(answer).values() if isinstance(value, FunctionType)]
        return bool(methods) and all(map(_is_empty, methods))
    function = getattr(answer, "py_func", answer)  # numba keeps there what it has compiled
    return isinstance(function, FunctionType) and function.__name__ != "<lambda>" and _is_empty(function)


def _is_empty(function: FunctionType) -> bool:
    done = [(step.opname, step.argval) for step in dis.get_instructions(function) if step.opname not in _SAYS_NOTHING]
    return done == [("LOAD_CONST", None), ("RETURN_VALUE", None)]
