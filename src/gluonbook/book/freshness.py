"""What an executed chapter depends on beside its own cells.

jupyter-cache tells two notebooks apart by their code cells and kernel. That is not enough: a page must never show what
the code no longer does. So each state of the package, the locks, the data manifest, the profile and the interpreter
gets a cache folder of its own, and jupyter-cache works inside it.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from gluonbook.profiles import profile


def key(root: Path) -> str:
    """The hash of all that decides what the chapters' cells print, the cells themselves apart."""
    digest = hashlib.sha256()
    for part in (profile().name, platform.python_version(), os.environ.get("GLUONBOOK_DATA", "")):
        digest.update(part.encode() + b"\0")
    for file in _files(root):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def tooling(root: Path) -> str:
    """The hash of the code that builds the pages from executed chapters."""
    digest = hashlib.sha256()
    for file in sorted((root / "src/gluonbook/book").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterable[Path]:
    """The package without the book's tooling, which no chapter imports; the locks; the data manifest."""
    package = root / "src/gluonbook"
    yield from sorted(file for file in package.rglob("*.py") if package / "book" not in file.parents)
    yield from sorted((root / "requirements").glob("*.txt"))
    yield root / "data/manifest.json"
