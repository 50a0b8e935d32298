"""Execution: what is fresh is not executed again, what fails is told, what is unclean is refused."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

import promises
from gluonbook.book import execute as executing
from gluonbook.book.execute import execute
from gluonbook.book.executions import STATES_KEPT, Executed, Executions
from gluonbook.book.outputs import unclean
from gluonbook.machine import facts, load
from small_books import FRONT, TIMED, SmallBook

pytestmark = pytest.mark.slow

HERE = Path(__file__).parents[2]


def problems(small_book: SmallBook) -> list[str]:
    return [problem for result in execute(small_book.book) for problem in result.problems]


TWICE = """
import os
from pathlib import Path

def attempt():
    file = Path({file!r})
    file.write_text(file.read_text() + "x" if file.exists() else "x")
    return len(file.read_text())
"""


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The patience of each wait for a quiet machine, which is not waited for here."""
    patience = []
    monkeypatch.setattr(load, "wait_until_quiet", patience.append)
    return patience


def output(**fields: object) -> nbformat.NotebookNode:
    """A notebook of one cell with one output."""
    cell = nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output(**fields)])
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the chapters that are really executed, in the order of their starts."""
    names = []
    run = executing._run

    def spy(chapter, *rest):
        names.append(chapter.key)
        return run(chapter, *rest)

    monkeypatch.setattr(executing, "_run", spy)
    return names


def test_outputs_are_kept_and_not_made_again(small_book, runs):
    small_book.notebook("sum", "print(1 + 1)")
    first, second = execute(small_book.book), execute(small_book.book)
    assert runs == ["sum"]
    for result in (*first, *second, *Executions(small_book.book).fresh()):
        assert result.notebook.cells[1].outputs[0].text == "2\n"
        assert result.seconds > 0
        assert result.profile == "quick"
        assert result.machine == facts.machine()


def test_another_profile_executes_again_and_the_way_back_does_not(small_book, runs, monkeypatch):
    small_book.notebook("profile", "import os", "print(os.environ.get('GLUONBOOK_PROFILE'))")
    monkeypatch.setenv("GLUONBOOK_PROFILE", "full")
    (full,) = execute(small_book.book)
    monkeypatch.setenv("GLUONBOOK_PROFILE", "quick")
    (quick,) = execute(small_book.book)
    monkeypatch.setenv("GLUONBOOK_PROFILE", "full")
    execute(small_book.book)
    assert runs == ["profile", "profile"]
    assert [result.notebook.cells[-1].outputs[0].text for result in (full, quick)] == ["full\n", "quick\n"]


def test_a_changed_cell_executes_its_chapter_alone_and_changed_prose_none(small_book, runs):
    small_book.notebook("one", "print('one')")
    page = small_book.notebook("two", "print('two')")
    execute(small_book.book)
    runs.clear()
    page.write_text(page.read_text().replace("Words around", "Other words around"))
    execute(small_book.book)
    assert runs == []
    page.write_text(page.read_text().replace("print('two')", "print('three')"))
    execute(small_book.book)
    assert runs == ["two"]


def test_a_cell_that_raises_is_told_and_tried_again(small_book, runs):
    small_book.notebook("broken", "x = 1", "1 / 0")
    (message,) = problems(small_book)
    assert "ZeroDivisionError" in message
    assert "1 / 0" in message
    assert "\x1b" not in message
    assert problems(small_book)
    assert runs == ["broken", "broken"]
    assert Executions(small_book.book).fresh() == []


def test_one_failure_leaves_the_other_results(small_book):
    small_book.notebook("broken", "raise RuntimeError('no')")
    small_book.notebook("sound", "print('yes')")
    broken, sound = execute(small_book.book)
    assert broken.problems
    assert not sound.problems
    assert [result.chapter.key for result in Executions(small_book.book).fresh()] == ["sound"]


@pytest.mark.parametrize(
    "failure",
    [
        "from gluonbook.claims import claim; claim('fast', 'Times faster', attempt(), '== 2', clock=True)",
        "from gluonbook.launch import LaunchTimedOut as Late\nif attempt() == 1: raise Late('no step', {}, {}, 9.0)",
        "import subprocess\nif attempt() == 1: subprocess.run(['sleep', '60'], timeout=0.1)",
    ],
    ids=["claim", "launch", "process"],
)
def test_what_fails_on_a_clock_is_executed_again_when_all_others_are_done(
    small_book, runs, waited, capsys, tmp_path, failure
):
    small_book.notebook("late", TWICE.format(file=str(tmp_path / "attempts")), failure, front=TIMED)
    small_book.notebook("sound", "1", front=TIMED)
    late, sound = execute(small_book.book)
    assert runs == ["late", "sound", "late"]
    assert len(waited) == 1
    assert not late.problems
    assert not sound.problems
    assert [result.chapter.key for result in Executions(small_book.book).fresh()] == ["late", "sound"]
    said = capsys.readouterr().out
    assert "late failed on a clock after" in said
    assert "late will be executed once more, by itself" in said
    assert "late executed in" in said
    assert "0 to go" in said.splitlines()[-1]


def test_what_fails_on_a_clock_twice_says_how_busy_the_machine_was(small_book, runs, waited):
    cell = "from gluonbook.claims import claim; claim('fast', 'Times faster', 1.5, '>= 2', clock=True)"
    small_book.notebook("late", cell)
    (result,) = execute(small_book.book)
    assert runs == ["late", "late"]
    second, told = result.problems
    for message in (second, told):
        assert "fast does not hold: Times faster: 1.5 (claimed: >= 2); the machine is" in message
    assert told.startswith("That was the second attempt, by itself; the machine is ")
    assert Executions(small_book.book).fresh() == []


@pytest.mark.parametrize(
    "cell",
    ["1 / 0", "from gluonbook.claims import claim; claim('sum', 'The sum', 3, '== 4')", "import os; os._exit(3)"],
    ids=["error", "claim", "death"],
)
def test_what_no_clock_is_to_blame_for_is_not_tried_again(small_book, runs, waited, cell):
    small_book.notebook("wrong", cell)
    assert len(problems(small_book)) == 1
    assert runs == ["wrong"]
    assert waited == []


def test_a_stuck_cell_is_ended_and_told(small_book, runs, waited, monkeypatch, tmp_path):
    monkeypatch.setitem(executing._CELL_TIMEOUT, "quick", 1)
    monkeypatch.setattr(load, "slowdown", lambda: 1.0)
    started = tmp_path / "started"
    small_book.notebook(
        "stuck",
        "1",
        f"""
        import os, subprocess, time
        child = subprocess.Popen(["sleep", "600"])
        open({str(started)!r}, "a").write(f"{{os.getpid()}} {{child.pid}} ")
        time.sleep(600)
        """,
    )
    stuck, told = problems(small_book)
    assert stuck.startswith("cell 2 of 2 is stuck: it took more than 1 s of a quiet machine; the machine is quiet")
    assert "second attempt" in told
    assert runs == ["stuck", "stuck"]
    for pid in map(int, started.read_text().split()):
        promises.wait_for(lambda pid=pid: promises.has_ended(pid), 60)


def test_a_cell_that_waits_for_its_turn_is_not_stuck(small_book, runs, monkeypatch):
    monkeypatch.setitem(executing._CELL_TIMEOUT, "quick", 1)
    monkeypatch.setattr(load, "slowdown", lambda: 100.0)
    small_book.notebook("slow", "import time; time.sleep(4)")
    assert problems(small_book) == []
    assert runs == ["slow"]


def test_a_kernel_that_dies_is_told(small_book):
    small_book.notebook("deadly", "import os; os._exit(3)")
    (message,) = problems(small_book)
    assert "died" in message.lower()


@pytest.mark.parametrize(
    "cell",
    [
        "import warnings; warnings.warn('old')",
        "import sys; print('oops', file=sys.stderr)",
        "import os; os.write(2, b'c')",
    ],
    ids=["warning", "stderr", "library"],
)
def test_stray_warnings_fail(small_book, cell):
    small_book.notebook("noisy", cell)
    assert any("stderr" in problem for problem in problems(small_book))


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"output_type": "stream", "name": "stderr", "text": "warning"}, "stderr"),
        ({"output_type": "stream", "name": "stdout", "text": "\x1b[31mred"}, "terminal code"),
        ({"output_type": "execute_result", "data": {"text/plain": "<object at 0x7f00aa>"}}, "address"),
        ({"output_type": "stream", "name": "stdout", "text": "/" + "home/anna/x"}, "home folder"),
        ({"output_type": "display_data", "data": {"text/html": "<b>" + sys.prefix + "</b>"}}, "folder"),
        (
            {
                "output_type": "display_data",
                "data": {"text/plain": ""},
                "metadata": {"gluonbook_claim": {"id": "sum", "holds": False}},
            },
            "does not hold: sum",
        ),
        ({"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {}}}, "widget"),
        (
            {
                "output_type": "display_data",
                "data": {"text/plain": ""},
                "metadata": {"gluonbook_exercise": {"name": "sum", "solved": False}},
            },
            "solution of 'sum'",
        ),
    ],
    ids=["stderr", "ansi", "address", "home", "prefix", "claim", "widget", "solution"],
)
def test_unclean_outputs_are_found(fields, what):
    notebook = output(**fields)
    notebook.cells[0].metadata["tags"] = ["solution"]
    assert any(what in problem for problem in unclean(notebook, HERE))


def test_clean_outputs_pass():
    assert unclean(output(output_type="stream", name="stdout", text="loss 0.3 at step 10"), HERE) == []


def test_a_wrong_answer_outside_a_solution_is_no_problem():
    record = {"gluonbook_exercise": {"name": "sum", "solved": False}}
    assert unclean(output(output_type="display_data", data={"text/plain": ""}, metadata=record), HERE) == []


def test_timed_chapters_run_alone_with_all_cores_and_the_others_share(small_book, monkeypatch):
    monkeypatch.setattr(facts, "cores", lambda: 2)
    for name, front in {"a": FRONT, "b": FRONT, "c": TIMED, "d": TIMED}.items():
        small_book.notebook(name, "pass", front=front)
    beside, running, lock, threads = {}, set(), threading.Lock(), {}

    def run(chapter, count, *rest):
        with lock:
            running.add(chapter.key)
        threads[chapter.key] = count
        time.sleep(0.3)
        with lock:
            beside[chapter.key] = set(running)
            running.discard(chapter.key)
        return Executed(chapter, nbformat.v4.new_notebook(), 0.3, "", "", {}, {}, ("not stored",))

    monkeypatch.setattr(executing, "_run", run)
    assert [result.chapter.key for result in execute(small_book.book)] == ["a", "b", "c", "d"]
    assert threads == {"a": 1, "b": 1, "c": 2, "d": 2}
    assert beside["c"] == {"c"}
    assert beside["d"] == {"d"}
    assert "b" in beside["a"] or "a" in beside["b"]


def test_only_the_last_states_of_a_chapter_are_kept(small_book):
    small_book.notebook("sum", "print(1 + 1)")
    book = small_book.book
    folder = Executions(book).folder(book.chapters[-1]).parent
    for number in range(STATES_KEPT + 3):
        (folder / f"state{number}").mkdir(parents=True)
    execute(book)
    assert len(list(folder.iterdir())) == STATES_KEPT
    assert Executions(book).fresh()


@pytest.mark.parametrize("front", [FRONT, TIMED])
def test_what_is_left_out_when_its_turn_comes_is_not_executed_nor_returned(small_book, runs, capsys, front):
    for name in ("first", "second"):
        small_book.notebook(name, "1 + 1", front=front)
    (left,) = execute(small_book.book, is_left_out=lambda chapter: chapter.key == "first")
    assert left.chapter.key == "second" and runs == ["second"]
    said = capsys.readouterr().out
    assert "first left out" in said and "0 to go" in said.splitlines()[-1]
    assert [result.chapter.key for result in execute(small_book.book)] == ["first", "second"]
    assert runs == ["second", "first"]


def test_what_is_fresh_is_returned_whatever_is_left_out(small_book):
    small_book.notebook("sum", "1 + 1")
    execute(small_book.book)
    assert len(execute(small_book.book, is_left_out=lambda chapter: True)) == 1


def test_progress_says_which_chapter_how_long_and_how_many_to_go(small_book, capsys):
    small_book.notebook("sum", "print(1 + 1)")
    execute(small_book.book)
    said = capsys.readouterr().out
    assert "[0/1] executing sum (1 cells)" in said
    assert "[1/1] sum executed in" in said
    assert "0 to go" in said


def test_chapters_may_not_ask_for_what_nobody_knows(small_book):
    small_book.notebook("x", "1", front=TIMED.replace("timed", "hurried"))
    with pytest.raises(ValueError, match="hurried"):
        _ = small_book.book.chapters


def test_an_interrupt_ends_the_kernels_at_once(small_book):
    """Ctrl-C while a cell sleeps: the command is back in seconds, and no process of the chapter is left."""
    started = small_book.root / "started"
    small_book.notebook(
        "sleeper",
        f"""
        import os, subprocess, time
        child = subprocess.Popen(["sleep", "600"])
        open({str(started)!r}, "w").write(f"{{os.getpid()}} {{child.pid}} ")
        time.sleep(600)
        """,
    )
    program = (
        f"{promises.HEARS}; from pathlib import Path; "
        f"from gluonbook.book.chapters import Book; book = Book(Path({str(small_book.root)!r})); "
        "from gluonbook.book.execute import execute; execute(book)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    promises.wait_for(lambda: started.exists() and started.read_text().endswith(" "), 60)
    process.send_signal(signal.SIGINT)
    promises.wait_for(lambda: process.poll() is not None, 20)
    assert process.returncode != 0
    for pid in map(int, started.read_text().split()):
        promises.wait_for(lambda pid=pid: promises.has_ended(pid), 60)


@pytest.mark.parametrize("harm", ["gone", "cut", "database"])
def test_a_result_that_was_cut_off_is_made_anew(small_book, runs, harm):
    """As when a build is killed while it writes."""
    small_book.notebook("sum", "print(1 + 1)")
    execute(small_book.book)
    book = small_book.book
    folder = Executions(book).folder(book.chapters[-1])
    (notebook,) = folder.glob("executed/*/base.ipynb")
    if harm == "gone":
        notebook.unlink()
    elif harm == "cut":
        notebook.write_bytes(notebook.read_bytes()[:100])
    else:
        (folder / "global.db").write_bytes(b"")
    (result,) = execute(small_book.book)
    assert runs == ["sum", "sum"]
    assert not result.problems
    assert Executions(small_book.book).fresh()


def test_code_that_changes_meanwhile_spoils_no_result(small_book):
    small_book.notebook("sum", "def answer(): import gluonbook.code", "print(1 + 1)")
    kept = Executions(small_book.book)
    (small_book.root / "src/gluonbook/code.py").write_text("ANSWER = 43\n")
    (result,) = execute(small_book.book, kept)
    assert "changed meanwhile" in result.problems[0]
    assert not kept.folder(result.chapter).exists()


def test_results_are_judged_again_when_the_rules_change(small_book, runs, monkeypatch):
    small_book.notebook("sum", "print(1 + 1)")
    execute(small_book.book)
    monkeypatch.setattr("gluonbook.book.executions.unclean", lambda notebook, root: ["a new rule"])
    assert Executions(small_book.book).fresh() == []


def test_a_kernel_that_does_not_exist_is_that_chapter_s_problem(small_book):
    small_book.notebook("strange", "1", front=FRONT.replace("name: python3", "name: fortran"))
    small_book.notebook("sound", "1")
    strange, sound = execute(small_book.book)
    assert "fortran" in strange.problems[0]
    assert not sound.problems


def test_a_relative_data_folder_means_the_same_in_a_chapter(small_book, monkeypatch):
    monkeypatch.chdir(small_book.root)
    monkeypatch.setenv("GLUONBOOK_DATA", "data")
    small_book.notebook("data", "import os; assert os.path.isfile(os.environ['GLUONBOOK_DATA'] + '/manifest.json')")
    assert problems(small_book) == []


def test_the_reader_s_own_start_up_files_stay_out(small_book, monkeypatch, tmp_path):
    startup = tmp_path / "mine/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("print('leaked')")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "mine"))
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    small_book.notebook("plain", "import warnings; warnings.warn('old', DeprecationWarning, stacklevel=3)")
    (result,) = execute(small_book.book)
    assert not result.problems
    assert result.notebook.cells[-1].outputs == []


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{file: chapters/start, url: x}", "a chapter has url"),
        ("{file: chapters/start, sections: [{file: chapters/start, sections: []}]}", "a chapter has sections"),
        ("{file: chapters/start, sections: [{file: chapters/two}]}", "chapters/two has cells"),
    ],
)
def test_chapters_below_chapters_are_refused(small_book, entry, reason):
    small_book.notebook("two", "2")
    small_book.write("_toc.yml", f"root: chapters/start\nparts:\n  - chapters:\n      - {entry}\n")
    with pytest.raises(ValueError, match=reason):
        _ = small_book.book.pages


@pytest.mark.parametrize(
    ("toc", "reason"),
    [
        ("", "must be a mapping, got None"),
        ("root: [", "while parsing"),
        ("parts: []", "'root' must be a page in a folder, as 'chapters/intro', got None"),
        ("root: start", "'root' must be a page in a folder, as 'chapters/intro', got 'start'"),
        ("{root: chapters/start, parts: 3}", "'parts' must be a list, got 3"),
        ("{root: chapters/start, parts: [x]}", "a part must be a mapping, got 'x'"),
        ("{root: chapters/start, parts: [{caption: A}]}", "the 'chapters' of a part must be a list, got None"),
        ("{root: chapters/start, parts: [{chapters: [x]}]}", "a chapter must be a mapping, got 'x'"),
        ("{root: chapters/start, parts: [{chapters: [{file: 3}]}]}", "the 'file' of a chapter must be a page .* got 3"),
        ("{root: chapters/start, parts: [{chapters: [{file: chapters/start, sections: }]}]}", "'sections' must be"),
    ],
)
def test_a_table_of_contents_of_another_form_is_one_sentence(small_book, toc, reason):
    small_book.write("_toc.yml", toc)
    with pytest.raises(ValueError, match=f"^_toc.yml:? {reason}"):
        _ = small_book.book.chapters


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("", "must be a mapping, got None"),
        ("author: me", "'title' must be text, got None"),
        ("{title: Small, repository: }", "'repository' must be a mapping, got None"),
    ],
)
def test_settings_of_another_form_are_one_sentence(small_book, settings, reason):
    small_book.write("_config.yml", settings)
    with pytest.raises(ValueError, match=f"^_config.yml:? {reason}"):
        _ = small_book.book.sources


def test_only_the_chapters_that_are_asked_for_are_executed(small_book, runs):
    small_book.notebook("one", "1")
    small_book.notebook("two", "2")
    (two,) = [chapter for chapter in small_book.book.chapters if chapter.key == "two"]
    (result,) = execute(small_book.book, only=[two])
    assert result.chapter == two
    assert runs == ["two"]
