"""What `import gluonbook` says where it cannot run; most tests do it in an interpreter of their own."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gluonbook

SOURCE = Path(gluonbook.__file__).parents[1]
GOOD = {"mxnet": "1.9.1", "numpy": "1.23.5"}


def site(folder: Path, packages: dict[str, str]) -> Path:
    """A folder in which these packages seem to be installed; none can be imported."""
    for name, version in packages.items():
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


def python(code: str, *folders: Path, options: tuple[str, ...] = ("-S",), **variables: str):
    """Run code in a fresh interpreter; with -S it sees no packages but those in the folders."""
    path = os.pathsep.join(map(str, (*folders, SOURCE)))
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


WINDOWS = "platform.system, platform.machine = lambda: 'Windows', lambda: 'AMD64'"
MAC = "platform.system, platform.machine = lambda: 'Darwin', lambda: 'arm64'"
CASES = {
    "old Python": ("sys.version_info, platform.python_version = (3, 8), lambda: '3.8.18'", GOOD, ["3.8.18", "3.9 to"]),
    "new Python": ("sys.version_info, platform.python_version = (3, 12), lambda: '3.12.1'", GOOD, ["3.12.1", "make"]),
    "PyPy": ("platform.python_implementation = lambda: 'PyPy'", GOOD, ["PyPy", "CPython"]),
    "Windows": (WINDOWS, {"mxnet": "1.2.0"}, ["Windows", "WSL2"]),
    "Windows and a new Python": (f"{WINDOWS}; sys.version_info = (3, 13)", {}, ["Windows", "WSL2"]),
    "Apple silicon": (MAC, {"mxnet": "1.6.0"}, ["macOS on arm64", "container"]),
    "32 bits": ("platform.machine = lambda: 'i686'", {}, ["Linux on i686", "container"]),
    "musl": ("import os; os.confstr = lambda name: None", {}, ["glibc", "Alpine"]),
    "no MXNet": ("", {"numpy": "1.23.5"}, ["not installed", "mxnet==1.9.1", "make setup"]),
    "old MXNet": ("", {"mxnet": "1.6.0", "numpy": "1.23.5"}, ["mxnet 1.6.0", "mxnet==1.9.1"]),
    "old MXNet for GPUs": ("", {"mxnet-cu112": "1.8.0"}, ["mxnet-cu112 1.8.0", "mxnet-cu112==1.9.1"]),
    "both builds": ("", {**GOOD, "mxnet-cu112": "1.9.1"}, ["Both", "uninstall -y mxnet mxnet-cu112"]),
    "numpy 1.24": ("", {"mxnet": "1.9.1", "numpy": "1.24.0"}, ["numpy 1.24.0", "np.bool", "numpy==1.23.5"]),
    "numpy 2": ("", {"mxnet": "1.9.1", "numpy": "2.0.1"}, ["numpy 2.0.1", "numpy==1.23.5"]),
    "no numpy": ("", {"mxnet": "1.9.1"}, ["numpy is not installed", "numpy==1.23.5"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_environment_is_one_sentence_with_a_remedy(tmp_path, case):
    prelude, packages, words = CASES[case]
    setting = "platform.system, platform.machine = lambda: 'Linux', lambda: 'x86_64'; " + prelude
    result = python(f"import sys, platform; {setting}\nimport gluonbook", site(tmp_path, packages))
    assert result.returncode == 1 and result.stdout == ""
    assert "Traceback" not in result.stderr and len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert all(word in result.stderr for word in words), result.stderr


@pytest.mark.parametrize("packages", [GOOD, {"mxnet-cu112": "1.9.1", "numpy": "1.21.0"}])
def test_a_right_environment_is_silent_and_imports_neither_mxnet_nor_numpy(tmp_path, packages):
    code = "import sys, gluonbook; print(sorted({'mxnet', 'numpy'} & set(sys.modules)))"
    result = python(code, site(tmp_path, packages))
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "[]", "")


def test_a_build_of_ones_own_on_another_platform_is_let_through(tmp_path):
    code = "import platform; platform.machine = lambda: 'riscv64'; import gluonbook"
    assert python(code, site(tmp_path, GOOD)).returncode == 0


def test_it_is_an_import_error_that_can_be_caught_and_other_errors_keep_their_traceback(tmp_path):
    code = """
for _ in range(2):
    try:
        import gluonbook
    except ImportError as error:
        print(type(error).__name__)
raise KeyError("mine")
"""
    result = python(code, site(tmp_path, {}))
    assert result.stdout.split() == ["UnsupportedEnvironment"] * 2
    assert "Traceback" in result.stderr and "KeyError: 'mine'" in result.stderr


def test_the_command_ends_with_status_1_and_the_sentence(tmp_path):
    folder = site(tmp_path, {"numpy": "2.0.1"})
    result = python("import sys; from gluonbook.cli import main; sys.exit(main())", folder, options=())
    assert result.returncode == 1
    assert result.stderr.startswith("numpy 2.0.1 is too new") and len(result.stderr.strip().splitlines()) == 1


def test_ipython_shows_the_sentence_alone(tmp_path):
    code = """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_cell("import gluonbook")
"""
    folder = site(tmp_path / "site", {"numpy": "2.0.1"})
    result = python(code, folder, options=(), IPYTHONDIR=str(tmp_path), NO_COLOR="1")
    shown = (result.stdout + result.stderr).strip()
    assert shown.startswith("numpy 2.0.1 is too new") and len(shown.splitlines()) == 1


def test_python_3_7_reads_all_that_comes_before_the_sentence(tmp_path):
    """With older ones the sentence cannot be had: they would evaluate annotations."""
    code = """
import platform, sys
sys.version_info, platform.python_version = (3, 7), lambda: "3.7.17"
try:
    import gluonbook
except ImportError as refusal:
    print(refusal)
for name in ["gluonbook.machine", "gluonbook.machine.supported"]:
    print(sys.modules.pop(name).__file__)
print([name for name in sys.modules if name.startswith("gluonbook")])
"""
    sentence, *files, others = python(code, site(tmp_path, GOOD)).stdout.splitlines()
    assert sentence.startswith("This is Python 3.7.17, but") and others == "[]"
    for file in [gluonbook.__file__, *files]:
        ast.parse(Path(file).read_text(encoding="utf-8"), feature_version=(3, 7))
