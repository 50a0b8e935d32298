"""Compiled code that is kept: whatever happens to it, kernels compute, and what was damaged is made anew."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Callable

import numba
import pytest

from disks import small_disk
from gluonbook.kernels.cache import Cache
from troubles import ERRNOS, refusal, refuse

SOURCE = """
from numba import types
from gluonbook.kernels.compiler import callback, compiled

@compiled
def twice(x):
    return x + x

@callback(types.void(types.voidptr))
def nothing(x):
    pass
"""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that numba is told to use; it is not there yet."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setitem(sys.modules, "tiny", None)  # and so it is gone afterwards
    (tmp_path / "tiny.py").write_text(SOURCE)
    return tmp_path / "kept"


def another_process(kept: Path) -> ModuleType:
    """The functions as a process has them that has compiled nothing yet."""
    spec = importlib.util.spec_from_file_location("tiny", kept.with_name("tiny.py"))
    sys.modules["tiny"] = module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spec.loader.exec_module(module)
    return module


def computed(module: ModuleType) -> str:
    """How the module came to a right result: "compiled" or "loaded"."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert module.twice(21) == 42 and module.nothing.address
    hits = {sum(module.twice.stats.cache_hits.values()), module.nothing.cache_hits}
    return {0: "compiled", 1: "loaded"}[hits.pop()] if len(hits) == 1 else "both"


def files(kept: Path) -> list[Path]:
    return [path for path in kept.rglob("*") if not path.is_dir() or path.suffix == ".nbc"]


def test_what_one_process_has_compiled_others_load(kept):
    assert computed(another_process(kept)) == "compiled"
    assert [path.suffix for path in files(kept)] == [".nbc"] * 2
    assert computed(another_process(kept)) == "loaded"


def test_processes_that_compile_different_signatures_at_once_keep_all(kept):
    first, second = another_process(kept), another_process(kept)
    assert (first.twice(1), second.twice(1.5)) == (2, 3.0)
    third = another_process(kept)
    assert (third.twice(2), third.twice(2.5)) == (4, 5.0)
    assert sum(third.twice.stats.cache_hits.values()) == 2


def turned(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_link(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def as_of_another_numba(path: Path) -> None:
    """What numba's own cache writes under such a name."""
    path.write_bytes(b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00\x8c\x060.57.0\x94.")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut in the seal": lambda path: os.truncate(path, 10),
    "cut after the seal": lambda path: os.truncate(path, 32),
    "cut": lambda path: os.truncate(path, 300),
    "the last block is zeros": lambda path: path.write_bytes(path.read_bytes()[:-512] + bytes(512)),
    "all zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "one bit of the seal": lambda path: path.write_bytes(turned(path.read_bytes(), 0)),
    "one bit of the pickle": lambda path: path.write_bytes(turned(path.read_bytes(), 40)),
    "one bit of the code": lambda path: path.write_bytes(turned(path.read_bytes(), -400)),
    "something added": lambda path: path.write_bytes(path.read_bytes() + b"."),
    "text": lambda path: path.write_text("<html>"),
    "of another numba": as_of_another_numba,
    "gone": Path.unlink,
    "a folder in its place": as_folder,
    "a dangling link": lambda path: as_link(path, "nowhere"),
    "a link to itself": lambda path: as_link(path, path.name),
    "of another function": lambda path: [shutil.copy(other, path) for other in files(path.parent) if other != path][:1],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_compiled_and_kept_anew(kept, damage):
    computed(another_process(kept))
    for path in files(kept):
        DAMAGES[damage](path)
    assert computed(another_process(kept)) in ("both" if damage == "of another function" else "compiled", "compiled")
    again = computed(another_process(kept))
    assert again == ("compiled" if damage == "a folder in its place" else "loaded")


def test_a_source_that_has_changed_is_compiled_anew(kept):
    computed(another_process(kept))
    # Longer, too: Python's own cache goes by size and second.
    kept.with_name("tiny.py").write_text(SOURCE.replace("x + x", "x - x + 0 * x"))
    assert another_process(kept).twice(21) == 0


def test_what_another_numba_has_compiled_is_not_loaded(kept, monkeypatch):
    computed(another_process(kept))
    with monkeypatch.context() as patch:
        patch.setattr(numba, "__version__", "0.57.0")
        assert computed(another_process(kept)) == "compiled"
    assert len(files(kept)) == 2


@pytest.mark.parametrize("operation", ["read_bytes", "write_bytes", "replace", "unlink"])
def test_no_trouble_of_the_disk_is_an_error(kept, monkeypatch, operation):
    function = another_process(kept).twice
    assert function(21) == 42
    (signature,), (compiled,) = function.overloads, function.overloads.values()
    for trouble in [
        *map(refusal, ERRNOS),
        MemoryError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        EOFError(),
    ]:
        with monkeypatch.context() as patch:
            refuse(patch, Path, operation, trouble)
            function._cache.save_overload(signature, compiled)
            found = function._cache.load_overload(signature, function.targetctx)
        assert (found is None) == (operation == "read_bytes")
    assert operation == "unlink" or len(files(kept)) == 2, "something is left"


STATES: dict[str, Callable[[Path], object]] = {
    "a file in its place": Path.touch,
    "a link to nowhere": lambda kept: kept.symlink_to("nowhere/at/all"),
    "a link to itself": lambda kept: kept.symlink_to(kept.name),
}


class TestFolder:
    """What may become of the folder, before a process begins and between its beginning and its first kernel."""

    @pytest.mark.parametrize("state", STATES)
    def test_one_that_is_none(self, kept, state, monkeypatch):
        STATES[state](kept)
        monkeypatch.setenv("XDG_CACHE_HOME", str(kept))
        assert another_process(kept).twice(21) == 42

    def test_one_that_vanishes_is_made_again(self, kept):
        module = another_process(kept)
        shutil.rmtree(kept)
        assert module.twice(21) == 42
        again = another_process(kept)
        assert again.twice(21) == 42 and sum(again.twice.stats.cache_hits.values()) == 1

    def test_one_that_becomes_a_file(self, kept):
        module = another_process(kept)
        shutil.rmtree(kept)
        kept.touch()
        assert module.twice(21) == 42

    def test_a_disk_that_is_full(self, kept):
        with small_disk(kept, "8k"):
            assert another_process(kept).twice(21) == 42
            assert [path for path in files(kept) if path.suffix != ".nbc"] == []

    @pytest.mark.parametrize(
        "trouble", [OSError("closed"), RuntimeError("no locator"), ValueError("null byte")], ids=str
    )
    def test_none_that_numba_likes(self, kept, monkeypatch, trouble):
        refuse(monkeypatch, Cache, "__init__", trouble)
        assert computed(another_process(kept)) == "compiled"
