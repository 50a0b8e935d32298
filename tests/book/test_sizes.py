"""The sizes that chapters name for themselves: each can be made in every profile, and each is used."""

from __future__ import annotations

import re

import jupytext
import pytest

from gluonbook.book.chapters import Book, Chapter
from gluonbook.profiles import NAMES, VARIABLE, Sizes


def code(chapter: Chapter) -> list[str]:
    return [cell.source for cell in jupytext.read(chapter.path, fmt="md:myst").cells if cell.cell_type == "code"]


def makes(cell: str) -> bool:
    return re.search(r"^size = sizes\(", cell, re.MULTILINE) is not None


def used(cell: str) -> set[str]:
    return set(re.findall(r"(?<![.\w])size\.(\w+)", cell))


CODE = {chapter.key: code(chapter) for chapter in Book.here().running}
SIZED = [name for name, cells in CODE.items() if any(makes(cell) or used(cell) for cell in cells)]


def test_there_are_such_chapters():
    assert {"gluon/imperative_symbolic", "convnets/lenet", "multi_gpu/kvstore", "signum/benchmarks"} <= set(SIZED)


@pytest.mark.parametrize("name", SIZED)
def test_one_cell_makes_them_in_every_profile_and_later_ones_use_them_all(name, monkeypatch):
    (place,) = (place for place, cell in enumerate(CODE[name]) if makes(cell))
    named = {}
    for profile in NAMES:
        monkeypatch.setenv(VARIABLE, profile)
        exec(CODE[name][place], scope := {})
        assert isinstance(scope["size"], Sizes)
        named[profile] = set(vars(scope["size"]))
    assert not any(map(used, CODE[name][:place]))
    assert set().union(*map(used, CODE[name])) == named["quick"] == named["ci"] == named["full"]


@pytest.mark.parametrize("profile", NAMES)
def test_the_front_matter_says_which_data_a_chapter_takes(profile, monkeypatch):
    monkeypatch.setenv(VARIABLE, profile)
    taken = {name: set(re.findall(r'digits_or\("(\w+)"\)', "\n".join(cells))) for name, cells in CODE.items()}
    needed = {chapter.key: set(chapter.needs) for chapter in Book.here().running}
    assert needed == {name: set() if profile == "quick" else data for name, data in taken.items()}
