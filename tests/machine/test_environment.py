"""What `import gluonbook` says where it cannot run; most tests do it in an interpreter of their own."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import gluonbook
from gluonbook.machine import environment

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


def test_versions_tells_the_build_of_mxnet(monkeypatch):
    installed = {"mxnet-cu112": "1.9.1", "numpy": "1.23.5"}
    monkeypatch.setattr(environment, "version", installed.get)
    found = environment.versions()
    assert found["mxnet"] == "1.9.1+cu112" and found["numpy"] == "1.23.5" and found["python"][:2] == "3."
    assert set(found) == {"python", "mxnet", "numpy"}


def test_versions_of_this_environment():
    assert environment.versions()["mxnet"].split("+")[0] == "1.9.1"
    assert environment.version("no-such-package-as-this") is None


def test_machine_names_what_it_is_not_whose(monkeypatch):
    found = environment.machine()
    assert set(found) == {"os", "cpu", "cores", "memory", "gpus"}
    assert 1 <= found["cores"] <= os.cpu_count() and 0 < found["memory"] < 1e5
    for secret in (socket.gethostname(), getpass.getuser(), str(Path.home())):
        assert secret not in f"{found['os']}{found['cpu']}".split()


def test_gpus_are_named_by_nvidia_smi(tmp_path, monkeypatch):
    fake = tmp_path / "nvidia-smi"
    fake.write_text('#!/bin/sh\nprintf "Tesla T4, 535.1, 7.5\\nTesla V100, 535.1, 7.0\\n"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    environment._gpus.cache_clear()
    assert environment.machine()["gpus"] == ["Tesla T4", "Tesla V100"]
    fake.write_text("#!/bin/sh\necho no driver; exit 9\n")
    environment._gpus.cache_clear()
    assert environment.machine()["gpus"] == []
    environment._gpus.cache_clear()


def machine_with(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


GROUPS = {
    "version 2": {
        "proc/self/cgroup": "0::/user/app\n",
        "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
        "sys/fs/cgroup/user/app/cpu.max": "max 100000\n",
        "sys/fs/cgroup/user/app/memory.max": "1073741824\n",
        "sys/fs/cgroup/user/memory.max": "max\n",
    },
    "version 1": {
        "proc/self/cgroup": "5:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "1073741824\n",
    },
}


@pytest.mark.parametrize("groups", GROUPS)
def test_control_groups_bound_cores_and_memory(tmp_path, groups):
    root = machine_with(tmp_path, GROUPS[groups])
    assert environment._core_quotas(root) == [1.5]
    assert environment._memory_limits(root) == [2**30]


def test_without_limits_there_are_none(tmp_path):
    unlimited = {
        "proc/self/cgroup": "1:cpu:/\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    assert environment._core_quotas(machine_with(tmp_path, unlimited)) == []
    assert environment._memory_limits(tmp_path / "nothing") == []


def test_cores_are_at_least_one_and_at_most_the_affinity(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    for quotas, cores in (([], 4), ([2.5], 2), ([0.1], 1), ([8.0], 4)):
        monkeypatch.setattr(environment, "_core_quotas", lambda root, quotas=quotas: quotas)
        assert environment.cores() == cores


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A site-packages with MXNet for GPUs and two of the nvidia packages."""
    files = [
        "mxnet/libmxnet.so",
        "mxnet/libopenblas.so.0",
        "nvidia/cublas/lib/libcublas.so.11",
        "nvidia/cublas/lib/libcublasLt.so.11",
        "nvidia/cublas/include/cublas.h",
        "nvidia/cudnn/lib/libcudnn.so.8",
        "numpy.libs/libquadmath-96973f99.so.0.0.0",
        "scikit_learn.libs/libgomp-a34b3233.so.1.0.0",
    ]
    machine_with(tmp_path, {name: name for name in files})
    monkeypatch.setattr(environment, "mxnet_folder", lambda: tmp_path / "mxnet")
    return tmp_path


def test_libraries_are_linked_beside_mxnet(installed, monkeypatch):
    monkeypatch.setattr(environment, "loads", lambda name: True)
    names = ["libcublas.so.11", "libcublasLt.so.11", "libcudnn.so.8"]
    assert environment.link_libraries() == names == environment.link_libraries()
    assert (installed / "mxnet/libcudnn.so.8").read_text() == "nvidia/cudnn/lib/libcudnn.so.8"
    links = [file for file in (installed / "mxnet").iterdir() if file.is_symlink()]
    assert sorted(link.name for link in links) == names
    assert not any(link.readlink().is_absolute() for link in links)  # so the environment may be moved


def test_links_that_lead_nowhere_are_renewed_and_files_of_mxnet_are_kept(installed, monkeypatch):
    monkeypatch.setattr(environment, "loads", lambda name: True)
    (installed / "mxnet/libcudnn.so.8").symlink_to("../gone")
    (installed / "mxnet/libcublas.so.11").write_text("MXNet's own")
    environment.link_libraries()
    assert (installed / "mxnet/libcudnn.so.8").exists()
    assert (installed / "mxnet/libcublas.so.11").read_text() == "MXNet's own"


def test_openmp_and_quadmath_are_linked_only_where_the_system_has_none(installed, monkeypatch):
    monkeypatch.setattr(environment, "loads", lambda name: name != "libquadmath.so.0")
    assert "libgomp.so.1" not in environment.link_libraries()
    assert (installed / "mxnet/libquadmath.so.0").read_text() == "numpy.libs/libquadmath-96973f99.so.0.0.0"


def test_linking_without_mxnet_is_refused(monkeypatch):
    monkeypatch.setattr(environment, "mxnet_folder", lambda: None)
    with pytest.raises(environment.UnsupportedEnvironment, match="not installed"):
        environment.link_libraries()


def test_loads_asks_the_dynamic_linker():
    assert environment.loads("libc.so.6") and not environment.loads("libno-such-library.so.99")
    assert (environment.mxnet_folder() / "libmxnet.so").is_file()


def test_the_commit_is_named_and_without_git_it_is_unknown(monkeypatch):
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", environment.commit())

    def no_git(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(environment.subprocess, "run", no_git)
    assert environment.commit() == "unknown"
