"""Where the package meets the disk: each such place has its own error with what helps, or goes on without."""

from __future__ import annotations

import ast
import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

import nbformat
import numpy as np
import pytest
from filelock import FileLock
from mxnet import gluon

import runs
from files import names
from gluonbook import checkpoint, study
from gluonbook.book import execute as executing
from gluonbook.book import site
from gluonbook.book.executions import Executed, Executions
from gluonbook.exercises import progress
from gluonbook.exercises.progress import ProgressError
from gluonbook.rank import heartbeat
from gluonbook.storage import atomic
from gluonbook.storage.errors import StorageError
from gluonbook.study.results import Results, only_writer
from gluonbook.training import fit
from sources import MODULES, parsed
from troubles import ERRNOS, refusal, refuse

CALLS = {
    *("read_bytes", "write_bytes", "read_text", "write_text", "read_lines", "open", "touch", "savefig", "FileLock"),
    *("mkdir", "rmdir", "unlink", "rename", "rmtree", "iterdir", "symlink_to", "readlink", "chmod", "utime"),
    *("mkdtemp", "TemporaryDirectory", "TemporaryFile"),
}

# Who answers for what the disk says: in a room, or in one module of it.
OWN = "raises an error of its own, tested here or in the tests of its room"
NOTHING_LOST = "goes on without: nothing depends on it"
LIMITS = "a run's, told with what limit of the machine is behind it: machine/limits.py"
ANSWERS = {
    "gluonbook.book": "a command for authors, which ends with the disk's words in one line: book/__main__.py",
    "gluonbook.book.execute": NOTHING_LOST,
    "gluonbook.book.executions": NOTHING_LOST,
    "gluonbook.checkpoint": OWN,
    "gluonbook.command": LIMITS,
    "gluonbook.datasets": OWN,
    "gluonbook.doctor": "a finding, whatever it is: doctor/__init__.py",
    "gluonbook.exercises.convnets": "what a reader's answer is tried on",
    "gluonbook.exercises.progress": OWN,
    "gluonbook.kernels.cache": NOTHING_LOST,
    "gluonbook.kernels.cuda_source": "reads a file of the package",
    "gluonbook.launch": LIMITS,
    "gluonbook.machine": NOTHING_LOST,
    "gluonbook.measure": "a temporary folder of MXNet's profiler, and what Linux says of connections",
    "gluonbook.paths": OWN,
    "gluonbook.plots.figure": "writes to memory",
    "gluonbook.plots.moving": "writes to memory",
    "gluonbook.rank": LIMITS,
    "gluonbook.storage": OWN,
    "gluonbook.study": OWN,
    "gluonbook.topics.corpus": NOTHING_LOST,
}


def test_it_is_known_who_answers_for_each_edge():
    found = set()
    for module in MODULES:
        for node in ast.walk(parsed(module)):
            called = node.func if isinstance(node, ast.Call) else None
            if getattr(called, "attr", getattr(called, "id", "")) in CALLS:
                found.add(module)
    unknown = {name for name in found if not any(f"{name}.".startswith(f"{known}.") for known in ANSWERS)}
    assert not unknown, "say here who turns what the disk answers into an error that helps, and test it"


# Places where a disk may refuse.
READING = [(Path, "read_bytes")]
WRITING = [(Path, "write_bytes"), (os, "fsync"), (Path, "replace")]
MAKING = [(Path, "mkdir")]
LOCKING = [(FileLock, "_acquire")]
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


def met(place: tuple[object, str]) -> str:
    return f"{place[0].__name__}.{place[1]}"


class TestProgress:
    @pytest.fixture
    def kept(self, tmp_path, monkeypatch) -> Path:
        path = tmp_path / "state" / "progress.json"
        monkeypatch.setenv(progress.VARIABLE, str(path))
        progress.add("one")
        return path

    @pytest.mark.parametrize("place", [*READING, *WRITING, *MAKING, *LOCKING], ids=met)
    def test_whatever_the_disk_says_the_reader_is_told_and_nothing_is_lost(self, kept, monkeypatch, place):
        before = kept.read_bytes()
        monkeypatch.setattr(progress, "_typed_by_a_reader", lambda: True)
        for number in ERRNOS:
            if (place in LOCKING and number in NO_LOCKS) or (place in READING and number == errno.ENOENT):
                continue
            with monkeypatch.context() as patch:
                refuse(patch, *place, refusal(number))
                with pytest.raises(ProgressError) as caught:
                    progress.add("two")
                said = str(caught.value)
                assert f"({os.strerror(number)}" in said and "GLUONBOOK_PROGRESS may name" in said
                assert said in progress.note("two")
            assert kept.read_bytes() == before
            assert names(kept.parent) == ["progress.json", "progress.json.lock"]

    @pytest.mark.parametrize("number", NO_LOCKS)
    def test_a_share_that_knows_no_locks(self, kept, monkeypatch, number):
        refuse(monkeypatch, *LOCKING[0], refusal(number))
        progress.add("two")
        assert set(progress.solved()) == {"one", "two"}
        assert progress.reset() and progress.solved() == {}

    def test_a_lock_that_another_holds_for_ever(self, kept, monkeypatch):
        monkeypatch.setattr(progress, "_PATIENCE", 0.1)
        with (
            FileLock(f"{kept}.lock"),
            pytest.raises(ProgressError, match=r"another process has held .*lock for 0\.1 s"),
        ):
            progress.add("two")

    @pytest.mark.parametrize(
        "content", [b"[" * 100_000, b'{"solved": null}', b"null", b'{"solved": {"a": null}}', b"\0"]
    )
    def test_what_is_no_progress(self, kept, content):
        kept.write_bytes(content)
        with pytest.raises(ProgressError, match="is damaged"):
            progress.solved()

    @pytest.mark.parametrize("name", ["book.ipynb", "book.md"])
    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{", b'{"cells": [{}]}', b'{"cells": 7}', b"\xff\xfe", b"---\n:\n  - ["]
    )
    def test_a_notebook_that_cannot_be_read_leaves_the_answer_right(self, kept, tmp_path, monkeypatch, name, content):
        (tmp_path / name).write_bytes(content)
        names = {"__vsc_ipynb_file__": str(tmp_path / name)}
        sound = [b'{"cells": [{}]}', *([] if name == "book.ipynb" else [b"", b"[]", b"{", b'{"cells": 7}'])]
        if content in sound:
            assert progress._solutions(names) == set()
        else:
            with pytest.raises(ProgressError, match=f"{name} cannot be read, so"):
                progress._solutions(names)


class TestStudy:
    @pytest.mark.parametrize("place", [*WRITING, *MAKING, *LOCKING], ids=met)
    def test_what_cannot_be_kept_is_told_before_anything_is_trained(self, tmp_path, monkeypatch, place):
        monkeypatch.setattr("gluonbook.study.problem.Problem.load", lambda problem: None)
        monkeypatch.setattr("gluonbook.study.runner.train", lambda *_: pytest.fail("something has been trained"))
        for number in ERRNOS:
            if place in LOCKING and number in NO_LOCKS:
                continue
            with monkeypatch.context() as patch, pytest.raises(StorageError, match=os.strerror(number)):
                refuse(patch, *place, refusal(number))
                study.run(study.PLANS["mnist"], tmp_path / "results.jsonl")
        assert [name for name in names(tmp_path) if "lock" not in name] == []

    def test_results_that_cannot_be_read(self, tmp_path, monkeypatch):
        Results(study.PLANS["mnist"]).save(tmp_path / "results.jsonl")
        for number in ERRNOS:
            with monkeypatch.context() as patch, pytest.raises(StorageError, match="cannot be read"):
                refuse(patch, Path, "read_bytes", refusal(number), of=lambda path: path.suffix == ".jsonl")
                study.run(study.PLANS["mnist"], tmp_path / "results.jsonl")

    def test_a_share_that_knows_no_locks(self, tmp_path, monkeypatch):
        refuse(monkeypatch, *LOCKING[0], refusal(errno.ENOLCK))
        with only_writer(tmp_path / "results.jsonl"):
            pass


class TestTraining:
    @staticmethod
    def trained(folder: Path, epochs: int = 1) -> np.ndarray:
        """The weights after training, from the same start; NaN where there was none."""
        net = gluon.nn.Dense(2, in_units=3)
        net.initialize(init="zeros")
        trainer = gluon.Trainer(net.collect_params(), "sgd")
        data = gluon.data.ArrayDataset(np.ones((4, 3), "float32"), np.zeros(4, "int32"))
        try:
            fit(net, trainer, data, epochs=epochs, batch_size=4, checkpoints=folder)
        except StorageError:
            assert not net.weight.data().asnumpy().any(), "trained for nothing"
            raise
        return net.weight.data().asnumpy()

    @pytest.mark.parametrize("place", [(Path, "mkdir"), (Path, "write_bytes"), (Path, "iterdir")], ids=met)
    def test_a_folder_that_refuses_is_told_before_the_first_step(self, tmp_path, monkeypatch, place):
        for number in ERRNOS:
            if place == (Path, "iterdir") and number == errno.ENOENT:
                continue
            with monkeypatch.context() as patch, pytest.raises(StorageError, match=os.strerror(number)):
                refuse(patch, *place, refusal(number))
                self.trained(tmp_path / "run")

    @pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
    def test_on_a_share_whose_folders_cannot_be_flushed_a_run_is_saved_and_goes_on(self, tmp_path, monkeypatch, number):
        refuse(monkeypatch, os, "fsync", refusal(number), of=lambda file: Path(f"/proc/self/fd/{file}").is_dir())
        first = self.trained(tmp_path / "run")
        assert checkpoint.latest(tmp_path / "run").name == "step-00000001"
        before = runs.times(tmp_path / "run")
        assert (self.trained(tmp_path / "run", 2) != first).any()
        assert runs.times(tmp_path / "run")[:1] == before

    def test_a_file_in_the_place_of_the_folder(self, tmp_path):
        (tmp_path / "run").touch()
        with pytest.raises(StorageError, match=r"move away what lies there"):
            self.trained(tmp_path / "run")

    def test_a_note_that_cannot_be_written_does_not_end_a_run_that_is_saved(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GLUONBOOK_RUN_DIR", str(tmp_path))
        monkeypatch.setenv("GLUONBOOK_PART", "rank-0")
        refuse(monkeypatch, Path, "write_text", refusal(errno.ENOSPC))
        heartbeat.saved(tmp_path / "step-00000001")


class TestExecutions:
    """The cache of executed chapters: what it does not give is executed, what it does not take is used all the same."""

    @pytest.fixture
    def kept(self, small_book) -> Executions:
        small_book.notebook("chapter", "1 + 1")
        return Executions(small_book.book)

    @staticmethod
    def result(kept: Executions) -> Executed:
        (chapter,) = kept.book.running
        notebook = chapter.notebook()
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [nbformat.v4.new_output("stream", text="2")]
        facts = {"date": "2026-01-01", "profile": "quick", "machine": {}, "versions": {}}
        return Executed(chapter=chapter, notebook=notebook, seconds=1.0, **facts)

    @contextmanager
    def told(self, fails: bool) -> Iterator[None]:
        if fails:
            with pytest.warns(RuntimeWarning, match="cannot be kept, and will be executed again"):
                yield
        else:
            yield

    DAMAGES: tuple[tuple[str, Callable[[Path], object]], ...] = (
        ("empty data base", lambda folder: (folder / "global.db").write_bytes(b"")),
        ("cut data base", lambda folder: os.truncate(folder / "global.db", 1000)),
        ("text for a data base", lambda folder: (folder / "global.db").write_text("<html>" * 1000)),
        ("zeros for a data base", lambda folder: (folder / "global.db").write_bytes(bytes(20_000))),
        ("folder for a data base", lambda folder: [(folder / "global.db").unlink(), (folder / "global.db").mkdir()]),
        ("empty notebook", lambda folder: [file.write_bytes(b"") for file in folder.rglob("*.ipynb")]),
        ("cut notebook", lambda folder: [os.truncate(file, 30) for file in folder.rglob("*.ipynb")]),
        ("another notebook", lambda folder: [file.write_text("[]") for file in folder.rglob("*.ipynb")]),
        ("bytes for a notebook", lambda folder: [file.write_bytes(b"\xff\xfe\0") for file in folder.rglob("*.ipynb")]),
        ("no notebook", lambda folder: [file.unlink() for file in folder.rglob("*.ipynb")]),
        ("folder for a notebook", lambda folder: [[f.unlink(), f.mkdir()] for f in list(folder.rglob("*.ipynb"))]),
    )

    @pytest.mark.parametrize("damage", [damage for _, damage in DAMAGES], ids=[name for name, _ in DAMAGES])
    def test_what_is_damaged_is_executed_and_kept_anew(self, kept, damage):
        result = self.result(kept)
        kept.store(result)
        assert kept.recall(result.chapter) is not None
        damage(kept.folder(result.chapter))
        assert kept.recall(result.chapter) is None
        kept.store(result)
        assert kept.recall(result.chapter).outputs() == result.outputs()

    @pytest.mark.parametrize("place", ["a file", "a dangling link"])
    def test_something_else_in_the_place_of_the_folder(self, kept, place):
        result = self.result(kept)
        folder = kept.folder(result.chapter)
        folder.parent.mkdir(parents=True)
        folder.touch() if place == "a file" else folder.symlink_to("nowhere")
        assert kept.recall(result.chapter) is None
        kept.store(result)
        assert kept.recall(result.chapter) is not None

    def test_no_trouble_of_the_disk_is_an_error(self, kept, monkeypatch):
        result = self.result(kept)
        kept.store(result)
        folder = kept.folder(result.chapter)

        def inside(path: Path, *_: object, **__: object) -> bool:
            return folder in (path, *path.parents)

        for number in (errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EIO, errno.ESTALE, errno.EMFILE):
            for place in (Path, "mkdir"), (Path, "write_text"), (Path, "open"), (os, "utime"):
                with monkeypatch.context() as patch, self.told(place != (os, "utime")):
                    refuse(patch, *place, refusal(number), of=inside)
                    assert kept.store(result).problems == ()
                    kept.recall(result.chapter)
                    kept.forget_old_states()

    def test_a_data_base_that_another_build_has_locked(self, kept, monkeypatch):
        from jupyter_cache.cache.main import JupyterCacheBase
        from sqlalchemy.exc import OperationalError

        result = self.result(kept)
        refuse(monkeypatch, JupyterCacheBase, "match_cache_notebook", OperationalError("x", {}, Exception("locked")))
        assert kept.recall(result.chapter) is None

    def test_a_build_where_no_lock_can_be_had(self, kept, monkeypatch):
        refuse(monkeypatch, *LOCKING[0], refusal(errno.ENOLCK))
        kept.book.built.mkdir()
        with site.alone(kept.book.built / ".lock"):
            pass


class TestMatplotlib:
    """A kernel's folder for matplotlib, which warns of one that it cannot write: on a page, that would be a fault."""

    @pytest.mark.parametrize("state", [Path.touch, lambda path: path.symlink_to(path.name)], ids=["a file", "a link"])
    def test_one_that_cannot_be_used_is_another(self, tmp_path, state):
        (tmp_path / "_build").mkdir()
        state(tmp_path / "_build/matplotlib")
        environment = executing._kernel_environment(1, tmp_path)
        assert Path(environment["MPLCONFIGDIR"]).is_dir() and os.access(environment["MPLCONFIGDIR"], os.W_OK)
        assert environment["IPYTHONDIR"] == str(tmp_path / "_build/ipython")

    def test_a_list_of_fonts_that_is_damaged_is_made_before_a_chapter_would(self, tmp_path):
        executing._prepare(tmp_path)
        (fonts,) = (tmp_path / "_build/matplotlib").glob("fontlist*")
        fonts.write_bytes(b"")
        executing._prepare(tmp_path)
        assert json.loads(fonts.read_bytes())["ttflist"]


def test_what_is_written_for_others_leaves_nothing_behind(tmp_path, monkeypatch):
    """A block of the caller's that fails is the caller's failure."""
    with pytest.raises(OSError, match="mine") as caught, atomic.beside(tmp_path / "model.params") as file:
        file.write_text("half")
        raise OSError(errno.EIO, "mine")
    assert not isinstance(caught.value, StorageError) and names(tmp_path) == []
