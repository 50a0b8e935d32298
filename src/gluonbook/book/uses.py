"""What a chapter uses of the checkout: modules of the package, and files, found by reading. Nothing is imported or run.

Counted are all imports, those inside functions too; scripts that cells write; names of modules such as
`gluonbook.rank.part` inside strings, by which processes are started; and paths of the checkout inside strings. A module
that imports what cannot be read off it uses its whole room, and a cell that does so, all of the package.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import final

import jupytext
from IPython.core.inputtransformer2 import TransformerManager

from gluonbook.storage.text import read_text

NAME = "gluonbook"
# They build the book, and look at the machine: no chapter is made of them, unless it imports them.
BUILDERS = (f"{NAME}.book", f"{NAME}.doctor")
_DYNAMIC = {"import_module", "iter_modules", "run_module", "run_path", "spec_from_file_location", "walk_packages"}
_DYNAMIC_BUILTINS = {"__import__", "eval", "exec"}
_IN_OTHER_LANGUAGES = {"bash", "html", "javascript", "js", "latex", "markdown", "script", "sh", "svg", "system"}
_DOTTED = re.compile(rf"\b{NAME}(?:\.\w+)+(?![\w.])")
_IMPORTED = re.compile(rf"\bfrom\s+({NAME}(?:\.\w+)*)\s+import\s+\(?([\w\s,]+)")


@final
@dataclass(frozen=True)
class Uses:
    """What a piece of code uses: names below `gluonbook`, and strings that may be paths.

    `unclear` says that it imports, or runs, what cannot be read off it.
    """

    names: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()
    unclear: bool = False

    def __or__(self, other: Uses) -> Uses:
        return Uses(self.names | other.names, self.strings | other.strings, self.unclear or other.unclear)


@lru_cache(maxsize=1024)
def of_code(source: str) -> Uses:
    """What a module, or a script, uses.

    Raises:
        SyntaxError: it is no Python.
    """
    names: set[str] = set()
    strings: set[str] = set()
    unclear = False
    for node in _executed(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            unclear |= node.level > 0  # relative to what, only its place could tell; the house has none
            names.update({f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)})
        elif isinstance(node, ast.Name):
            unclear |= node.id in _DYNAMIC | _DYNAMIC_BUILTINS
        elif isinstance(node, ast.Attribute):
            unclear |= node.attr in _DYNAMIC
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
            names.update(_named(node.value))
    ours = {name for name in names if name.split(".")[0] == NAME}
    return Uses(frozenset(ours), frozenset(strings), unclear)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but what is there for readers and type checkers: docstrings, and `if TYPE_CHECKING`."""
    todo = [tree]
    while todo:
        node = todo.pop()
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if not (docstring or for_types):
            yield node
            todo += ast.iter_child_nodes(node)


@lru_cache(maxsize=256)
def of_chapter(text: str) -> Uses:
    """What the cells of a chapter use, and the scripts that they write. A cell that is no Python leaves it unclear."""
    cells = [cell.source for cell in jupytext.reads(text, fmt="md:myst").cells if cell.cell_type == "code"]
    scripts: dict[str, str] = {}
    try:
        found = [_of_cell(cell, scripts) for cell in cells]
        found += [of_code(script) for file, script in scripts.items() if file.endswith(".py")]
    except SyntaxError:
        return Uses(unclear=True)
    return _all(found)


def _of_cell(cell: str, scripts: dict[str, str]) -> Uses:
    """What one cell uses; a file that it writes, or goes on writing, is added to `scripts`."""
    code = TransformerManager().transform_cell(cell)
    found = of_code(code)
    for magic, line, body in _magics(code):
        if magic == "writefile":
            file = line.split()[-1]
            scripts[file] = (scripts.get(file, "") if "-a" in line.split() else "") + body
        elif magic == "run":
            found |= Uses(unclear=line.split()[0] not in scripts)
        elif body and magic not in _IN_OTHER_LANGUAGES:
            found |= _of_cell(body, scripts)
    return found


def _magics(code: str) -> Iterator[tuple[str, str, str]]:
    """The magics in what IPython makes of a cell: name, rest of the line, and the lines below it."""
    for node in ast.walk(ast.parse(code)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in ("run_line_magic", "run_cell_magic"):
            values = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            known = [value for value in values if isinstance(value, str)]
            if len(known) < len(node.args):
                raise SyntaxError("a magic of which only the program knows what it does")
            name, line, *body = known
            yield name, line, body[0] if body else ""


def _named(text: str) -> Iterator[str]:
    """The modules, and what is imported from them, of which a string speaks."""
    yield from _DOTTED.findall(text)
    for module, imported in _IMPORTED.findall(text):
        yield from (f"{module}.{name.split()[0]}" for name in imported.split(",") if name.strip())


def _all(found: Iterable[Uses]) -> Uses:
    together = Uses()
    for one in found:
        together |= one
    return together


@final
class Package:
    """The package as its files are now, in the checkout `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "src" / NAME
        self.modules = {self._name(file): file for file in sorted(self.folder.rglob("*.py"))}

    def files(self, uses: Uses) -> list[Path]:
        """All files on which code depends that uses this, closed over what these use themselves."""
        modules = self._closed(self._meant(uses.names) + (self._everything() if uses.unclear else []))
        strings = uses.strings.union(*(self._uses(module).strings for module in modules))
        return sorted({*(self.modules[name] for name in modules), *self._beside(modules), *self._named(strings)})

    def _closed(self, modules: list[str]) -> set[str]:
        found: set[str] = set()
        while modules:
            module = modules.pop()
            if module not in found:
                found.add(module)
                uses = self._uses(module)
                modules += self._meant(uses.names) + (self._room(module) if uses.unclear else [])
        return found

    def _uses(self, module: str) -> Uses:
        return of_code(read_text(self.modules[module]))

    def _meant(self, names: Iterable[str]) -> list[str]:
        """The modules among these names, and the packages around them, which Python executes first."""
        meant: set[str] = set()
        for name in names:
            parts = name.split(".")
            meant.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
        return [name for name in meant if name in self.modules]

    def _below(self, prefix: str) -> list[str]:
        return [name for name in self.modules if name.startswith(prefix)]

    def _room(self, module: str) -> list[str]:
        package = module if self.modules[module].name == "__init__.py" else module.rpartition(".")[0]
        return self._everything() if package == NAME else self._below(f"{package}.")

    def _everything(self) -> list[str]:
        return [name for name in self.modules if not name.startswith(BUILDERS)]

    def _beside(self, modules: Iterable[str]) -> Iterator[Path]:
        """What else lies in the rooms of these modules, such as CUDA sources; data have a rule of their own."""
        for folder in {self.modules[module].parent for module in modules}:
            others = (file for file in folder.iterdir() if file.suffix not in (".py", ".pyc") and file.is_file())
            yield from (file for file in others if file.name not in ("manifest.json", "py.typed"))

    def _named(self, strings: Iterable[str]) -> Iterator[Path]:
        """The files of the checkout that strings name, by a folder and a name at least."""
        for string in strings:
            path = Path(string)
            if len(path.parts) > 1 and len(string) < 200 and not path.is_absolute() and ".." not in path.parts:
                named = self.root / path
                yield from filter(Path.is_file, named.rglob("*") if named.is_dir() else [named])

    def _name(self, file: Path) -> str:
        parts = file.relative_to(self.folder.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
