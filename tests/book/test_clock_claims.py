"""Claims whose value a clock has measured say so, as far as the texts of the chapters tell.

A chapter's code is followed without being run, statement by statement: what a clock of `time` or of
`gluonbook.measure.timing` has given is marked, and so is what is made of it. Of a function it is known which of the
values that it returns are marked; of a list or a dictionary only whether its elements are, all alike.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Union

import jupytext
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from gluonbook.book.chapters import Book, Chapter

RUNNING = Book.here().running
CLOCKS = {"time": {"process_time", "perf_counter", "monotonic", "thread_time"}, "timing": {"fastest", "race"}}

Mark = Union[bool, tuple, list]  # a value; the values of a tuple; [the elements] of a list or a dictionary


def touched(mark: Mark) -> bool:
    return mark if isinstance(mark, bool) else any(touched(part) for part in mark)


def joined(one: Mark, other: Mark) -> Mark:
    """Of either value: what is marked in one of them."""
    if one == other or not touched(other):
        return one
    if not touched(one):
        return other
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return tuple(joined(*parts) for parts in zip(one, other))
    if isinstance(one, list) and isinstance(other, list):
        return [joined(element(one), element(other))]
    return True


def element(mark: Mark) -> Mark:
    """What a loop over the value gets."""
    if isinstance(mark, bool):
        return mark
    found: Mark = False
    for part in mark:
        found = joined(found, part)
    return found


class Follower:
    """The marks of names while a chapter's statements are followed; `claims` has (id, marked, says so)."""

    def __init__(self) -> None:
        self.names: dict[str, Mark] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.within: list[str] = []  # the functions that are being followed
        self.clocks: set[str] = set()  # that go by their own name
        self.claims: list[tuple[str, bool, bool]] = []

    def follow(self, statements: list[ast.stmt]) -> Mark:
        """Follow them, twice where they are repeated; the mark of what they return."""
        found: Mark = False
        for statement in statements:
            found = joined(found, self._statement(statement))
        return found

    def _statement(self, node: ast.stmt) -> Mark:
        if isinstance(node, ast.FunctionDef):
            self.functions[node.name] = node
            self._function(node, {})  # it may be called by others
        elif isinstance(node, ast.ImportFrom):
            clocks = CLOCKS.get((node.module or "").rpartition(".")[2], set())
            self.clocks.update(alias.asname or alias.name for alias in node.names if alias.name in clocks)
        elif isinstance(node, ast.Return) and node.value:
            return self.mark(node.value)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._give(target, self.mark(node.value))
        elif isinstance(node, ast.AugAssign):
            self._give(node.target, joined(self.mark(node.target), self.mark(node.value)))
        elif isinstance(node, ast.Expr):
            self.mark(node.value)
        elif isinstance(node, ast.For):
            for _ in range(2):
                self._give(node.target, element(self.mark(node.iter)))
                found = self.follow(node.body)
            return joined(found, self.follow(node.orelse))
        elif isinstance(node, (ast.If, ast.While)):
            return joined(self.follow(node.body), self.follow(node.orelse))
        elif isinstance(node, ast.With):
            return self.follow(node.body)
        elif isinstance(node, ast.Try):
            handled = [statement for handler in node.handlers for statement in handler.body]
            return self.follow([*node.body, *handled, *node.orelse, *node.finalbody])
        return False

    def _function(self, node: ast.FunctionDef, given: dict[str, Mark]) -> Mark:
        if node.name in self.within:
            return False
        kept, own = dict(self.names), {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
        for statement in ast.walk(node):
            if isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
                own.add(statement.id)
        self.names.update({name: given.get(name, False) for name in own})
        self.within.append(node.name)
        found = self.follow(node.body)
        self.within.pop()
        for name, mark in self.names.items():  # what it appends to a list of the chapter's stays
            if name not in own:
                kept[name] = mark
        self.names = kept
        return found

    def _give(self, target: ast.expr, mark: Mark) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = mark
        elif isinstance(target, (ast.Tuple, ast.List)):
            each = [element(mark)] * len(target.elts)
            parts = mark if isinstance(mark, tuple) and len(mark) == len(each) else each
            for part, its in zip(target.elts, parts):
                self._give(part, its)
        elif isinstance(target, ast.Starred):
            self._give(target.value, [mark])
        elif isinstance(target, ast.Subscript):
            self._keep(target.value, mark)

    def _keep(self, owner: ast.expr, mark: Mark) -> None:
        """The mark of one more element."""
        if isinstance(owner, ast.Name) and touched(mark):
            old = self.names.get(owner.id, False)
            self.names[owner.id] = old if old is True else [joined(element(old), mark)]

    def mark(self, node: ast.expr) -> Mark:
        if isinstance(node, ast.Name):
            return self.names.get(node.id, False)
        if isinstance(node, ast.Tuple):
            return tuple(self.mark(part) for part in node.elts)
        if isinstance(node, (ast.List, ast.Set)):
            return [element([self.mark(part) for part in node.elts])]
        if isinstance(node, ast.Dict):
            return [element([self.mark(part) for part in node.values])]
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            kept = dict(self.names)
            for clause in node.generators:
                self._give(clause.target, element(self.mark(clause.iter)))
            found = self.mark(node.value if isinstance(node, ast.DictComp) else node.elt)
            self.names = kept
            return [found]
        if isinstance(node, ast.Subscript):
            return self._part(self.mark(node.value), node.slice)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.IfExp):
            return joined(self.mark(node.body), self.mark(node.orelse))
        if isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "ndim"):
            return False
        return any(touched(self.mark(part)) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))

    def _part(self, mark: Mark, index: ast.expr) -> Mark:
        if isinstance(mark, list) and isinstance(index, ast.Tuple) and isinstance(index.elts[-1], ast.Constant):
            return self._part(element(mark), index.elts[-1])  # a column of an array
        if isinstance(mark, tuple):
            try:
                return mark[ast.literal_eval(index)]
            except (ValueError, IndexError, TypeError):
                return element(mark)
        return element(mark)

    def _called(self, node: ast.Call) -> Mark:
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        marks = [self.mark(argument) for argument in node.args]
        if name == "claim":
            says = any(keyword.arg == "clock" for keyword in node.keywords)
            self.claims.append((ast.unparse(node.args[0]).strip("'\""), touched(marks[2]), says))
        if name in CLOCKS.get(getattr(getattr(node.func, "value", None), "id", ""), ()):
            return True
        if isinstance(node.func, ast.Name) and name in self.clocks:
            return True
        if isinstance(node.func, ast.Name) and name in self.functions:
            function = self.functions[name]
            given = dict(zip((argument.arg for argument in function.args.args), marks))
            given.update({keyword.arg: self.mark(keyword.value) for keyword in node.keywords if keyword.arg})
            return self._function(function, given)
        if name == "len":
            return False
        if name == "zip" and node.args and isinstance(node.args[0], ast.Starred):
            rows = element(self.mark(node.args[0].value))
            return tuple([part] for part in rows) if isinstance(rows, tuple) else [[element(rows)]]
        if name == "zip":
            return [tuple(element(mark) for mark in marks)]
        if name == "enumerate":
            return [(False, element(marks[0]))]
        if isinstance(node.func, ast.Attribute):
            owner = self.mark(node.func.value)
            if name in ("append", "update", "setdefault", "extend"):
                self._keep(node.func.value, marks[-1] if name in ("append", "setdefault") else element(marks[-1]))
            if name == "items":
                return [(False, element(owner))]
            if name == "values":
                return [element(owner)]
            if name == "keys":
                return False
            marks.append(owner)
        marks += [self.mark(keyword.value) for keyword in node.keywords]
        if name in ("list", "sorted", "reversed", "dict", "array", "stack") and marks:
            return marks[0]
        return any(map(touched, marks))


def claims(*cells: str) -> list[tuple[str, bool, bool]]:
    """The claims of these cells: the id, whether its value is marked, and whether it says so."""
    follower = Follower()
    for cell in cells:
        follower.follow(ast.parse(TransformerManager().transform_cell(cell)).body)
    return follower.claims


@cache
def told(chapter: Chapter) -> list[tuple[str, bool, bool]]:
    cells = jupytext.read(chapter.path, fmt="md:myst").cells
    return claims(*(cell.source for cell in cells if cell.cell_type == "code"))


@pytest.mark.parametrize("chapter", [chapter for chapter in RUNNING if "claim(" in chapter.text()], ids=lambda c: c.key)
def test_claims_of_clocks_say_so(chapter):
    assert [id for id, marked, says in told(chapter) if marked and not says] == []


TIMED = """
import time
from gluonbook.measure.timing import race

def timed(work, *arguments):
    begun = time.process_time()
    found = work(*arguments)
    return found, time.process_time() - begun

def share(runs):
    return runs[0][1] / runs[1][1]
"""


@pytest.mark.parametrize(
    ("cell", "marked"),
    {
        'claim("a", "", time.process_time() - 3, "> 0")': True,
        'claim("a", "", timed(len, [])[1], "> 0")': True,
        'claim("a", "", timed(len, [])[0], "> 0")': False,
        'both = [timed(len, []) for _ in range(2)]\nclaim("a", "", share(both), "> 0")': True,
        'both = {k: timed(len, []) for k in (1, 2)}\nclaim("a", "", sum(n for n, _ in both.values()), "> 0")': False,
        'rows = []\nfor k in (1, 2):\n    rows.append(timed(len, []))\nclaim("a", "", rows[1][1], "> 0")': True,
        'rows = [timed(len, [])]\nlengths, took = zip(*rows)\nclaim("a", "", min(lengths), "> 0")': False,
        'rows = [timed(len, [])]\nlengths, took = zip(*rows)\nclaim("a", "", min(took), "> 0")': True,
        'both = np.array([timed(len, [])])\nclaim("a", "", both[-1, 0], "> 0")': False,
        'claim("a", "", race({"len": len}, 3)["len"].wall.min(), "> 0")': True,
        'took = timed(len, [])\ntook = 3\nclaim("a", "", took, "> 0")': False,
    }.items(),
)
def test_what_a_clock_has_given_is_followed(cell, marked):
    assert [found for _, found, _ in claims(TIMED, cell)] == [marked]


def test_most_of_those_that_say_so_are_seen():
    """Some come from other processes, of which a text tells nothing."""
    saying = [marked for chapter in RUNNING for _, marked, says in told(chapter) if says]
    assert sum(saying) >= len(saying) / 2
