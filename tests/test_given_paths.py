"""Every path that somebody may hand over is taken as a shell takes it: a `~` is a home, never a folder of that name."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import final

import numpy as np
import pytest
from mxnet import gluon

from files import names
from gluonbook import checkpoint, checks, launch, study
from gluonbook.book.execute import _kernel_environment
from gluonbook.datasets import DatasetError, local
from gluonbook.exercises import progress
from gluonbook.launch import asked
from gluonbook.storage import atomic, folders
from gluonbook.study.results import Results
from gluonbook.training import fit
from sources import MODULES, parsed

SPEAK_OF_IT = ("gluonbook.machine.", "gluonbook.storage.errors")  # they say something of paths that others have taken


def doors() -> set[str]:
    """The public functions of the package that take a path from their caller, as a string or a Path."""
    found = set()
    for module in [name for name in MODULES if not name.startswith(SPEAK_OF_IT)]:
        for outer in ast.walk(parsed(module)):
            for node in getattr(outer, "body", []) if isinstance(outer, (ast.Module, ast.ClassDef)) else []:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    taken = [*node.args.args, *node.args.kwonlyargs]
                    if any("str | Path" in ast.unparse(one.annotation) for one in taken if one.annotation):
                        found.add(f"{module}.{getattr(outer, 'name', '')}.{node.name}".replace("..", "."))
    return found


def net_and_trainer() -> tuple[gluon.Block, gluon.Trainer]:
    net = gluon.nn.Dense(3, in_units=4)
    net.initialize()
    return net, gluon.Trainer(net.collect_params(), "sgd")


def fitted(path: str) -> None:
    net, trainer = net_and_trainer()
    data = gluon.data.ArrayDataset(np.ones((4, 4), "float32"), np.zeros(4, "int32"))
    fit(net, trainer, data, epochs=1, batch_size=4, checkpoints=path)


def saved(path: str) -> Path:
    return checkpoint.save(path, *net_and_trainer(), step=1, epoch=0)


@final
class Alone:
    """A store of one rank, as far as checkpoints ask it."""

    rank, num_workers = 0, 1

    def all_gather(self, row: np.ndarray) -> np.ndarray:
        return row[None]


def launched(path: str) -> None:
    for name, text in {"job.py": "print('here')\n", "hosts": "localhost\n"}.items():
        Path.home().joinpath(name).write_text(text, encoding="utf-8")
    done = launch.run("~/job.py", 1, hosts="~/hosts", log_dir=path, quiet=True)
    assert done.log() == "here\n"


def studied(path: str) -> None:
    """Go on with a study whose file it is not, which is told only to those who have found the file."""
    try:
        study.run(study.PLANS["cifar10"], path)
    except ValueError as error:
        if "of another study" not in str(error):
            raise


def written(path: str) -> None:
    with atomic.beside(path) as file:
        file.write_bytes(b"whole")


def loaded(path: str) -> None:
    checkpoint.load(path, *net_and_trainer())


def holds(fact: object) -> None:
    assert fact


def cleared(path: Path) -> None:
    folders.clear(path)  # of a folder that is not there, there is nothing to clear
    assert not folders.steps(Path.home() / CHECKPOINTS)


# What is there before a door is tried: nothing, for those that write, a folder of checkpoints, or a file of results.
NOTHING, CHECKPOINTS, RESULTS = "nothing", "checkpoints", "results"
STEP = f"{CHECKPOINTS}/step-00000001"
DOORS: dict[str, tuple[str, Callable[[str], object]]] = {
    "gluonbook.checkpoint.exact.save": (NOTHING, saved),
    "gluonbook.checkpoint.exact.load": (STEP, loaded),
    "gluonbook.checkpoint.exact.peek": (STEP, checkpoint.peek),
    "gluonbook.checkpoint.record.write": (NOTHING, saved),
    "gluonbook.checkpoint.stores.own_folder": (NOTHING, lambda path: checkpoint.own_folder(path, None).mkdir()),
    "gluonbook.checkpoint.stores.latest_common": (
        CHECKPOINTS,
        lambda path: holds(checkpoint.latest_common(path, Alone())),
    ),
    "gluonbook.launch.asked.command": (RESULTS, asked.command),
    "gluonbook.launch.asked.file": (RESULTS, lambda path: asked.file("host file", path)),
    "gluonbook.launch.asked.folder": (NOTHING, asked.folder),
    "gluonbook.launch.launcher.run": (NOTHING, launched),
    "gluonbook.storage.atomic.beside": (NOTHING, written),
    "gluonbook.storage.atomic.replace": (NOTHING, lambda path: atomic.replace(path, b"whole")),
    "gluonbook.storage.folders.write": (NOTHING, lambda path: folders.write(path, 1, {"model": b"weights"})),
    "gluonbook.storage.folders.prepare": (NOTHING, folders.prepare),
    "gluonbook.storage.folders.read": (STEP, folders.read),
    "gluonbook.storage.folders.is_sound": (STEP, lambda path: holds(folders.is_sound(path))),
    "gluonbook.storage.folders.latest": (CHECKPOINTS, lambda path: holds(folders.latest(path))),
    "gluonbook.storage.folders.steps": (CHECKPOINTS, lambda path: holds(folders.steps(path))),
    "gluonbook.storage.folders.clear": (CHECKPOINTS, cleared),
    "gluonbook.study.results.Results.save": (NOTHING, Results(study.PLANS["mnist"]).save),
    "gluonbook.study.results.Results.load": (RESULTS, Results.load),
    "gluonbook.study.runner.run": (RESULTS, studied),
    "gluonbook.training.loop.fit": (NOTHING, fitted),
    "gluonbook.training.run.start_or_resume": (NOTHING, fitted),
}


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An own home, with checkpoints and results in it; the working directory is another, empty folder."""
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    saved(str(home / CHECKPOINTS))
    Results(study.PLANS["mnist"]).save(home / RESULTS)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return home


def test_the_table_has_every_door():
    assert set(DOORS) == doors()


@pytest.mark.parametrize(("there", "door"), DOORS.values(), ids=DOORS)
def test_a_tilde_is_the_home(home, there, door):
    door(f"~/{there}")
    assert names(Path.cwd()) == []
    assert there != NOTHING or (home / NOTHING).exists()


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", ""])
@pytest.mark.parametrize("door", [door for _, door in DOORS.values()], ids=DOORS)
def test_what_is_no_path_is_refused_before_anything_is_written(home, door, path):
    before = names(home)
    with pytest.raises(ValueError, match=re.escape(repr(path))):
        door(path)
    assert names(Path.cwd()) == []
    assert set(names(home)) - {"job.py", "hosts"} == set(before)


@pytest.mark.parametrize("value", ["", "a\0b", 3, None, b"x", ["x"]], ids=repr)
def test_what_is_no_path_is_named(value):
    with pytest.raises(ValueError, match=f"^log_dir must be a path, got {re.escape(repr(value))}$"):
        checks.path("log_dir", value)


def test_a_user_who_has_no_home_is_named():
    with pytest.raises(ValueError, match=r"^log_dir is '~nobody-of-that-name/x', but there is no home of ~nobody-of"):
        checks.path("log_dir", "~nobody-of-that-name/x")


@pytest.mark.parametrize("path", ["a~b", "a/~/b", "runs/", "/", ".", "..", "-n", "$HOME", "~/x", Path("~/x"), "~root"])
def test_only_a_leading_tilde_means_anything(home, path):
    assert checks.path("log_dir", path) == Path(os.path.expanduser(path))  # noqa: PTH111 - as a shell


@pytest.mark.parametrize(
    ("variable", "read", "refusal"),
    [
        ("GLUONBOOK_DATA", local.user_folder, DatasetError),
        ("GLUONBOOK_PROGRESS", progress.file, progress.ProgressError),
    ],
)
def test_variables_are_such_doors(home, monkeypatch, variable, read, refusal):
    monkeypatch.setenv(variable, f"~/{CHECKPOINTS}")
    assert read() == home / CHECKPOINTS
    monkeypatch.setenv(variable, "~nobody-of-that-name/x")
    with pytest.raises(refusal, match="there is no home of ~nobody-of-that-name"):
        read()


def test_chapters_find_the_data_in_the_home(home, monkeypatch):
    monkeypatch.setenv("GLUONBOOK_DATA", "~/data")
    assert _kernel_environment(1, home)["GLUONBOOK_DATA"] == str(home / "data")
