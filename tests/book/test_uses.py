"""What a chapter uses is read off its cells and the package: every way in which code reaches other code counts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gluonbook.book.chapters import Book
from gluonbook.book.uses import Package, Uses, of_chapter, of_code
from small_books import FRONT

FILES = {
    "__init__.py": "",
    "paths.py": "ROOT = 'of the checkout'",
    "cli.py": "from gluonbook.paths import ROOT",
    "room/__init__.py": '"""A room; it does not use `gluonbook.other.far`."""\nfrom gluonbook.room.near import x',
    "room/near.py": "def late():\n    from gluonbook import paths",
    "room/kernels.cu": "// no Python",
    "room/alone.py": "",
    "other/__init__.py": "",
    "other/far.py": "if TYPE_CHECKING:\n    from gluonbook.room import near",
    "other/starter.py": "command = ['python', '-m', 'gluonbook.room.alone']",
    "lazy/__init__.py": "from importlib import import_module\nform = import_module(f'gluonbook.lazy.{name}')",
    "lazy/one.py": "from gluonbook.other import far",
    "book/__init__.py": "",
    "doctor/__init__.py": "",
    "manifest.json": "{}",
}
ROOM = {"__init__.py", "room/__init__.py", "room/near.py", "room/kernels.cu", "paths.py"}
EVERYTHING = set(FILES) - {"book/__init__.py", "doctor/__init__.py", "manifest.json"}


@pytest.fixture
def package(tmp_path) -> Package:
    for name, text in FILES.items():
        file = tmp_path / "src/gluonbook" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "benchmarks/results").mkdir(parents=True)
    (tmp_path / "benchmarks/results/study.jsonl").touch()
    return Package(tmp_path)


def chapter(*cells: str) -> str:
    return FRONT + "\n\n".join(f"```{{code-cell}} ipython3\n{cell}\n```" for cell in cells)


def files(package: Package, uses: Uses) -> set[str]:
    return {str(file.relative_to(package.folder)) for file in package.files(uses)}


@pytest.mark.parametrize(
    ("cell", "used"),
    {
        "1 + 1": set(),
        "import numpy": set(),
        "import gluonbook": {"__init__.py"},
        "import gluonbook.paths": {"__init__.py", "paths.py"},
        "from gluonbook import paths as p": {"__init__.py", "paths.py"},
        "from gluonbook.room import near": ROOM,
        "from gluonbook.room.near import x": ROOM,
        "from gluonbook.room import (\n    alone,\n)": ROOM | {"room/alone.py"},
        "def later():\n    import gluonbook.room": ROOM,
        "from gluonbook.other import far": {"__init__.py", "other/__init__.py", "other/far.py"},
        "from gluonbook.other import starter": {"other/__init__.py", "other/starter.py", "room/alone.py"} | ROOM,
        "run(['-m', 'gluonbook.room'])": ROOM,
        "prefix = 'gluonbook.room.'": set(),
        "run('from gluonbook import paths, cli')": {"__init__.py", "paths.py", "cli.py"},
        "!python -m gluonbook.room": ROOM,
        "%time from gluonbook import paths": {"__init__.py", "paths.py"},
        "%%time\nfrom gluonbook import paths": {"__init__.py", "paths.py"},
        "%%writefile train.py\nfrom gluonbook import paths": {"__init__.py", "paths.py"},
        "%%writefile {folder}/train.py\nimport gluonbook.paths": {"__init__.py", "paths.py"},
        "%%bash\npython -m gluonbook.paths": {"__init__.py", "paths.py"},
        "import gluonbook.lazy": {
            "__init__.py",
            "lazy/__init__.py",
            "lazy/one.py",
            "other/__init__.py",
            "other/far.py",
        },
        "from gluonbook.doctor import Check": {"__init__.py", "doctor/__init__.py"},
        "from importlib import import_module\nimport_module(name)": EVERYTHING,
        "exec(program)": EVERYTHING,
        "%run somewhere.py": EVERYTHING,
        "this is no Python": EVERYTHING,
        "%%fortran\nthis is none either": EVERYTHING,
    }.items(),
)
def test_a_cell_uses_what_it_reaches(package, cell, used):
    assert files(package, of_chapter(chapter(cell))) == used


def test_a_script_is_read_when_all_of_it_is_written(package):
    first, second = "%%writefile a.py\ndef f():\n    if x:", "%%writefile -a a.py\n        import gluonbook.paths"
    assert files(package, of_chapter(chapter(first, second, "%run a.py"))) == {"__init__.py", "paths.py"}
    assert files(package, of_chapter(chapter(first))) == EVERYTHING, "half a script is no Python"


def test_a_script_that_is_written_anew_is_another(package):
    cells = ("%%writefile a.py\nimport gluonbook.room", "%%writefile a.py\nimport gluonbook.paths")
    assert "room/alone.py" not in files(package, of_chapter(chapter(*cells)))


@pytest.mark.parametrize("string", ["benchmarks/results", "benchmarks/results/study.jsonl"])
def test_a_file_of_the_checkout_is_used_by_whoever_names_it(package, string):
    (file,) = package.files(of_code(f"folder = root / {string!r}"))
    assert file.name == "study.jsonl"


@pytest.mark.parametrize("string", ["benchmarks", "../benchmarks/results", "/", "no/such", "a\0b/c", ""])
def test_other_strings_name_no_file(package, string):
    assert package.files(of_code(f"x = {string!r}")) == []


def test_prose_is_no_code(package):
    assert files(package, of_chapter(chapter("1") + "\n\nRead `gluonbook.room`.\n")) == set()


@pytest.fixture(scope="module")
def used() -> dict[str, set[str]]:
    """The files of the package, by the chapter's key, and what else of the checkout."""
    book = Book.here()
    package = Package(book.root)
    found = {}
    for one in book.running:
        uses = of_chapter(one.text())
        assert not uses.unclear, one.name
        found[one.key] = {str(file.relative_to(book.root)) for file in package.files(uses)}
    return found


class TestTheBook:
    """What its chapters use."""

    def test_a_chapter_has_its_own_exercises_and_no_other_s(self, book, used):
        for chapter in book.teaching:
            files = {file.removeprefix("src/gluonbook/exercises/") for file in used[chapter.key]}
            modules = {file for file in files if file.count("/") == 1 and not file.endswith("__init__.py")}
            assert modules & {f"{other.key}.py" for other in book.teaching} == {f"{chapter.key}.py"}

    def test_none_has_what_builds_the_book_or_looks_at_the_machine(self, used):
        for key, files in used.items():
            for other in ("book/", "doctor/", "cli.py"):
                assert not [file for file in files if file.startswith(f"src/gluonbook/{other}")], key

    def test_who_draws_stored_measurements_has_them(self, used):
        drawing = {key for key, files in used.items() if any(file.startswith("benchmarks/results/") for file in files)}
        before = {"multi_gpu/kvstore", "multi_gpu/parallelism"}
        assert drawing == {*before, "signum/majority_vote", "signum/custom_optimizer", "signum/benchmarks"}

    def test_who_starts_processes_has_what_runs_in_them(self, used):
        starting = {key for key, files in used.items() if "src/gluonbook/launch/__init__.py" in files}
        assert {"multi_gpu/distributed", "signum/majority_vote", "signum/accuracy", "signum/adversaries"} <= starting
        assert all("src/gluonbook/rank/part.py" in used[key] for key in starting)

    def test_kernels_come_with_their_cuda(self, used):
        assert "src/gluonbook/kernels/kernels.cu" in used["signum/custom_optimizer"]
        assert "src/gluonbook/optimizers/lion.py" in used["signum/custom_optimizer"]

    def test_a_chapter_on_gradients_has_no_store_and_no_optimizer(self, used):
        for room in ("kvstore", "kernels", "optimizers", "launch", "study"):
            assert not [file for file in used["gluon/autograd"] if file.startswith(f"src/gluonbook/{room}/")]

    @pytest.mark.slow
    @pytest.mark.parametrize("module", ["kvstore", "study"])
    def test_what_python_imports_is_among_what_was_read(self, book, module):
        code = f"import sys, gluonbook.{module}; print(*(name for name in sys.modules if name.startswith('gluonbook')))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        package = Package(book.root)
        read = set(package.files(of_code(f"import gluonbook.{module}")))
        assert {package.modules[name] for name in done.stdout.split()} <= read
