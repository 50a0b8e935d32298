"""Stubs: which answers are still open, and that each exercise that wants a function has one in its chapter."""

from __future__ import annotations

import ast
import inspect
from functools import cache

import jupytext
import numba
import pytest

from gluonbook.book.chapters import Book
from gluonbook.exercises.catalogue import catalogue
from gluonbook.exercises.stubs import unanswered

CODE = (ast.FunctionDef, ast.ClassDef)
PAGES = {chapter.key: chapter.path for chapter in Book.here().chapters}
ALL = [pytest.param(chapter, one, id=f"{name}/{one.name}") for name, chapter in catalogue().items() for one in chapter]


def dots(x, *, y=2): ...


def documented(x):
    """What it does."""
    ...


def documented_only(x):
    """What it does."""


def says_none(x):
    # A comment is no answer either.
    return None


def closing_over(x=dots):
    def inner():
        return inner

    return inner


def answered(x):
    return x


def raising(x):
    raise NotImplementedError


def working(x):
    x[:] = 0


class Stub:
    """What it is."""

    kind = "stub"

    def __init__(self, x): ...

    def made(self):
        """What it does."""
        ...


class Begun(Stub):
    def __init__(self, x):
        self.x = x

    def made(self): ...


class Registered(Stub):
    pass


@pytest.mark.parametrize(
    "answer",
    [
        ...,
        dots,
        documented,
        documented_only,
        says_none,
        Stub,
        numba.njit(dots),
        (answered, dots),
        (..., answered),
        Stub.made,
    ],
)
def test_what_has_no_body_is_open(answer):
    assert unanswered(answer)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        0,
        (),
        "...",
        answered,
        raising,
        working,
        closing_over,
        lambda x: None,
        Begun,
        Registered,
        Stub(1),
        numba.njit(answered),
        (answered, working),
        print,
        int,
    ],
)
def test_what_somebody_has_written_is_not(answer):
    assert not unanswered(answer)


@cache
def asking(chapter: str) -> list[str]:
    """The cells of a chapter that ask for an answer."""
    cells = jupytext.read(PAGES[chapter], fmt="md:myst").cells
    return [cell.source for cell in cells if "exercise" in cell.metadata.get("tags", [])]


def wanted(right) -> list:
    """The functions and classes that an answer is made of; none if it is a value."""
    parts = right if isinstance(right, tuple) else (right,)
    return [one for one in parts if inspect.isclass(one) or inspect.isfunction(one) or hasattr(one, "py_func")]


def signature(function: ast.FunctionDef) -> tuple[list[str], list[str]]:
    """The names of the arguments, and the defaults of the last ones."""
    given = function.args
    assert not (given.posonlyargs or given.kwonlyargs or given.vararg or given.kwarg)
    return [one.arg for one in given.args], [ast.unparse(default) for default in given.defaults]


def signature_of(function) -> tuple[list[str], list[str]]:
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters], [repr(one.default) for one in parameters if one.default is not one.empty]


def is_open(function: ast.FunctionDef, documented: bool) -> bool:
    *before, last = function.body
    texts = [line for line in before if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)]
    return isinstance(last, ast.Expr) and last.value.value is ... and len(texts) == len(before) == documented


@pytest.mark.parametrize(("chapter", "exercise"), ALL)
def test_a_chapter_hands_out_a_stub_for_each_function_and_dots_for_each_value(chapter, exercise):
    (tree,) = (ast.parse(cell) for cell in asking(chapter.chapter) if f'check("{exercise.name}"' in cell)
    call = tree.body[-1].value
    given = call.args[1].elts if isinstance(call.args[1], ast.Tuple) else call.args[1:]
    parts = wanted(exercise.right)
    if not parts:
        assert [one.value for one in given] == [...]
        return
    stubs = {stub.name: stub for stub in tree.body if isinstance(stub, CODE)}
    assert [one.id for one in given] == list(stubs) and len(stubs) == len(parts)
    for right, stub in zip(parts, stubs.values()):
        if isinstance(stub, ast.FunctionDef):
            assert signature(stub) == signature_of(right) and stub.name == right.__name__
            assert is_open(stub, documented=True)
            continue
        assert inspect.isclass(right) and ast.get_docstring(stub)
        methods = {method.name: method for method in stub.body if isinstance(method, ast.FunctionDef)}
        theirs = {name: vars(right)[name] for name in methods}
        assert [name for name, method in vars(right).items() if inspect.isfunction(method)] == [
            name for name, method in theirs.items() if inspect.isfunction(method)
        ]
        for name, method in theirs.items():
            if inspect.isfunction(method):
                assert signature(methods[name]) == signature_of(method)
                assert is_open(methods[name], documented=False)
