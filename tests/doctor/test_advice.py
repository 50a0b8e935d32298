"""Each advice of the doctor is given where it helps: the fault is played, the advice applied, and the fault is gone.

The parts of a program that fail here are of a few lines, and named like variables that have made MXNet fail elsewhere.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gluonbook import paths
from gluonbook.doctor import OK, PROBLEM, hardware, software, tries
from gluonbook.machine import limits
from gluonbook.machine.folder import Folder


def runs(code: str) -> tries.Attempt:
    """An attempt that really starts Python."""

    def attempt(variables: Mapping[str, str], options: Sequence[str]) -> bool:
        return (
            subprocess.run([sys.executable, *options, "-c", code], env=variables, capture_output=True).returncode == 0
        )

    return attempt


def unset(remedy: str) -> list[str]:
    return re.search(r"`unset ([^`]*)`", remedy)[1].split()


IS_SET = "import os, sys; sys.exit({!r} in os.environ)"
FAULTS = {
    "PYTHONOPTIMIZE": ("2", "def f():\n 'said'\nf.__doc__.strip()"),
    "PYTHONWARNINGS": ("error", "import warnings; warnings.warn('old', DeprecationWarning)"),
    "PYTHONHOME": ("/nowhere", "import os"),
    "PYTHONPATH": ("{folder}", "import decimal; decimal.Decimal(1)"),
    "LD_PRELOAD": ("{folder}/wrong.so", IS_SET.format("LD_PRELOAD")),
    "LD_LIBRARY_PATH": ("{folder}", IS_SET.format("LD_LIBRARY_PATH")),
    "MXNET_ENGINE_TYPE": ("None", IS_SET.format("MXNET_ENGINE_TYPE")),
    "UCX_TLS": ("none", IS_SET.format("UCX_TLS")),
    "SOMETHING_OF_A_SITE": ("1", IS_SET.format("SOMETHING_OF_A_SITE")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_variable_at_fault_is_found_and_unsetting_it_helps(tmp_path, monkeypatch, name):
    value, code = FAULTS[name]
    (tmp_path / "decimal.py").write_text("")
    for other in range(3):
        monkeypatch.setenv(f"OMP_OTHER_{other}", "1")
    monkeypatch.setenv(name, value.format(folder=tmp_path))
    attempt = runs(code)
    assert not attempt(os.environ, ())
    remedy = tries.helps(attempt)
    assert unset(remedy) == [name] and f"{name}=" in remedy
    monkeypatch.delenv(name)
    assert attempt(os.environ, ())


@pytest.mark.parametrize("guilty", [["A"], ["E"], ["B", "G"], ["A", "B", "C", "D", "E", "F", "G"]])
def test_no_variable_is_named_that_is_not_at_fault(guilty):
    """Where each of several is enough to fail, all of them are named, and those alone."""
    suspects = list("ABCDEFG")
    assert sorted(tries._guilty(suspects, lambda removed: set(guilty) <= set(removed))) == guilty


def test_a_file_in_the_working_folder_that_takes_the_place_of_a_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queue.py").write_text("")
    attempt = runs("import queue; queue.Queue()")
    assert not attempt(os.environ, ())
    assert re.search(rf"In the working folder {tmp_path}, queue, .* is at fault", tries.helps(attempt))
    monkeypatch.chdir(tmp_path.parent)
    assert attempt(os.environ, ())


def test_where_nothing_that_is_tried_helps_there_is_no_advice():
    assert tries.helps(lambda variables, options: False) == ""


class TestDamaged:
    @pytest.fixture
    def package(self, tmp_path, monkeypatch) -> Path:
        info = tmp_path / "broken-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Name: broken\nVersion: 1\n")
        (info / "RECORD").write_text("broken.py,,4\nother.py,,4\nunlisted.pyc,,\n../bin/tool,,9\n")
        for file in ("broken.py", "other.py"):
            (tmp_path / file).write_text("full")
        (tmp_path.parent / "bin").mkdir(exist_ok=True)
        (tmp_path.parent / "bin/tool").write_text("#!rewritten by the installer")
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    def test_sound(self, package):
        assert tries.damaged("broken", "absent") == []

    @pytest.mark.parametrize("damage", [lambda file: file.write_text("cut"), Path.unlink])
    def test_cut_off_or_gone(self, package, damage):
        damage(package / "broken.py")
        assert tries.damaged("broken") == ["broken.py"]

    def test_only_then_the_environment_is_to_be_made_again(self, monkeypatch):
        failed = subprocess.CompletedProcess([], 1, "", "ImportError: what")
        monkeypatch.setattr(tries, "helps", lambda attempt: "")
        assert software._advice(failed, None, ()) == ""
        monkeypatch.setattr(tries, "damaged", lambda *packages: ["mxnet/libmxnet.so"])
        assert "libmxnet.so. Make the environment again" in software._advice(failed, None, ("mxnet",))

    def test_the_packages_of_this_environment_are_sound(self):
        assert tries.damaged("mxnet", "mxnet-cu112", "numpy", "mpich", "mpi4py") == []


def room(size: int, free: int, full: bool = False) -> Folder:
    return Folder(Path("/dev/shm"), size, free, full, read_only=False, without_programs=False)


class TestSharedMemory:
    def test_little_of_it_is_a_note_and_more_is_well(self, monkeypatch):
        monkeypatch.setattr(Folder, "around", lambda path: room(2**26, 2**26))
        assert "--shm-size=1g" in hardware.shared_memory().remedy
        monkeypatch.setattr(Folder, "around", lambda path: room(2**30, 2**30))
        assert hardware.shared_memory().status == OK

    def test_mpi_is_not_blamed_for_it(self, monkeypatch):
        monkeypatch.setattr(Folder, "around", lambda path: room(2**20, 2**20))
        check = software.mpi()
        assert check.status == PROBLEM and "docker run --shm-size=1g" in check.remedy and "pip" not in check.remedy


class TestTemporaryFiles:
    def check(self, variable: str):
        code = (
            "from gluonbook.doctor import hardware as h; c = h.temporary_files(); print(c.status, c.finding, c.remedy)"
        )
        environment = {**os.environ, "TMPDIR": variable}
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout

    def test_a_long_name(self, tmp_path):
        folder = tmp_path / ("x" * 60)
        folder.mkdir()
        length = len(os.fsencode(folder))
        assert re.search(rf"note .*{length} bytes, at most 75: `export TMPDIR=/tmp`", self.check(str(folder)))

    @pytest.mark.parametrize("there", [True, False])
    def test_one_that_cannot_be_used(self, tmp_path, there):
        (tmp_path / "file").touch()
        assert re.search(r"note .*cannot be used", self.check(str(tmp_path / ("file" if there else "absent"))))

    def test_the_longest_name_works(self, tmp_path):
        """With as many bytes as the remedy allows a socket can be made, and with one more it cannot."""
        code = "from multiprocessing.connection import Listener; Listener(family='AF_UNIX').close()"
        for length, works in ((75, True), (76, False)):
            folder = Path("/tmp") / f"{os.getpid()}".ljust(length - len("/tmp/"), "x")
            folder.mkdir()
            try:
                done = subprocess.run(
                    [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(folder)}, capture_output=True
                )
                assert (done.returncode == 0) == works, done.stderr
                assert (limits.socket_folder_too_long(folder) == "") == works
            finally:
                folder.rmdir()


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["PYTHONOPTIMIZE=2", "PYTHONWARNINGS=error"])
def test_mxnet_itself_under_a_variable_of_python(monkeypatch, setting):
    name, value = setting.split("=")
    for other in [other for other in os.environ if other.startswith(tries._MEDDLING)]:
        monkeypatch.delenv(other)  # each costs a try of some seconds
    monkeypatch.setenv(name, value)
    check = software.mxnet()
    assert check.status == PROBLEM and unset(check.remedy) == [name]
    assert "environment again" not in check.remedy and paths.PACKAGE.name not in check.remedy


@pytest.mark.parametrize("variable", ["JUPYTER_PATH", "JUPYTER_DATA_DIR"])
def test_the_kernel_of_another_environment(tmp_path, monkeypatch, variable):
    spec = tmp_path / "kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text('{"argv": ["/elsewhere/bin/python"], "display_name": "x"}', encoding="utf-8")
    for other in [other for other in os.environ if other.startswith("JUPYTER_")]:
        monkeypatch.delenv(other)
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    check = software.kernel()
    assert check.status == PROBLEM
    if exported := re.search(r"`export ([A-Z_]+)=(\w+)`", check.remedy):
        monkeypatch.setenv(exported[1], exported[2])
    else:
        for name in unset(check.remedy):
            monkeypatch.delenv(name)
    assert software.kernel().status == OK
