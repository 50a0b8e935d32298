"""The rules of the house that hold for the whole package: which module may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from sources import MODULES, parsed

Graph = dict[str, set[str]]


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """The modules of the package that a module imports, wherever in its text.

    Importing `gluonbook.a.b` runs `gluonbook.a`, too: that is an import of it for whoever is not inside of it.
    """
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports say the whole name of what they import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            found = name if name in MODULES else name.rpartition(".")[0]
            if found not in MODULES or found == "gluonbook":
                continue
            yield found
            yield from (outer for outer in packages(found) if outer != module and outer not in packages(module))


def packages(module: str) -> list[str]:
    """The packages around a module, without the outermost one."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(2, len(parts))]


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def circle(graph: Graph) -> list[str]:
    """A circle in the graph, as a path from a node to itself; none: []."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.fixture(scope="module")
def modules() -> Graph:
    return {name: set(imports(name, parsed(name))) for name in MODULES}


@pytest.fixture(scope="module")
def rooms(modules: Graph) -> Graph:
    found: Graph = {}
    for name, imported in modules.items():
        found.setdefault(room(name), set()).update({room(other) for other in imported} - {room(name)})
    del found["gluonbook"]  # its own `__init__`, which looks at the machine before anything else is imported
    return found


def test_no_module_is_imported_by_what_it_imports(modules):
    assert circle(modules) == []


def test_no_room_is_used_by_what_it_uses(rooms):
    assert circle(rooms) == []


class TestTheGraph:
    """What the two tests above rest on."""

    @pytest.mark.parametrize(
        ("text", "found"),
        {
            "import gluonbook.paths": {"gluonbook.paths"},
            "def late():\n    from gluonbook.book import site": {"gluonbook.book", "gluonbook.book.site"},
            "if TYPE_CHECKING:\n    from gluonbook.kvstore import MPILink": {"gluonbook.kvstore"},
            "from gluonbook.launch.logs import tail": {"gluonbook.launch.logs"},
            "import numpy as np; from gluonbook import __version__": set(),
        }.items(),
    )
    def test_every_import_counts_and_so_does_that_of_a_package_around_it(self, text, found):
        assert set(imports("gluonbook.launch.launcher", ast.parse(text))) == found

    def test_a_circle_is_found(self):
        assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
        assert sorted(circle({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == ["b", "b", "c"]


def test_a_rank_imports_nothing_of_the_launcher():
    """Neither the supervisor nor psutil, which finds the processes of a run: that is the launcher's side alone."""
    code = """
import sys, gluonbook.rank.heartbeat, gluonbook.rank.lifeline, gluonbook.rank.ending
print([name for name in sys.modules if name.startswith(("gluonbook.launch", "psutil"))])
import gluonbook.checkpoint, gluonbook.kvstore
print([name for name in sys.modules if name.startswith("gluonbook.launch")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]


def test_the_commands_of_the_book_do_not_wait_for_mxnet():
    """Loading it takes half of the time of a command that has nothing to execute."""
    code = "import sys, gluonbook.book.__main__; sys.exit('mxnet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
