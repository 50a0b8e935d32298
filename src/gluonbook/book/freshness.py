"""What an executed chapter depends on beside its own cells, and what the site depends on beside the chapters.

jupyter-cache tells two notebooks apart by their code cells and kernel. That is not enough: a page must never show what
the code no longer does. So a chapter has a *state*, a hash of all else that decides what its cells print, and for each
of its states a cache folder of its own, in which jupyter-cache works.

The state is the chapter's alone: it changes with the locks, the installed versions and the profile, which are
everybody's, and with those files of the package and those data that this chapter uses (see `uses`), and no others.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.uses import Package, Uses, of_chapter
from gluonbook.machine import facts
from gluonbook.profiles import profile
from gluonbook.storage.text import read_text

_RUNNERS = ("book/execute.py",)  # no chapter imports it, but it decides in which environment they all run


def states(book: Book, chapters: Iterable[Chapter]) -> dict[str, str]:
    """The present state of each chapter, by its name."""
    package = Package(book.root)
    common = [*sorted((book.root / "requirements").glob("*.txt")), *(package.folder / name for name in _RUNNERS)]
    here = (profile(), facts.versions())
    found = {}
    for chapter in chapters:
        uses = of_chapter(chapter.text())
        files = [file for file in [*common, *package.files(uses)] if file.exists()]
        found[chapter.name] = digest(book.root, files, *here, *_data(book, chapter, uses))
    return found


def _data(book: Book, chapter: Chapter, uses: Uses) -> tuple[dict, str]:
    """What the manifest says of the data sets that a chapter names, and where real data are taken from."""
    manifest = json.loads(read_text(book.root / "data/manifest.json"))
    named = manifest if uses.unclear else {*chapter.needs, *uses.strings} & set(manifest)
    return {name: manifest[name] for name in named}, os.environ.get("GLUONBOOK_DATA", "") if chapter.needs else ""


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
    return [*files, *_files(root / "chapters"), *_files(root / "src/gluonbook")]  # whose docstrings are pages, too


def _files(folder: Path) -> list[Path]:
    skipped = {"__pycache__", ".ipynb_checkpoints"}
    return sorted(file for file in folder.rglob("*") if file.is_file() and not skipped & set(file.parts))
