"""The package away from the book: built twice it is the same, and alone in an environment it trains, with its types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import gluonbook

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "LICENSES", "src", "data/manifest.json")
BUILD = """
import sys
from flit_core.buildapi import build_sdist, build_wheel
print(build_wheel(sys.argv[1]), build_sdist(sys.argv[1]))
"""
# What starts as a process of its own, or builds the book, which the package alone has not.
NOT_IMPORTED = ("gluonbook.__main__", "gluonbook.book", "gluonbook.launch.tied")

pytestmark = pytest.mark.slow


def built(folder: Path, target: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of a source folder."""
    target.mkdir()
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1000000000"}
    command = [sys.executable, "-c", BUILD, str(target)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    wheel, sdist = done.stdout.split()[-2:]
    return target / wheel, target / sdist


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return built(ROOT, tmp_path_factory.mktemp("built") / "dist")


def test_two_builds_are_the_same_whoever_has_checked_the_files_out_and_when(dist, tmp_path):
    copy = tmp_path / "elsewhere"
    for name in BUILT_FROM:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, copy / name)
    for file in copy.rglob("*"):
        os.utime(file, (1_500_000_000, 1_500_000_000), follow_symlinks=False)
    for one, other in zip(dist, built(copy, tmp_path / "dist")):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def test_the_sdist_makes_the_same_wheel(dist, tmp_path):
    wheel, sdist = dist
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    again, _ = built(folder, tmp_path / "dist")
    assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_has_what_is_no_python_and_the_licences(dist):
    names = set(zipfile.ZipFile(dist[0]).namelist())
    files = [file for file in (ROOT / "src/gluonbook").rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert {str(file.relative_to(ROOT / "src")) for file in files} <= names
    assert {"gluonbook/py.typed", "gluonbook/manifest.json"} <= names
    assert {Path(name).name for name in names if "/licenses/" in name} == {
        *("LICENSE", *(file.name for file in (ROOT / "LICENSES").iterdir()))
    }


@dataclass(frozen=True)
class Away:
    """An environment that has the wheel, and the packages of this one, but nothing of the book; and an empty folder."""

    python: Path
    folder: Path

    def run(self, *words: str | Path, fails: bool = False) -> str:
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GLUONBOOK"))}
        mpi = Path(sys.prefix) / "lib/libmpi.so.12"  # beside the interpreter, where the wheel of MPICH puts it
        env = {**outside, "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(self.folder / "cache")}
        env["MPI4PY_LIBMPI"] = str(mpi)
        command = [str(self.python), *map(str, words)]
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=300)
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def away(dist: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Away:
    venv, folder = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", dist[0]]
    subprocess.run(pip, check=True)
    (own,) = venv.glob("lib/python*/site-packages")
    for program in Path(sys.executable).parent.iterdir():
        if program.name.startswith(("mpiexec", "hydra_")):  # as the wheel of MPICH puts them there
            (venv / "bin" / program.name).symlink_to(program.resolve())
    # A folder that a .pth file names has its packages found, and its own .pth files, with the checkout in them, not.
    (own / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Away(python, folder)


def test_every_module_is_imported_and_none_is_of_the_repository(away, dist):
    files = (Path(name) for name in zipfile.ZipFile(dist[0]).namelist() if name.endswith(".py"))
    names = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files]
    names = [name for name in names if not name.startswith(NOT_IMPORTED)]
    assert len(names) > 200
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(name)
from gluonbook import datasets, paths
print(paths.checkout(), len(datasets.load("digits").train))
print(*{{module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}}, sep="\\n")
"""
    said, *files = away.run("-c", code).splitlines()
    assert said == "None 1500"
    ours = [file for file in files if "/gluonbook/" in file]
    assert len(ours) >= len(names)
    assert [file for file in ours if not file.startswith(str(away.python.parents[1]))] == []
    assert [file for file in files if file.startswith((f"{ROOT}/src", f"{ROOT}/tests"))] == []


def test_two_processes_train_in_an_empty_folder(away):
    shutil.copyfile(ROOT / "examples/vote.py", away.folder / "vote.py")
    said = away.run("-m", "gluonbook", "run", "--workers", "2", "--engine", "mpi", "vote.py", "mpi")
    assert "rank 0 of 2: test accuracy 9" in said
    assert "2 workers ended well" in said


def test_the_doctor_and_what_needs_the_book_say_so(away):
    assert "gluonbook is installed without the book's chapters" in " ".join(
        away.run("-m", "gluonbook", "doctor").split()
    )
    said = away.run("-m", "gluonbook.book", "build", fails=True)
    assert "this command needs the book's checkout" in said and "Traceback" not in said
    assert "are in the book's repository" in away.run("-m", "gluonbook", "bench", fails=True)


def test_type_checkers_see_its_types(away):
    (away.folder / "mine.py").write_text(
        'from gluonbook.theory import density\n\nreveal_type(density([3.0, 4.0]))\ndensity([1.0], "many")\n'
    )
    said = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", away.python, "mine.py"],
        cwd=away.folder,
        capture_output=True,
        text=True,
    ).stdout
    assert 'Revealed type is "' in said and "float" in said
    assert 'Too many arguments for "density"' in said


def test_all_places_name_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["version"] == gluonbook.__version__ == cited["version"]
    assert {"cff-version", "message", "title", "authors"} <= set(cited)  # what the format asks for
    assert cited["type"] in ("software", "dataset")
    # Of several licences, the format says that one may choose; the text is not under that of the code.
    assert cited["license"] == "Apache-2.0" and "text and figures are under CC BY 4.0" in cited["abstract"]
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert cited["repository-code"] == settings["repository"]["url"] and cited["title"] == settings["title"]
