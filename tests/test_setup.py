"""scripts/setup.sh on machines that are made up: every Python, pip and uv here is a fake that writes down its calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from read_only import read_only

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
TOOLS = ["sh", "cat", "cksum", "date", "dirname", "env", "grep", "iconv", "mkdir", "paste", "rm", "sed", "tail", "tr"]

# Stands in for an interpreter: it runs the script's own snippets, but as another version, and only plays venv and pip.
FAKE_PYTHON = r"""
import os, pathlib, shutil, sys, types

me, version, lacks, *arguments = sys.argv[1:]
me = pathlib.Path(me)
prefix = me.parent.parent
while arguments and arguments[0] in ("-E", "-s", "-I"):
    arguments.pop(0)
with open(os.environ["CALLS"], "a") as calls:
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "PYTHON"))}
    print(me.name, *["<code>" if "\n" in part else part for part in arguments], file=calls)
    print("#", *[f"{name}={value}" for name, value in sorted(pip.items())], file=calls)


def broken(what):
    if os.environ.get("BROKEN") == what:
        sys.exit(f"Traceback (most recent call last):\nError: {what} is broken")


def venv(folder):
    broken("venv")
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(me, folder / "bin/python")
    (folder / "bin/pip").write_text(f"#!/bin/sh\n'''exec' \"{folder.resolve()}/bin/python\" \"$0\" \"$@\"\n")


def code(text, rest):
    modules = {name: types.ModuleType(name) for name in (
        "mxnet", "ensurepip", "flit_core", "flit_core.buildapi", "gluonbook", "gluonbook.machine.libraries")}
    modules["ensurepip"].version = lambda: "23"
    modules["flit_core.buildapi"].build_editable = lambda folder: pathlib.Path(folder, "gluonbook.whl").write_text("")
    modules["gluonbook.machine.libraries"].link = lambda: broken("link")
    if lacks in ("venv", "all"):
        modules["ensurepip"] = None
    if os.environ.get("BROKEN") == "mxnet":
        modules["mxnet"] = None
    if os.environ.get("BROKEN") == "driver":
        modules["gluonbook.machine.libraries"].link = lambda: sys.exit("OSError: libcuda.so.1: cannot open")
    sys.modules.update(modules)
    import importlib.util
    importlib.util.find_spec = lambda name: (prefix / "packages" / name).exists()
    libc = {"musl": "", "old glibc": "glibc 2.17"}.get(lacks, "glibc 2.36")
    os.confstr = lambda name: libc
    sys.version_info = (*map(int, version.split(".")), "final", 0)
    if lacks == "bits":
        sys.maxsize = 2**31 - 1
    sys.argv = ["-c", *rest]
    exec(text)


def pip(rest):
    if lacks in ("pip", "all") and not (prefix / "bin/pip").exists():
        sys.exit("No module named pip")
    if rest[:2] == ["config", "list"]:
        print(os.environ.get("FAKE_CONFIG", ""))
    if rest[0] == "install" and "requirements/uv.txt" in rest:
        broken("network")
        target = pathlib.Path(rest[rest.index("--target") + 1]) if "--target" in rest else prefix
        (target / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(os.environ["FAKE_UV"], target / "bin/uv")
    elif rest[0] == "install":
        broken("network")
        for name in ("gluonbook",) if rest[-1] == "gluonbook" else ("mxnet",):
            (prefix / "packages").mkdir(exist_ok=True)
            (prefix / "packages" / name).touch()


if not arguments:
    sys.exit(0)
if arguments[0] == "-c":
    code(arguments[1], arguments[2:])
elif arguments[:2] == ["-m", "venv"]:
    if lacks in ("venv", "all"):
        sys.exit("No module named ensurepip")
    if "--clear" in arguments:
        shutil.rmtree(arguments[-1], ignore_errors=True)
    venv(pathlib.Path(arguments[-1]))
elif arguments[:2] == ["-m", "ensurepip"] and lacks == "venv":
    sys.exit("No module named ensurepip")
elif arguments[:2] == ["-m", "pip"]:
    pip(arguments[2:])
"""

FAKE_UV = """#!/bin/sh
echo uv "$@" >>"$CALLS"
[ "$1" != --version ] || exit 0
[ "$BROKEN" != uv ] || { echo "Traceback: what came before\n  error: Failed to download" >&2; exit 2; }
for folder; do :; done
"$PYTHON_OF_UV" -m venv "$folder"
"""


class Machine:
    """A folder with the book's set-up in it, and a PATH on which only fakes and a few plain tools lie."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a book"
        self.bin = folder / "bin"
        self.calls_file = folder / "calls"
        for part in ("scripts", "requirements"):
            (self.root / part).mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(REPOSITORY / "scripts/setup.sh", self.root / "scripts")
        for name in ("cpu", "cu112", "uv"):
            (self.root / f"requirements/{name}.txt").write_text(f"{name}-package==1 --hash=sha256:00\n")
        (self.root / "pyproject.toml").write_text("[project]\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        (folder / "python.py").write_text(FAKE_PYTHON)
        self.script("fake-uv", FAKE_UV)
        self.script("python-of-uv", self.interpreter("3.11.9"))
        self.uname("Linux", "x86_64")
        self.environment = {
            "PATH": str(self.bin),
            "CALLS": str(self.calls_file),
            "FAKE_UV": str(self.bin / "fake-uv"),
            "PYTHON_OF_UV": str(self.bin / "python-of-uv"),
        }

    def script(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def interpreter(self, version: str, lacks: str = "") -> str:
        fake = self.bin.parent / "python.py"
        return f'#!/bin/sh\nexec "{sys.executable}" -E -s -S "{fake}" "$0" {version} "{lacks}" "$@"\n'

    def python(self, name: str, version: str, lacks: str = "") -> Path:
        return self.script(name, self.interpreter(version, lacks))

    def uname(self, system: str, processor: str) -> None:
        self.script("uname", f'#!/bin/sh\n[ "$1" = -s ] && echo {system} || echo {processor}\n')

    def setup(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        self.calls_file.write_text("")
        return subprocess.run(
            [str(self.bin / "sh"), str(self.root / "scripts/setup.sh"), *arguments],
            env={**self.environment, **variables},
            cwd=self.bin.parent,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )

    def calls(self) -> list[str]:
        return [line for line in self.calls_file.read_text().splitlines() if not line.startswith("#")]

    def variables(self) -> list[str]:
        """The variables of Python and pip at each call."""
        return [line for line in self.calls_file.read_text().splitlines() if line.startswith("#")]

    def stamp(self, venv: str = ".venv") -> str:
        file = self.root / venv / ".gluonbook-setup"
        return file.read_text() if file.exists() else ""

    def installs(self) -> list[str]:
        return [line for line in self.calls() if "pip install" in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The one sentence on stderr with which set-up ended."""
    assert result.returncode == 1, result
    assert "Traceback" not in result.stderr + result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("gluonbook: "), result.stderr
    return lines[0]


def succeeded(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0 and result.stderr == "", result
    return result.stdout


def test_a_fresh_machine_gets_the_locked_environment_in_a_path_with_a_space(machine):
    machine.python("python3", "3.10.4")
    output = succeeded(machine.setup())
    assert f"making .venv with {machine.bin}/python3" in output and ".venv is ready" in output
    lock, package = machine.installs()
    assert "--require-hashes -r requirements/cpu.txt" in lock and "--no-deps" in lock and "--only-binary :all:" in lock
    assert package.endswith("--find-links .venv/wheel gluonbook") and "--no-index" in package and "--no-deps" in package
    assert str(machine.root) in machine.stamp()
    assert not (machine.root / ".venv/wheel").exists()


ODD = ["-n", "~", '#1 & co; (x) it\'s "y" $HOME `id` [z] {a}* b\\c=d,e 100% Bücher.']
BARRED = ["a:b", "a%20b", "what?", "a\nb", os.fsdecode(b"caf\xe9")]


def moved(machine: Machine, name: str) -> Machine:
    machine.root = machine.root.rename(machine.root.parent / name)
    return machine


@pytest.mark.parametrize("name", ODD)
def test_a_folder_may_have_an_odd_name(machine, name):
    moved(machine, name).python("python3", "3.10.4")
    assert ".venv is ready" in succeeded(machine.setup())
    assert succeeded(machine.setup()) == ""


@pytest.mark.parametrize("name", BARRED, ids=ascii)
def test_a_folder_in_which_the_book_could_not_be_built_is_refused(machine, name):
    moved(machine, name).python("python3", "3.10.4")
    result = machine.setup()
    said = result.stderr.replace("\n", " ").strip()
    assert (result.returncode, machine.calls()) == (1, [])
    assert said.startswith("gluonbook: the book cannot be set up in '") and said.endswith("of its folders")


def test_beside_a_wheelhouse_no_index_is_asked(machine):
    machine.python("python3", "3.11.2")
    (machine.root / "wheelhouse").mkdir()
    assert "from wheelhouse/" in succeeded(machine.setup())
    assert "--no-index --find-links wheelhouse --require-hashes -r requirements/cpu.txt" in machine.installs()[0]
    succeeded(machine.setup("cu112"))
    assert "--no-index" not in machine.installs()[0], "its packages are not there"


def test_a_second_run_is_silent_and_starts_one_interpreter_at_most(machine):
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    assert succeeded(machine.setup(BROKEN="network")) == ""
    assert len(machine.calls()) <= 1


@pytest.mark.parametrize("file", ["requirements/cpu.txt", "pyproject.toml"])
def test_a_changed_lock_or_project_installs_into_the_same_environment(machine, file):
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    (machine.root / ".venv/kept").touch()
    with (machine.root / file).open("a") as stream:
        stream.write("# changed\n")
    assert "bringing .venv up to date" in succeeded(machine.setup())
    assert len(machine.installs()) == 2 and (machine.root / ".venv/kept").exists()
    assert succeeded(machine.setup()) == ""


def test_a_changed_lock_of_the_other_kind_changes_nothing(machine):
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    (machine.root / "requirements/cu112.txt").write_text("other==2\n")
    assert succeeded(machine.setup()) == ""


def test_both_kinds_live_side_by_side(machine):
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    assert "over 5 GB" in succeeded(machine.setup("cu112"))
    assert "requirements/cu112.txt" in machine.installs()[0]
    assert machine.stamp(".venv-cu112").startswith("cu112 ") and machine.stamp().startswith("cpu ")
    assert succeeded(machine.setup()) == "" and succeeded(machine.setup("cu112")) == ""


def test_a_failed_installation_shows_the_error_of_pip_and_is_begun_again(machine):
    machine.python("python3", "3.11.2")
    result = machine.setup(BROKEN="network")
    assert result.returncode == 1
    assert "network is broken" in result.stderr and "reason given above" in result.stderr
    assert machine.stamp() == "unfinished\n"
    (machine.root / ".venv/half").touch()
    assert "making .venv" in succeeded(machine.setup())
    assert not (machine.root / ".venv/half").exists()


def test_a_failed_update_is_not_taken_for_complete(machine):
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    (machine.root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert machine.setup(BROKEN="network").returncode == 1
    (machine.root / "pyproject.toml").write_text("[project]\n")
    assert "making .venv" in succeeded(machine.setup())


def test_an_environment_without_its_packages_or_its_python_is_made_again(machine):
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    (machine.root / ".venv/packages/mxnet").unlink()
    assert machine.installs() and "is ready" in succeeded(machine.setup())
    (machine.root / ".venv/bin/python").unlink()
    (machine.root / ".venv/bin/python").symlink_to("/nowhere/python3.11")
    assert "making .venv" in succeeded(machine.setup())


def test_a_copied_or_moved_folder_gets_an_environment_of_its_own(machine):
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    moved = machine.root.with_name("moved")
    machine.root.rename(moved)
    machine.root = moved
    assert "making .venv" in succeeded(machine.setup())


def test_a_sound_environment_of_someone_else_is_filled_not_removed(machine):
    python = machine.python("python3", "3.11.2")
    subprocess.run([python, "-m", "venv", machine.root / ".venv"], env=machine.environment, check=True)
    (machine.root / ".venv/kept").touch()
    assert "bringing .venv up to date" in succeeded(machine.setup())
    assert (machine.root / ".venv/kept").exists()


def test_a_folder_that_is_no_environment_is_replaced(machine):
    machine.python("python3", "3.11.2")
    (machine.root / ".venv/bin").mkdir(parents=True)
    assert "making .venv" in succeeded(machine.setup())


@pytest.mark.parametrize("lacks", ["mxnet", "driver"])
def test_mxnet_that_cannot_be_imported_is_said_and_tried_again(machine, lacks):
    machine.python("python3", "3.11.2")
    sentence = refused(machine.setup("cu112", BROKEN=lacks))
    assert ("NVIDIA's driver" if lacks == "driver" else "cannot be imported") in sentence
    assert "bringing .venv-cu112 up to date" in succeeded(machine.setup("cu112"))


def test_the_newest_fitting_python_wins_and_others_are_passed_over(machine):
    machine.script("python3.11", '#!/bin/sh\necho "pyenv: python3.11: command not found" >&2\nexit 127\n')
    machine.python("python3.10", "3.10.1", lacks="venv")
    machine.python("python3.9", "3.9.7")
    machine.python("python3", "3.12.1")
    assert f"with {machine.bin}/python3.9" in succeeded(machine.setup())


@pytest.mark.parametrize(
    ("version", "lacks", "words"),
    [
        ("3.8.18", "", "python3 is 3.8.18"),
        ("3.12.1", "", "python3 is 3.12.1"),
        ("3.11.2", "venv", "python3.11-venv"),
        ("3.11.2", "bits", "32 bits"),
    ],
)
def test_an_unfit_python_is_named_when_uv_cannot_help(machine, version, lacks, words):
    machine.python("python3", version, lacks)
    sentence = refused(machine.setup(BROKEN="network"))
    assert words in sentence
    assert "uv, which brings one, could not be fetched: Error: network is broken" in sentence
    assert not machine.stamp() and not (machine.root / ".uv").exists()


REMEDIES = pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt install python3-venv"),
        ("dnf", "sudo dnf install python3-pip"),
        ("pacman", "with your system, or uv"),
    ],
)


@REMEDIES
def test_no_python_at_all(machine, manager, command):
    machine.script(manager, "#!/bin/sh\n")
    sentence = refused(machine.setup())
    assert "needs Python 3.9 to 3.11; install" in sentence and command in sentence


@REMEDIES
@pytest.mark.parametrize("version", ["3.8.10", "3.11.2", "3.13.5"])
def test_a_distribution_s_python_without_venv_and_pip(machine, manager, command, version):
    """Debian 13 and Ubuntu 24.04 have a newer Python alone: a package python3.11 does not exist there."""
    machine.script(manager, "#!/bin/sh\n")
    machine.python("python3", version, "all")
    sentence = refused(machine.setup())
    assert f"python3 is {version}" in sentence and command in sentence and "python3.11 " not in sentence
    assert not machine.stamp() and not (machine.root / ".uv").exists()
    # The remedy helps: with venv, this Python makes the environment, or fetches uv, which brings one.
    machine.python("python3", version)
    succeeded(machine.setup())


@pytest.mark.parametrize("lacks", ["musl", "old glibc"])
def test_another_c_library_is_named(machine, lacks):
    machine.python("python3", "3.11.2", lacks)
    assert "glibc 2.28" in refused(machine.setup())


def test_the_variable_PYTHON_decides(machine):  # noqa: N802
    machine.python("python3.11", "3.11.2")
    chosen = machine.python("mine", "3.9.1")
    assert f"with {chosen}" in succeeded(machine.setup(PYTHON=str(chosen)))
    shutil.rmtree(machine.root / ".venv")
    assert f"with {machine.bin.parent}/bin/mine" in succeeded(machine.setup(PYTHON="bin/mine"))


def test_a_wrong_PYTHON_is_refused_though_a_right_one_is_there(machine):  # noqa: N802
    machine.python("python3.11", "3.11.2")
    machine.python("new", "3.13.0")
    assert "PYTHON=new is 3.13.0" in refused(machine.setup(PYTHON="new"))
    assert "PYTHON=missing does not run" in refused(machine.setup(PYTHON="missing"))


def test_uv_on_the_path_brings_a_python(machine):
    machine.script("uv", FAKE_UV)
    machine.python("python3", "3.12.1")
    assert "uv is asked" in succeeded(machine.setup())
    assert any(call.startswith("uv venv") and ">=3.9,<3.12" in call for call in machine.calls())


@pytest.mark.parametrize("lacks", ["", "pip", "venv"])
def test_a_newer_python_brings_uv_from_its_hash_pinned_lock(machine, lacks):
    machine.python("python3", "3.13.0", lacks)
    assert "uv is asked" in succeeded(machine.setup())
    fetched = machine.installs()[0]
    assert "requirements/uv.txt" in fetched and "--require-hashes" in fetched
    assert (machine.root / ".uv/bin/uv").exists()


def test_uv_without_network_ends_in_one_sentence(machine):
    machine.script("uv", FAKE_UV)
    told = refused(machine.setup(BROKEN="uv"))
    assert told.endswith("uv could not bring one: error: Failed to download; run this again when that is mended")


@pytest.mark.parametrize(
    ("system", "processor", "words"),
    [
        ("MINGW64_NT-10.0", "x86_64", "for Windows: use WSL2"),
        ("Darwin", "arm64", "Apple silicon"),
        ("Linux", "riscv64", "Linux on riscv64"),
        ("FreeBSD", "amd64", "FreeBSD"),
    ],
)
def test_a_machine_without_a_build_of_mxnet(machine, system, processor, words):
    machine.uname(system, processor)
    machine.python("python3", "3.11.2")
    sentence = refused(machine.setup())
    assert words in sentence and "container" in sentence


def test_arm_gets_the_cpu_build_alone(machine):
    machine.uname("Linux", "aarch64")
    machine.python("python3", "3.11.2")
    succeeded(machine.setup())
    assert "x86_64 alone" in refused(machine.setup("cu112"))


def test_an_intel_mac_needs_python_3_9(machine):
    machine.uname("Darwin", "x86_64")
    machine.python("python3.11", "3.11.2")
    machine.python("python3.9", "3.9.2")
    assert f"with {machine.bin}/python3.9" in succeeded(machine.setup())


def test_an_unknown_kind_is_named(machine):
    assert "no environment 'gpu'; the environments are cpu and cu112" in refused(machine.setup("gpu"))


def test_variables_of_python_and_pip_that_would_divert_the_installation_are_dropped(machine):
    machine.python("python3", "3.11.2")
    hostile = {"PIP_TARGET": "/t", "PIP_PREFIX": "/p", "PIP_USER": "1", "PIP_NO_BINARY": "x", "PIP_CONSTRAINT": "/c"}
    needed = {"PIP_INDEX_URL": "our-mirror", "PIP_CERT": "our-certificate", "PIP_NO_INDEX": "1"}
    succeeded(machine.setup(**hostile, **needed, PYTHONPATH="/elsewhere", PYTHONHOME="/elsewhere", VIRTUAL_ENV="/v"))
    calls = [line for line in machine.variables() if "PIP_DISABLE_PIP_VERSION_CHECK=1" in line]
    assert calls
    for line in calls:
        assert all(f"{name}={value}" in line for name, value in needed.items())
        assert "PIP_USER=0" in line
        assert not re.search("PIP_(TARGET|PREFIX|NO_BINARY|CONSTRAINT)=|PYTHON(PATH|HOME)=", line)


def test_a_configuration_of_pip_that_diverts_the_installation_is_named(machine):
    machine.python("python3", "3.11.2")
    sentence = refused(machine.setup(FAKE_CONFIG="global.index-url='our-mirror/target='\nglobal.target='/t'"))
    assert "sets 'target'" in sentence
    assert "is ready" in succeeded(machine.setup(FAKE_CONFIG="global.index-url='our-mirror/root'"))


def test_an_active_environment_that_is_the_broken_one_is_not_built_from_itself(machine):
    python = machine.python("python3.9", "3.9.2")
    subprocess.run([python, "-m", "venv", machine.root / ".venv"], env=machine.environment, check=True)
    shutil.copy(machine.root / ".venv/bin/python", machine.root / ".venv/bin/python3.11")
    (machine.root / ".venv/.gluonbook-setup").write_text("unfinished\n")
    path = f"{machine.root}/.venv/bin:{machine.bin}"
    assert f"with {machine.bin}/python3.9" in succeeded(machine.setup(PATH=path))


def test_a_folder_that_cannot_be_written_is_named(machine):
    machine.python("python3", "3.11.2")
    with read_only(machine.root):
        assert "cannot write" in refused(machine.setup())


def test_a_venv_that_cannot_be_made_ends_without_a_traceback(machine):
    machine.python("python3", "3.11.2")
    assert "venv is broken" in refused(machine.setup(BROKEN="venv"))


def test_the_conda_environment_asks_for_what_the_project_declares():
    conda = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    (packages,) = (part["pip"] for part in conda["dependencies"] if isinstance(part, dict))
    asked = {part.name: part for part in map(Requirement, (line for line in packages if not line.startswith("-")))}
    project = (REPOSITORY / "pyproject.toml").read_text()
    declared = re.search(r"^cu112 = \[\n(.*?)^\]", project, re.MULTILINE | re.DOTALL)[1]
    for line in declared.splitlines():
        requirement = Requirement(line.strip(' ",'))
        assert asked[requirement.name].specifier == requirement.specifier
    assert "mxnet" not in asked and {"gluoncv", "jupyter", "matplotlib", "jupyter-book"} <= set(asked)
    assert str(asked["jupyter-book"].specifier) == "<2,>=1.0.4"
    assert any(line.startswith("-e .[") for line in packages)


def test_a_lock_without_uv_says_what_is_missing():
    done = subprocess.run(["sh", REPOSITORY / "scripts/lock.sh", "/nope/uv"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("lock.sh: there is no '/nope/uv' here: ") and done.stderr.count("\n") == 1


@pytest.mark.skipif(shutil.which("flock") is None, reason="there is no flock here, and without it no waiting")
def test_two_set_ups_take_turns(tmp_path):
    """The second says that it waits, and goes on when the first lets go."""
    (tmp_path / "scripts").mkdir()
    for file in ("scripts/setup.sh", "pyproject.toml", "requirements/cpu.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(Path(__file__).parents[1] / file, tmp_path / file)
    with subprocess.Popen(["flock", ".setup.lock", "sleep", "2"], cwd=tmp_path):
        time.sleep(0.5)
        environment = {**os.environ, "PYTHON": "/nowhere/python"}
        done = subprocess.run(
            ["sh", "scripts/setup.sh"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
    assert "another set-up is running here; waiting" in done.stdout
    assert "PYTHON=/nowhere/python" in done.stderr
