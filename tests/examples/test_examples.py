"""The scripts of `examples/` do what the README says, by its own lines."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import runs
from gluonbook.storage import folders

ROOT = Path(__file__).parents[2]
LINES = re.findall(
    r"^(?:python|gluonbook) .*?(?= {2,}#|$)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)
OF_EXAMPLES = [line for line in dict.fromkeys(LINES) if "examples/" in line]

pytestmark = pytest.mark.slow


def started(line: str, **files: object) -> subprocess.Popen[str]:
    """The line as the shell of the environment would start it, from the folder of the book."""
    words = [str(files.get(word.replace("/", "_"), word)) for word in shlex.split(line)]
    program = {"python": [sys.executable], "gluonbook": [sys.executable, "-m", "gluonbook"]}[words[0]]
    env = {**os.environ, "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([*program, *words[1:]], cwd=ROOT, env=env, **pipes)


def said(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    return out


def accuracies(out: str) -> list[float]:
    return [float(found) for found in re.findall(r"test accuracy ([\d.]+)%", out)]


def line_of(name: str) -> str:
    (line,) = (line for line in OF_EXAMPLES if f"examples/{name}.py" in line)
    return line


def test_the_readme_calls_each():
    assert {f"examples/{file.name}" for file in (ROOT / "examples").glob("*.py")} == set(
        re.findall(r"examples/\w+\.py", " ".join(OF_EXAMPLES))
    )
    assert all(len(file.read_text(encoding="utf-8").splitlines()) <= 40 for file in (ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("name", ["resume", "vote"])
def test_without_its_argument_it_says_how_it_is_called(name):
    process = started(f"python examples/{name}.py")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"examples/{name}.py" in out and "Traceback" not in out


def test_signum_trains():
    (accuracy,) = accuracies(said(started(line_of("signum"))))
    assert accuracy >= 93


@pytest.mark.parametrize("engine", ["mpi", "pslite"])
def test_four_processes_vote(engine):
    found = accuracies(said(started(line_of("vote").replace("mpi", engine))))
    assert min(found) >= 90
    assert len(set(found)) == 1  # one network on all


def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path):
    whole = said(started(line_of("resume"), runs_digits=tmp_path / "whole"))
    killed = started(line_of("resume"), runs_digits=tmp_path / "killed")
    deadline = time.monotonic() + 120
    while not any(step >= 50 for step in folders.steps(tmp_path / "killed")):
        assert killed.poll() is None, killed.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert max(folders.steps(tmp_path / "killed")) < 580  # it had not come to its end
    before = runs.times(tmp_path / "killed")
    assert said(started(line_of("resume"), runs_digits=tmp_path / "killed")) == whole
    assert before and runs.times(tmp_path / "killed")[: len(before)] == before
