"""Documents that are on every machine which can run this: the docstrings of installed packages."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from gluonbook.checks import whole_number


def docstrings(packages: Sequence[str], shortest: int = 40) -> tuple[list[str], np.ndarray]:
    """The docstrings of classes and functions with `shortest` words or more, and for each the index of its package.

    The files are parsed, not imported. Those of tests are left out, as is what Python cannot parse. A text that occurs
    several times counts once, for the first package that has it. The order is that of packages and of file names; in a
    file what is inside of something else comes later.

    Raises:
        ValueError: `packages` is a string instead of a list of them, or names what is not installed as a package, or
            `shortest` is no whole number from 1.
    """
    if isinstance(packages, str):
        raise ValueError(f"packages must be a list of names, got {packages!r}")
    shortest = whole_number("shortest", shortest, 1)
    folders = [_folder(package) for package in packages]
    found: dict[str, int] = {}
    for number, folder in enumerate(folders):
        for text in _texts(folder):
            if len(text.split()) >= shortest:
                found.setdefault(text, number)
    return list(found), np.array(list(found.values()), dtype=int)


def _folder(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package) if isinstance(package, str) and package.isidentifier() else None
    except ValueError:  # of what was not imported from a file, as `__main__`
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"packages must be installed, with a folder each; there is no {package!r}")
    return Path(spec.submodule_search_locations[0])


def _texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*.py")):
        if any("test" in part for part in file.relative_to(folder).parts):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of other people's escapes
                tree = ast.parse(file.read_bytes())  # which heeds the encoding that a file declares
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from filter(None, [ast.get_docstring(node)])
