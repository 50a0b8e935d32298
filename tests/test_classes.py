"""The rule of the house for classes: each is abstract or final, and nobody overrides what is finished.

Abstract is a protocol, and a class with an abstract method, its own or one that it has not filled in. All others are
final; only exceptions, which one subclasses to catch less, and enumerations, which Python itself keeps closed, need not
say so. A constructor may be extended.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field

import pytest

from sources import MODULES, parsed


@dataclass(frozen=True)
class Class:
    """What a class statement says, with the full names of those of its bases that are the package's own."""

    name: str
    bases: tuple[str, ...]
    final: bool
    abstract: frozenset[str] = field(repr=False)
    concrete: frozenset[str] = field(repr=False)


def names(tree: ast.Module, module: str) -> dict[str, str]:
    """The full name of what a module imports or defines, by the name that it has there."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.ClassDef):
            found[node.name] = f"{module}.{node.name}"
    return found


def classes(trees: dict[str, ast.Module]) -> dict[str, Class]:
    known = {module: names(tree, module) for module, tree in trees.items()}

    def full(text: str, module: str) -> str:
        """The name of a class where it is defined, whatever `__init__` it has been imported through."""
        first, _, rest = text.partition(".")
        name = ".".join(filter(None, [known[module].get(first, first), rest]))
        outer, _, last = name.rpartition(".")
        return full(last, outer) if outer in known and outer != module and last in known[outer] else name

    found = {}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            methods = [item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
            abstract = {
                method.name for method in methods if "abstractmethod" in map(ast.unparse, method.decorator_list)
            }
            found[f"{module}.{node.name}"] = Class(
                name=f"{module}.{node.name}",
                bases=tuple(full(ast.unparse(base), module) for base in node.bases),
                final="final" in map(ast.unparse, node.decorator_list),
                abstract=frozenset(abstract),
                concrete=frozenset({method.name for method in methods} - abstract),
            )
    return found


def faults(found: dict[str, Class]) -> list[str]:
    """What breaks the rule, a sentence each."""

    def ancestors(one: Class) -> list[Class]:
        bases = [found[base] for base in one.bases if base in found]
        return [*bases, *(further for base in bases for further in ancestors(base))]

    def open_methods(one: Class) -> set[str]:
        inherited = set().union(*(open_methods(found[base]) for base in one.bases if base in found))
        return (inherited - one.concrete) | one.abstract

    def is_exempt(one: Class) -> bool:
        if any(is_exempt(base) for base in ancestors(one)):
            return True
        kinds = [getattr(builtins, base, None) for base in one.bases]
        raised = any(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds)
        return raised or any(base.endswith(("Error", ".Enum")) for base in one.bases)

    told = []
    for one in found.values():
        if is_exempt(one):
            continue
        if one.final and open_methods(one):
            told.append(f"{one.name} is final, and lacks {', '.join(sorted(open_methods(one)))}")
        is_protocol = any(base.endswith("Protocol") for base in one.bases)
        if not (one.final or open_methods(one) or is_protocol):
            told.append(f"{one.name} is neither abstract nor final")
        for base in ancestors(one):
            if base.final:
                told.append(f"{one.name} is made of {base.name}, which is final")
            if again := (one.concrete & base.concrete) - {"__init__"}:
                told.append(f"{one.name} overrides {', '.join(sorted(again))} of {base.name}")
    return told


def test_every_class_is_abstract_or_final_and_nothing_finished_is_overridden():
    assert faults(classes({module: parsed(module) for module in MODULES})) == []


BASE = """
class Base(ABC):
    @abstractmethod
    def part(self): ...

    def whole(self): ...
"""


@pytest.mark.parametrize(
    ("text", "fault"),
    {
        "class A: ...": "m.A is neither abstract nor final",
        "@final\n@dataclass\nclass A: ...\nclass B(A): ...": "m.B is made of m.A, which is final",
        f"{BASE}@final\nclass A(Base): ...": "m.A is final, and lacks part",
        f"{BASE}class A(Base):\n    def part(self): ...": "m.A is neither abstract nor final",
        f"{BASE}@final\nclass A(Base):\n    def whole(self): ...": "m.A overrides whole of m.Base",
    }.items(),
)
def test_what_breaks_the_rule_is_told(text, fault):
    assert fault in faults(classes({"m": ast.parse(text)}))


def test_what_keeps_the_rule_is_left_alone():
    text = f"""
class Wrong(ValueError): ...
class VeryWrong(Wrong): ...
class Kind(enum.Enum): ...
class Shape(typing.Protocol):
    def area(self): ...
{BASE}
class Half(Base):
    @abstractmethod
    def rest(self): ...
    def part(self): ...
@final
class A(Half):
    def __init__(self): ...
    def rest(self): ...
"""
    assert faults(classes({"m": ast.parse(text)})) == []


def test_a_base_is_known_through_the_package_that_hands_it_on():
    trees = {
        "p": ast.parse("from p.inner import Base"),
        "p.inner": ast.parse(BASE),
        "q": ast.parse("from p import Base as Frame\nclass A(Frame):\n    def whole(self): ..."),
    }
    assert "q.A overrides whole of p.inner.Base" in faults(classes(trees))
