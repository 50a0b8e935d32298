"""What an executed chapter depends on beside its own cells, and what the site depends on beside the chapters.

jupyter-cache tells two notebooks apart by their code cells and kernel. That is not enough: a page must never show what
the code no longer does. So each state of the package, the locks, the installed versions, the data and the profile gets
a cache folder of its own, and jupyter-cache works inside it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from gluonbook.machine import facts
from gluonbook.profiles import profile

_BUILDERS = ("book",)  # folders of the package that no chapter imports
_DECIDING = ("book/execute.py",)  # ... but it decides in which environment they run


def key(root: Path) -> str:
    """The hash of all that decides what the chapters' cells print, the cells themselves apart."""
    package = root / "src/gluonbook"
    builders = [package / name for name in _BUILDERS]
    files = [file for file in _files(package) if not any(builder in file.parents for builder in builders)]
    files += [package / name for name in _DECIDING if (package / name).exists()]
    files += [*sorted((root / "requirements").glob("*.txt")), root / "data/manifest.json"]
    files += sorted((root / "benchmarks/results").glob("*.json*"))  # chapters draw them
    return digest(root, files, profile(), facts.versions(), os.environ.get("GLUONBOOK_DATA", ""))


def digest(root: Path, files: Iterable[Path], *others: object) -> str:
    """One hash of files, by name and content, and of other things that JSON can hold."""
    found = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for file in files:
        found.update(f"\0{file.relative_to(root)}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def site_files(root: Path) -> list[Path]:
    """The files that decide how the site looks."""
    names = ("_toc.yml", "_config.yml", "CHANGELOG.md")
    files = [root / name for name in names if (root / name).exists()]
    return [*files, *_files(root / "chapters"), *_files(root / "src/gluonbook/book")]


def _files(folder: Path) -> list[Path]:
    skipped = {"__pycache__", ".ipynb_checkpoints"}
    return sorted(file for file in folder.rglob("*") if file.is_file() and not skipped & set(file.parts))
