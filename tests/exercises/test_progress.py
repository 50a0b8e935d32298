"""A reader's progress: what counts, what does not, and that the file survives whatever happens to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from typer.testing import CliRunner

from gluonbook import paths
from gluonbook.book.execute import execute
from gluonbook.cli import app
from gluonbook.exercises import catalogue, progress
from gluonbook.exercises.catalogue import Standing
from gluonbook.exercises.progress import ProgressError
from gluonbook.exercises.signum.majority_vote import check
from read_only import read_only

NAME, ANSWER = "vote-by-hand", ((1, -1, 1, -1), (-1, -1, -1, -1))
VOTE = f"signum/majority_vote/{NAME}"
IMPORT = "from gluonbook.exercises.signum.majority_vote import check"


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """The file that progress is kept in; it does not exist yet, nor does its folder."""
    path = tmp_path / "state" / "progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    return path


@pytest.fixture
def typed(monkeypatch) -> None:
    """A reader who types each answer."""
    monkeypatch.setattr(progress, "_typed_by_a_reader", lambda: True)


def ask(*words: str):
    return CliRunner().invoke(app, ["progress", *words])


class TestFile:
    def test_it_is_the_reader_s_own(self, monkeypatch, tmp_path):
        monkeypatch.delenv(progress.VARIABLE, raising=False)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        assert progress.file() == tmp_path / "gluonbook/progress.json"

    def test_a_relative_one_is_refused(self, monkeypatch):
        monkeypatch.setenv(progress.VARIABLE, "here.json")
        with pytest.raises(ProgressError, match=r"'here\.json'.*absolute"):
            progress.file()

    def test_off_keeps_nothing(self, monkeypatch, tmp_path):
        monkeypatch.setenv(progress.VARIABLE, "off")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        progress.add(VOTE)
        assert progress.solved() == {} and not list(tmp_path.iterdir())
        assert progress.reset() is False

    def test_the_first_day_stays(self, kept):
        assert progress.solved() == {}
        progress.add(VOTE)
        (day,) = progress.solved().values()
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
        kept.write_text(json.dumps({"solved": {VOTE: "2001-01-01"}}))
        progress.add(VOTE)
        progress.add("sum")
        assert progress.solved() == {VOTE: "2001-01-01", "sum": day}

    @pytest.mark.parametrize(
        "content",
        [b"", b'{"solved": {"a": "2001', b"[1]", b'{"solved": ["a"]}', b'{"solved": {"a": 1}}', b"{}", b"\xff\xfe"],
    )
    def test_a_damaged_one_is_told_and_left_alone(self, kept, typed, content):
        kept.parent.mkdir()
        kept.write_bytes(content)
        with pytest.raises(ProgressError, match=r"is damaged.*--reset"):
            progress.solved()
        assert "It could not be noted" in progress.note(VOTE)
        assert kept.read_bytes() == content
        assert ask().exit_code == 1 and "is damaged" in str(ask().exception)
        assert ask("--reset").exit_code == 0
        assert kept.with_name(f"{kept.name}.damaged").read_bytes() == content  # it may be somebody's thesis
        assert progress.note(VOTE) == "" and set(progress.solved()) == {VOTE}

    def test_where_nothing_can_be_written_the_reader_is_told_and_the_answer_stays_right(
        self, monkeypatch, tmp_path, typed, capsys
    ):
        blocked = tmp_path / "file"
        blocked.touch()  # no folder can be made below a file, not even by root
        monkeypatch.setenv(progress.VARIABLE, str(blocked / "state" / "progress.json"))
        check(NAME, ANSWER)
        assert "Solved: That is right. It could not be noted" in capsys.readouterr().out

    def test_a_folder_that_is_read_only(self, kept, typed):
        kept.parent.mkdir()
        with read_only(kept.parent):
            note = progress.note(VOTE)
        assert re.search(r"cannot be locked \((Permission denied|Read-only file system).* GLUONBOOK_PROGRESS may", note)
        assert not kept.exists()

    def test_a_disk_that_fills_up_costs_nothing_that_was_kept(self, kept, monkeypatch):
        progress.add("one")

        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ProgressError, match="No space left"):
            progress.add("two")
        assert set(progress.solved()) == {"one"}
        assert {file.name for file in kept.parent.iterdir()} == {"progress.json", "progress.json.lock"}

    def test_several_processes_at_once_lose_nothing(self, kept):
        code = "import sys, gluonbook.exercises.progress as p; [p.add(f'{sys.argv[1]}-{i}') for i in range(20)]"
        writers = [subprocess.Popen([sys.executable, "-c", code, str(writer)]) for writer in range(3)]
        assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
        assert set(progress.solved()) == {f"{writer}-{i}" for writer in range(3) for i in range(20)}


class TestWhatCounts:
    def test_a_right_answer_does_and_no_other(self, kept, typed):
        check(NAME, ...)
        check(NAME, (1, 1, 1, 1))
        check(NAME, "nonsense")
        assert progress.solved() == {}
        check(NAME, ANSWER)
        assert set(progress.solved()) == {VOTE}

    def test_a_script_does_not(self, kept):
        check(NAME, ANSWER)
        assert not kept.exists()

    def test_a_chapter_that_is_built_does_not(self, kept, small_book):
        small_book.notebook("chapter", IMPORT, f'check("{NAME}", {ANSWER})')
        (result,) = execute(small_book.book)
        assert not result.problems and "That is right." in str(result.outputs())
        assert not kept.exists()

    @pytest.mark.parametrize("form", ["ipynb", "md"])
    def test_in_a_notebook_what_a_reader_types_does_and_the_book_s_solution_does_not(self, kept, tmp_path, form):
        first = IMPORT
        solution = f'check("{NAME}", {ANSWER})'
        own = f'check("voters-needed", 1); {solution}'
        notebook = tmp_path / f"chapter.{form}"
        cells = [
            nbformat.v4.new_code_cell(first, metadata={"tags": ["exercise"]}),
            nbformat.v4.new_code_cell(solution, metadata={"tags": ["solution"]}),
        ]
        written = nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"display_name": "Python 3", "name": "python3"}}
        )
        if form == "ipynb":
            nbformat.write(written, notebook)
        else:
            import jupytext

            jupytext.write(written, notebook, fmt="md:myst")
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        manager, client = start_new_kernel(env={**outside, "JPY_SESSION_NAME": str(notebook)})

        def run(code: str, reader: bool) -> dict[str, str]:
            answer = client.execute_interactive(code, allow_stdin=reader, timeout=60, output_hook=lambda message: None)
            assert answer["content"]["status"] == "ok", answer["content"]
            return progress.solved()

        try:
            assert run(first, reader=True) == {}
            assert run(own, reader=False) == {}, "nbclient, nbconvert and papermill say that nobody is there"
            assert run(f"\n{solution}\n", reader=True) == {}, "the solution"
            assert set(run(own, reader=True)) == {VOTE}
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


class TestCommand:
    def test_each_chapter_in_the_order_of_the_book(self, kept):
        progress.add(VOTE)
        progress.add("an-exercise-of-a-former-edition")
        said = ask().output
        assert "1 of 4  signum/majority_vote        open: voters-needed, vote-of-three, vote-of-votes" in said
        every = sum(len(exercises.names) for exercises in catalogue.catalogue().values())
        assert f"\n1 of {every} exercises solved; kept in {kept}" in said
        assert said.index("imperative_symbolic") < said.index("lenet") < said.index("kvstore") < said.index("majority")

    def test_as_json(self, kept):
        progress.add(VOTE)
        found = {standing["chapter"]: standing for standing in json.loads(ask("--json").output)}
        assert found["signum/majority_vote"]["solved"] == [NAME]

    def test_without_the_book_around_it(self, kept, monkeypatch):
        monkeypatch.setattr(paths, "checkout", lambda: None)
        assert ask().output.startswith("0 of 5  convnets/cifar_resnet\n")
        first, *_ = catalogue.standings()
        assert first == Standing("convnets/cifar_resnet", (), first.open) and len(first.open) == 5

    def test_without_what_builds_the_book(self, kept, monkeypatch):
        monkeypatch.setitem(sys.modules, "gluonbook.book.chapters", None)  # as where jupyter-book is not installed
        assert ask().output.startswith("0 of 5  convnets/cifar_resnet\n")

    def test_reset(self, kept):
        assert "no progress to forget" in ask("--reset").output
        progress.add(VOTE)
        assert "Forgotten" in ask("--reset").output
        assert progress.solved() == {} and not kept.exists()

    def test_switched_off(self, monkeypatch):
        monkeypatch.setenv(progress.VARIABLE, "off")
        assert "switched off" in ask().output
