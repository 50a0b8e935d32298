"""Each look of the doctor on machines that are made up, and one run on this one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

import promises
from gluonbook import datasets, doctor, paths
from gluonbook.book import outcomes
from gluonbook.book.outcomes import Outcome
from gluonbook.doctor import NOTE, OK, PROBLEM, Check, Outlook, hardware, outlook, report, software
from gluonbook.machine import facts, libraries, supported


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """An empty folder in the place of the book's checkout."""
    monkeypatch.setattr(paths, "checkout", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def installed(monkeypatch) -> dict[str, str]:
    """The versions that seem to be installed, by package."""
    found: dict[str, str] = {"gluonbook": "2.0", "mxnet": "1.9.1"}
    monkeypatch.setattr(supported, "version", found.get)
    return found


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Make commands that the doctor finds, and no others."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{Path(shutil.which('sh')).parent}")

    def make(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    make("nvidia-smi", "exit 127")
    return make


def nvidia_smi(*rows: str) -> str:
    return "\n".join(f"echo '{row}'" for row in rows)


T4, H100, K80 = "Tesla T4, 535.104.05, 7.5", "NVIDIA H100, 535.104.05, 9.0", "Tesla K80, 470.82.01, 3.7"


class TestPackages:
    def test_all_there(self, monkeypatch):
        check = software.packages()
        assert check.status in (OK, NOTE) and "numpy" not in check.finding
        assert check.finding.startswith(f"gluonbook {facts.versions()['gluonbook']}")

    def declare(self, monkeypatch, *requirements: str) -> None:
        monkeypatch.setattr(software.metadata, "requires", lambda name: list(requirements))

    def test_a_missing_or_wrong_one_is_a_problem(self, monkeypatch, installed):
        self.declare(monkeypatch, "numpy<1.24,>=1.21", "numba>=0.57", "tqdm", 'mxnet==1.9.1; extra == "cpu"')
        installed.update({"numpy": "1.20.3", "tqdm": "4.1"})
        check = software.packages()
        assert check.status == PROBLEM and "gluonbook[cpu]" in check.remedy
        assert "numpy 1.20.3 (needs <1.24,>=1.21)" in check.finding and "numba is missing" in check.finding
        assert "tqdm" not in check.finding and "mxnet" not in check.finding

    def test_the_other_build_of_mxnet_is_not_asked_for(self, monkeypatch, installed):
        self.declare(monkeypatch, 'mxnet==1.9.1; extra == "cpu"', 'mxnet-cu112==1.9.1; extra == "cu112"')
        assert software.packages() == Check("packages", OK, "gluonbook 2.0, and all that it declares")
        del installed["mxnet"]
        installed["mxnet-cu112"] = "1.8.0"
        assert software.packages().finding == "gluonbook 2.0; mxnet-cu112 1.8.0 (needs ==1.9.1)"

    def test_what_only_the_tooling_needs_is_a_note(self, monkeypatch, installed):
        self.declare(monkeypatch, 'sphinx>=7; extra == "book"', 'tomli; extra == "dev" and python_version < "3"')
        check = software.packages()
        assert check.status == NOTE and check.finding == "gluonbook 2.0; sphinx is missing (needs >=7)"


class TestLock:
    LOCK = (
        "mxnet==1.9.1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
        "numpy==1.23.5 ; python_full_version >= '3.9' \\\n    --hash=sha256:02\n"
        "pywin32==312 ; sys_platform == 'win32' \\\n    --hash=sha256:03\n"
    )

    @pytest.fixture(autouse=True)
    def lock(self, checkout, monkeypatch):
        (checkout / "requirements").mkdir()
        (checkout / "requirements/cpu.txt").write_text(self.LOCK)
        monkeypatch.setattr(sys, "prefix", str(checkout / "venv"))
        (checkout / "venv").mkdir()

    def test_equal(self, installed):
        installed["numpy"] = "1.23.5"
        check = software.lock()
        assert check.status == OK and "all 2 packages" in check.finding

    @pytest.mark.parametrize(
        ("numpy", "words"), [(None, "numpy is missing (lock: 1.23.5)"), ("1.23.4", "numpy 1.23.4 (lock: 1.23.5)")]
    )
    def test_differing_is_a_problem_in_the_environment_of_make_setup_alone(self, checkout, installed, numpy, words):
        if numpy:
            installed["numpy"] = numpy
        assert (software.lock().status, software.lock().finding) == (NOTE, words)
        (checkout / "venv/.gluonbook-setup").touch()
        check = software.lock()
        assert check.status == PROBLEM and f"rm '{checkout}/venv/.gluonbook-setup'; make setup" in check.remedy

    def test_the_gpu_build_has_a_lock_of_its_own(self, checkout, installed):
        installed["mxnet-cu112"] = "1.9.1"
        (checkout / "requirements/cu112.txt").write_text("mxnet-cu112==1.9.1\n")
        assert "cu112.txt" in software.lock().finding

    def test_no_checkout_no_lock(self, monkeypatch):
        monkeypatch.setattr(paths, "checkout", lambda: None)
        assert software.lock().status == NOTE

    def test_names_are_few(self, checkout, installed):
        (checkout / "requirements/cpu.txt").write_text("".join(f"package{i}==1\n" for i in range(20)))
        assert "and 15 more" in software.lock().finding


def answers(monkeypatch, returncode: int = 0, stdout: str = "", stderr: str = "") -> None:
    result = subprocess.CompletedProcess([], returncode, stdout, stderr)
    monkeypatch.setattr(software, "_run", lambda *_, **__: result)


def never_answers(monkeypatch) -> None:
    def run(command, timeout, variables=None):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(software, "_run", run)


class TestMXNet:
    def test_computes(self, monkeypatch):
        answers(monkeypatch, stdout="a warning\ncpu(0) (the CPU): no GPU\n")
        check = software.mxnet()
        assert check.status == OK and check.finding.endswith("cpu(0) (the CPU): no GPU")

    def test_lacks_a_library(self, monkeypatch):
        answers(monkeypatch, 1, stderr="MXNet does not find libgomp.so.1: it is said how it will.\n")
        monkeypatch.setattr(libraries, "mxnet_folder", lambda: None)  # on a bare machine links lie in the real one
        monkeypatch.setattr(libraries, "loads", lambda name: name != "libgomp.so.1")
        check = software.mxnet()
        assert (check.status, check.finding) == (PROBLEM, "does not find libgomp.so.1")
        assert libraries.LINK in check.remedy

    def test_fails_otherwise(self, monkeypatch):
        fault = "OSError: libstdc++.so.6: cannot open shared object file: No such file or directory"
        answers(monkeypatch, 1, stderr=f"Traceback (most recent call last):\n{fault}\n")
        check = software.mxnet()
        assert (check.status, check.finding) == (PROBLEM, fault)
        assert check.remedy == "`python -c 'import mxnet'` shows all that it says."

    def test_dies(self, monkeypatch):
        answers(monkeypatch, -11)
        assert software.mxnet().finding == "exit status -11"

    def test_hangs(self, monkeypatch):
        never_answers(monkeypatch)
        assert software.mxnet().status == PROBLEM


class TestMPI:
    def test_not_installed_is_a_note(self, installed):
        assert software.mpi().status == NOTE

    def test_no_launcher(self, installed, monkeypatch):
        installed["mpi4py"] = "4"
        monkeypatch.setattr(software, "mpiexec", lambda: None)
        assert "no mpiexec" in software.mpi().finding

    def test_two_lines_may_mingle(self, monkeypatch):
        answers(monkeypatch, stdout="<2><2>\n\n")
        assert software.mpi().status == OK

    def test_a_launcher_of_another_mpi(self, monkeypatch):
        answers(monkeypatch, stdout="<1>\n<1>\n")
        check = software.mpi()
        assert check.status == PROBLEM and "thinks that there are 1" in check.finding

    @pytest.mark.parametrize("result", [(1, "", "no slots\n"), (0, "", ""), (0, "<2>\n", "")])
    def test_a_failure(self, monkeypatch, result):
        answers(monkeypatch, *result)
        assert software.mpi().status == PROBLEM

    def test_hangs(self, monkeypatch):
        never_answers(monkeypatch)
        assert "did not end" in software.mpi().finding

    def test_the_launcher_beside_this_python_goes_first(self, commands, tmp_path, monkeypatch):
        on_the_path = commands("mpiexec", "")
        monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
        assert software.mpiexec() == str(on_the_path)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/mpiexec").touch()
        assert software.mpiexec() == str(tmp_path / "bin/mpiexec")


def test_a_command_that_takes_too_long_ends_with_all_its_children(tmp_path):
    mark = tmp_path / "child"
    script = f"(sleep 60; touch '{mark}') & echo $! > '{mark}.pid'; wait"
    with pytest.raises(subprocess.TimeoutExpired):
        software._run(["sh", "-c", script], timeout=1)
    child = int((tmp_path / "child.pid").read_text())
    promises.wait_for(lambda: promises.has_ended(child), 1)


class TestKernel:
    def specify(self, folder: Path, monkeypatch, program: str | None) -> None:
        for variable in ("JUPYTER_PATH", "JUPYTER_DATA_DIR"):
            monkeypatch.setenv(variable, str(folder))
        monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
        if program:
            spec = folder / "kernels/python3/kernel.json"
            spec.parent.mkdir(parents=True)
            spec.write_text(json.dumps({"argv": [program, "-m", "ipykernel_launcher"], "display_name": "x"}))

    @pytest.mark.parametrize("program", ["python", sys.executable])
    def test_ours(self, tmp_path, monkeypatch, program):
        self.specify(tmp_path, monkeypatch, program)
        assert software.kernel().status == OK

    def test_of_another_environment(self, tmp_path, monkeypatch):
        self.specify(tmp_path, monkeypatch, "/elsewhere/bin/python")
        monkeypatch.setattr(software, "_kernel_advice", lambda: "")  # tests/doctor/test_advice.py tries it
        check = software.kernel()
        assert check.status == PROBLEM and "/elsewhere/bin/python" in check.finding and str(tmp_path) in check.finding

    def test_none(self, monkeypatch):
        from jupyter_client import kernelspec

        def find(self, name):
            raise kernelspec.NoSuchKernel(name)

        monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", find)
        assert "no kernel" in software.kernel().finding

    def test_without_jupyter(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "jupyter_client.kernelspec", None)
        assert software.kernel().status == NOTE


class TestDataSets:
    @pytest.fixture(autouse=True)
    def nothing_here(self, tmp_path, monkeypatch):
        monkeypatch.setattr(paths, "data_folder", lambda: tmp_path)
        monkeypatch.delenv("GLUONBOOK_DATA", raising=False)

    def found(self) -> dict[str, Check]:
        return {check.name: check for check in software.data_sets()}

    def test_every_one_is_looked_at_and_a_missing_one_is_a_note(self):
        found = self.found()
        assert set(found) == {f"data set {name}" for name in datasets.NAMES}
        assert found["data set digits"].status == OK
        mnist = found["data set mnist"]
        assert mnist.status == NOTE and "`gluonbook data mnist` fetches 12 MB" in mnist.remedy
        assert "data/README.md" in mnist.remedy

    def test_an_installed_package_leads_to_no_file_of_the_book(self, monkeypatch):
        monkeypatch.setattr(paths, "checkout", lambda: None)
        remedy = self.found()["data set mnist"].remedy
        assert remedy == "`gluonbook data mnist` fetches 12 MB; its error says how, without a network."

    def test_a_damaged_one_is_a_problem(self, tmp_path):
        for file in next(iter(datasets.info("mnist").forms.values())):
            (tmp_path / "mnist").mkdir(exist_ok=True)
            (tmp_path / "mnist" / file.name).write_bytes(b"<html>not here</html>")
        check = self.found()["data set mnist"]
        assert check.status == PROBLEM and "HTML" in check.finding and str(tmp_path) in check.finding


class TestHardware:
    def test_one_core_is_a_note(self, monkeypatch):
        monkeypatch.setattr(facts, "cores", lambda: 1)
        assert hardware.processor().status == NOTE and "1 core" in hardware.processor().finding

    def test_little_memory_is_a_note(self, monkeypatch):
        monkeypatch.setattr(facts, "memory", lambda: 1.5)
        assert hardware.memory().status == NOTE and "1.5 GiB" in hardware.memory().finding

    @pytest.mark.parametrize(("gib", "status"), [(0.5, PROBLEM), (3, NOTE), (50, OK)])
    def test_room_on_the_disk(self, checkout, monkeypatch, gib, status):
        usage = namedtuple("usage", "free")(int(gib * 2**30))
        monkeypatch.setattr(hardware.shutil, "disk_usage", lambda folder: usage)
        assert hardware.disk().status == status

    def test_a_closed_folder_is_a_problem(self, checkout, monkeypatch):
        (checkout / "chapters").mkdir()
        monkeypatch.setattr(hardware.os, "access", lambda folder, mode: Path(folder).name != "chapters")
        check = hardware.folders()
        assert check.status == PROBLEM and str(checkout / "chapters") in check.finding
        monkeypatch.setattr(hardware.os, "access", lambda folder, mode: True)
        assert hardware.folders().status == OK

    def test_folders_of_an_installed_package_need_not_exist_yet(self, tmp_path, monkeypatch):
        monkeypatch.setattr(paths, "checkout", lambda: None)
        monkeypatch.setattr(paths, "data_folder", lambda: tmp_path / "not/yet")
        assert hardware.folders().status == OK and hardware.disk().finding.endswith(str(tmp_path))


class TestGpu:
    @pytest.fixture
    def gpu_build(self, installed):
        del installed["mxnet"]
        installed["mxnet-cu112"] = "1.9.1"

    def test_none_is_a_note_with_the_cpu_build(self, commands, installed):
        assert hardware.gpu().status == NOTE

    def test_none_is_a_problem_with_the_gpu_build(self, commands, gpu_build):
        check = hardware.gpu()
        assert check.status == PROBLEM and "driver" in check.remedy

    def test_a_fitting_one(self, commands, gpu_build):
        commands("nvidia-smi", nvidia_smi(T4))
        check = hardware.gpu()
        assert check.status == OK and check.finding == "Tesla T4, compute capability 7.5, driver 535.104.05"

    def test_a_fitting_one_is_pointed_out_with_the_cpu_build(self, commands, installed):
        commands("nvidia-smi", nvidia_smi(T4))
        check = hardware.gpu()
        assert check.status == NOTE and "make setup KIND=cu112" in check.remedy

    @pytest.mark.parametrize("row", [H100, K80])
    def test_one_that_mxnet_has_no_kernels_for(self, commands, gpu_build, row):
        commands("nvidia-smi", nvidia_smi(T4, row))
        check = hardware.gpu()
        assert check.status == PROBLEM and row.split(",")[0] in check.remedy and "sm_50 to sm_89" in check.remedy

    def test_a_too_new_one_is_only_a_note_with_the_cpu_build(self, commands, installed):
        commands("nvidia-smi", nvidia_smi(H100))
        check = hardware.gpu()
        assert check.status == NOTE and "sm_50 to sm_89" in check.remedy and "KIND=cu112" not in check.remedy

    @pytest.mark.parametrize(("driver", "status"), [("450.51.06", PROBLEM), ("450.80.02", OK), ("396.37", PROBLEM)])
    def test_the_driver_must_serve_cuda_11(self, commands, gpu_build, driver, status):
        commands("nvidia-smi", nvidia_smi(f"Tesla T4, {driver}, 7.5"))
        assert hardware.gpu().status == status

    def test_an_old_driver_does_not_tell_the_capability(self, commands, gpu_build):
        commands("nvidia-smi", 'case "$1" in *compute_cap*) exit 2 ;; esac\necho "Tesla T4, 470.82.01"')
        check = hardware.gpu()
        assert check.status == OK and "capability unknown" in check.finding

    def test_those_of_cuda_are_not_looked_for_with_the_cpu_build(self, installed, monkeypatch):
        asked = []
        monkeypatch.setattr(libraries, "mxnet_folder", lambda: None)
        monkeypatch.setattr(libraries, "loads", lambda name: asked.append(name) or True)
        check = hardware.shared_libraries()
        assert (check.status, check.finding) == (OK, "all 2 that MXNet is linked to are found")
        assert asked == ["libgomp.so.1", "libquadmath.so.0"]

    def test_libraries_beside_mxnet_or_on_the_system(self, gpu_build, tmp_path, monkeypatch):
        (tmp_path / "libcudnn.so.8").touch()
        monkeypatch.setattr(libraries, "mxnet_folder", lambda: tmp_path)
        monkeypatch.setattr(libraries, "loads", lambda name: name != "libcudnn.so.8")
        assert hardware.shared_libraries().status == OK

    def test_missing_libraries_are_named_with_what_brings_them(self, gpu_build, installed, tmp_path, monkeypatch):
        installed["nvidia-cudnn-cu11"] = "8.9"
        monkeypatch.setattr(libraries, "mxnet_folder", lambda: tmp_path)
        missing = ("libcudnn.so.8", "libnccl.so.2", "libcuda.so.1")
        monkeypatch.setattr(libraries, "loads", lambda name: name not in missing)
        check = hardware.shared_libraries()
        assert check.status == PROBLEM and check.finding == f"not found: {', '.join(missing)}"
        assert "pip install nvidia-nccl-cu11`" in check.remedy and libraries.LINK in check.remedy
        assert "driver brings libcuda.so.1" in check.remedy

    def test_the_list_is_that_of_the_project(self):
        project = (paths.checkout() / "pyproject.toml").read_text()
        assert all(package in project for package in libraries.CUDA.values())


class TestOutlook:
    def test_without_the_tooling_there_is_a_note(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "gluonbook.book.executions", None)
        found = outlook()
        assert found.chapters == () and "tooling" in found.note

    def test_a_broken_chapter_is_told_not_raised(self, checkout, monkeypatch):
        from gluonbook.book import executions

        def broken(book):
            raise ValueError("chapters/x: front matter")

        monkeypatch.setattr(executions, "Executions", broken)
        assert outlook() == Outlook((), "ValueError: chapters/x: front matter")

    def test_without_the_book_there_is_a_note(self, monkeypatch):
        monkeypatch.setattr(paths, "checkout", lambda: None)
        assert "without the book" in outlook().note

    @pytest.fixture
    def book(self, checkout, monkeypatch):
        from gluonbook.book import chapters, executions

        def page(name, runs=True, needs=(), timed=False):
            return chapters.Chapter(name, checkout / f"{name}.md", runs, needs, timed)

        pages = [
            page("chapters/intro", runs=False),
            page("chapters/gluon/autograd"),
            page("chapters/convnets/lenet", needs=("mnist",), timed=True),
            page("chapters/new"),
        ]
        executed = [SimpleNamespace(chapter=pages[1], seconds=12.3, date="2024-05-06")]
        monkeypatch.setattr(chapters.Book, "parts", (chapters.Part("", tuple(pages)),))
        monkeypatch.setattr(executions, "Executions", lambda book: SimpleNamespace(fresh=lambda: executed))
        stored = {
            "profile": "quick",
            "machine": {**facts.machine(), "cpu": "Some CPU", "cores": 2},
            "date": "2024-01-01",
        }
        seconds = {"chapters/gluon/autograd": 99.0, "chapters/convnets/lenet": 200.0}
        kept = [Outcome(chapter=name, **stored, commit="", text="", seconds=each) for name, each in seconds.items()]
        outcomes.keep(checkout, kept, seconds)
        return outlook()

    def test_times_measured_here_go_before_those_of_the_book(self, book):
        found = {chapter.name: (chapter.seconds, chapter.measured) for chapter in book.chapters}
        assert found == {
            "chapters/gluon/autograd": (12.3, "here, 2024-05-06"),
            "chapters/convnets/lenet": (200.0, "Some CPU, 2 cores, 2024-01-01"),
            "chapters/new": (None, ""),
        }

    def test_times_of_another_profile_say_so(self, book, monkeypatch):
        monkeypatch.setenv("GLUONBOOK_PROFILE", "full")
        assert outlook().chapters[1].measured.endswith("profile quick")

    @pytest.mark.parametrize("name", ["lenet", "convnets/lenet", "chapters/convnets/lenet", "lenet.md"])
    def test_one_chapter(self, book, name):
        assert [chapter.name for chapter in book.only(name).chapters] == ["chapters/convnets/lenet"]

    def test_an_unknown_chapter_is_named_with_those_there_are(self, book):
        with pytest.raises(ValueError, match=r"no chapter 'net'.*chapters/convnets/lenet"):
            book.only("net")

    def test_where_there_are_none_the_note_says_why(self):
        with pytest.raises(ValueError, match=r"^no chapter can be looked up: gluonbook is installed without the book$"):
            Outlook((), "gluonbook is installed without the book").only("lenet")

    def test_the_table(self, book, capsys, monkeypatch):
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        report.show([Check("data set mnist", NOTE, "not here")], book)
        shown = capsys.readouterr().out
        lenet = next(line for line in shown.splitlines() if "lenet" in line)
        assert "mnist (not here), a quiet machine" in lenet and "3 min" in lenet
        assert "3 chapters" in shown and "?" in shown
        assert "No problems: the book runs here." in shown


class TestRun:
    @pytest.fixture(autouse=True)
    def looks(self, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        found = {"one": lambda: Check("one", OK, "fine"), "two": lambda: [Check("two", NOTE, "[red]no", "buy one")]}
        monkeypatch.setattr(doctor, "_LOOKS", found)
        monkeypatch.setattr(doctor, "outlook", lambda: Outlook((), "no book"))
        return found

    def test_notes_are_no_problem(self, capsys):
        assert doctor.run() == 0
        shown = capsys.readouterr().out
        assert "note" in shown and "[red]no" in shown and "buy one" in shown
        assert "No chapters to look at: no book." in shown and "No problems: the package runs here." in shown

    def test_a_problem_is_status_1(self, looks, capsys):
        looks["three"] = lambda: Check("three", PROBLEM, "bad", "fix it")
        assert doctor.run() == 1
        assert "Problems: three" in capsys.readouterr().out

    def test_a_look_that_fails_is_a_problem_and_the_others_go_on(self, looks, capsys):
        def fails():
            raise OSError("libcuda.so.1: cannot open")

        looks["zero"] = fails
        assert doctor.run(json=True) == 1
        found = json.loads(capsys.readouterr().out)
        assert found["problems"] == 1 and len(found["checks"]) == 3
        assert found["checks"][-1]["finding"] == "could not be looked at: OSError: libcuda.so.1: cannot open"

    def test_an_unknown_chapter(self):
        with pytest.raises(ValueError, match="no chapter can be looked up: no book"):
            doctor.run(chapter="x")

    def test_plain_without_a_terminal_and_under_no_color(self, capsys, monkeypatch):
        doctor.run()
        assert "\x1b" not in capsys.readouterr().out
        monkeypatch.setenv("FORCE_COLOR", "1")
        doctor.run()
        assert "\x1b" in capsys.readouterr().out
        monkeypatch.setenv("NO_COLOR", "1")
        doctor.run()
        assert "\x1b" not in capsys.readouterr().out

    def test_lines_carry_no_blanks_at_their_end(self, capsys):
        doctor.run()
        assert all(line == line.rstrip() for line in capsys.readouterr().out.splitlines())


def test_a_status_is_one_of_three():
    with pytest.raises(ValueError, match="status is 'good'; legal are 'ok', 'note' and 'problem'"):
        Check("x", "good", "")


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (89, "89 s"), (200, "3 min"), (9000, "2.5 h")])
def test_durations(seconds, words):
    assert report.duration(seconds) == words


def test_this_machine_as_json():
    """All of it in a process of its own, as the command runs it: a machine may have problems, MXNet and MPI not."""
    code = "import sys; from gluonbook import doctor; sys.exit(doctor.run(json=True))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert result.stdout, result.stderr
    found = json.loads(result.stdout)
    assert result.returncode == (1 if found["problems"] else 0)
    names = {check["name"] for check in found["checks"]}
    assert names == set(doctor._LOOKS) - {"data sets"} | {f"data set {name}" for name in datasets.NAMES}
    assert all(set(check) == {"name", "status", "finding", "remedy"} for check in found["checks"])
    assert all(check["remedy"] for check in found["checks"] if check["status"] == PROBLEM)
    assert found["versions"]["mxnet"] and found["machine"]["cores"]
    assert {"name", "needs", "timed", "seconds", "measured"} == set(found["chapters"][0])
    by_name = {check["name"]: check for check in found["checks"]}
    assert by_name["MXNet"]["status"] == by_name["MPI"]["status"] == OK, by_name
