"""What this package runs on, and one clear sentence where it cannot run.

MXNet 1.9.1 was built for Python 3.9 to 3.11 and a numpy that still has `np.bool`; elsewhere `import mxnet` ends in a
traceback that names neither. So `import gluonbook` calls `check` first, which needs the standard library alone.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

MXNET = "1.9.1"
_BUILDS = ("mxnet", "mxnet-cu112")  # they fill the same folder, so one environment holds one of them
_PYTHONS = ((3, 9), (3, 11))
_WHEELS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64")}
_LINUX = "use WSL2 (Windows), a Linux container, or a Linux machine elsewhere"
_REPORTED = (
    "gluonbook",
    "numpy",
    "numba",
    "scikit-learn",
    "safetensors",
    "matplotlib",
    "gluoncv",
    "mpi4py",
    "mpich",
    "jupyter-book",
)


class UnsupportedEnvironment(ImportError):
    """The package cannot run here; the message says what was found and what helps."""

    def _render_traceback_(self) -> list[str]:
        """What IPython and Jupyter show instead of a traceback."""
        return [str(self)]


def check() -> None:
    """Return if MXNet 1.9.1 can be imported here, as far as versions tell; neither it nor numpy is imported.

    Raises:
        UnsupportedEnvironment: with one sentence, which IPython, Jupyter and a plain interpreter show without a
            traceback.
    """
    fault = _python_fault() or _mxnet_fault() or _numpy_fault()
    if fault:
        _show_as_a_sentence()
        raise UnsupportedEnvironment(fault)


def version(package: str) -> str | None:
    """The installed version of a package, by its name in the package index; None where it is not installed."""
    from importlib import metadata  # Python 3.7 has none, and is to see the sentence, too

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """The versions that a result depends on, by package; MXNet's build for GPUs is marked, as in ``1.9.1+cu112``."""
    found = {"python": platform.python_version()}
    for build in _BUILDS:
        installed = version(build)
        if installed:
            found["mxnet"] = installed + build[len("mxnet") :].replace("-", "+")
    found.update({package: installed for package in _REPORTED for installed in [version(package)] if installed})
    return found


def commit() -> str:
    """The commit of the checkout that this package runs from, marked `-dirty` where files have changed since.

    "unknown" where there is no checkout, or no git.
    """
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).resolve().parent,
            capture_output=True,
            text=True,
        )
    except OSError:
        return "unknown"
    return answer.stdout.strip() or "unknown"


def machine() -> dict[str, object]:
    """The machine, without any name that tells whose it is.

    Returns:
        `os` and `cpu` (names), `cores` (that this process may use), `memory` (GiB that it may use) and `gpus` (names).
    """
    return {"os": _os(), "cpu": _cpu(), "cores": cores(), "memory": memory(), "gpus": list(_gpus())}


def cores() -> int:
    """How many processor cores this process may use: its affinity, bounded by the quota of its control groups."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(int(quota) for quota in _core_quotas(Path("/")))]))


def memory() -> float:
    """How many GiB of memory this process may use: what the machine has, bounded by its control groups."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return round(min([installed, *_memory_limits(Path("/"))]) / 2**30, 1)


def link_libraries() -> list[str]:
    """Put links to the shared libraries that MXNet needs beside its own, the one place where it looks by itself.

    These are the CUDA libraries of the nvidia-* packages for its GPU build, and for both builds OpenMP and quadmath,
    which a slim container lacks, while the wheels of scikit-learn and numpy bring them along.

    Returns:
        The names of all the links that are there now.

    Raises:
        UnsupportedEnvironment: MXNet is not installed.
        OSError: its folder cannot be written.
    """
    folder = mxnet_folder()
    if folder is None:
        raise UnsupportedEnvironment(_missing())
    site = folder.parent
    libraries = {library.name: library for library in sorted(site.glob("nvidia/*/lib/*.so*"))}
    for name in ("libgomp.so.1", "libquadmath.so.0"):
        bundled = sorted(site.glob(f"*.libs/{name.split('.')[0]}-*.so*"))
        if bundled and not loads(name):
            libraries[name] = bundled[0]
    for name, library in libraries.items():
        _link(folder / name, library)
    return sorted(libraries)


def mxnet_folder() -> Path | None:
    """The folder of the installed MXNet, which is not imported; None where there is none."""
    from importlib.util import find_spec

    spec = find_spec("mxnet")
    return Path(spec.origin).parent if spec and spec.origin else None


def loads(library: str) -> bool:
    """Whether the dynamic linker finds a shared library by its name alone."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _python_fault() -> str | None:
    oldest, newest = (".".join(map(str, version)) for version in _PYTHONS)
    name, number = platform.python_implementation(), platform.python_version()
    if name == "CPython" and _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return None
    found = "Python" if name == "CPython" else name
    return _platform_fault() or (
        f"This is {found} {number}, but MXNet {MXNET} runs on CPython {oldest} to {newest}: "
        "create an environment with one of these (in the book's folder, `make setup` does it)."
    )


def _mxnet_fault() -> str | None:
    installed = {build: number for build in _BUILDS for number in [version(build)] if number}
    if len(installed) > 1:
        return (
            "Both mxnet and mxnet-cu112 are installed, but they fill the same folder: run "
            f"`{_pip()} uninstall -y mxnet mxnet-cu112`, then install one of them, `mxnet=={MXNET}` for the CPU or "
            f"`mxnet-cu112=={MXNET}` for GPUs."
        )
    if not installed:
        return _platform_fault() or _missing()
    build, number = installed.popitem()
    if number == MXNET:
        return None
    return _platform_fault() or (
        f"{build} {number} is installed, but this package needs {MXNET}: run "
        f'`{_pip()} install "{build}=={MXNET}" "numpy<1.24"`.'
    )


def _platform_fault() -> str | None:
    """Why no wheel of MXNet fits this machine: a build of one's own may, so it matters only where none is there."""
    system, processor = platform.system(), platform.machine()
    if (system, processor) not in _WHEELS:
        name = "macOS" if system == "Darwin" else system
        return f"There is no MXNet {MXNET} for {name} on {processor}: {_LINUX}."
    if system == "Linux" and not _glibc():
        return f"There is no MXNet {MXNET} for a Linux without glibc, as Alpine is: use a Debian or Ubuntu container."
    return None


def _numpy_fault() -> str | None:
    installed = version("numpy")
    remedy = f'run `{_pip()} install "numpy==1.23.5"`.'
    if installed is None:
        return f"numpy is not installed, and MXNet {MXNET} needs a version below 1.24: {remedy}"
    if tuple(map(int, re.findall(r"\d+", installed)[:2])) >= (1, 24):
        return f"numpy {installed} is too new for MXNet {MXNET}, which uses np.bool, gone since numpy 1.24: {remedy}"
    return None


def _missing() -> str:
    return (
        f'MXNet is not installed: run `{_pip()} install "mxnet=={MXNET}" "numpy<1.24"`, or, for GPUs, the same with '
        "mxnet-cu112 (in the book's folder, `make setup` does it)."
    )


def _pip() -> str:
    python = Path(sys.executable).name if sys.executable else "python"
    return f"{python} -m pip"


def _show_as_a_sentence() -> None:
    """Let a plain interpreter print the sentence of `UnsupportedEnvironment`, and everything else as before."""
    previous = sys.excepthook
    if getattr(previous, "__module__", None) == __name__:
        return

    def hook(kind, error, trace):  # type: ignore[no-untyped-def]
        if isinstance(error, UnsupportedEnvironment):
            print(error, file=sys.stderr)
        else:
            previous(kind, error, trace)

    sys.excepthook = hook


def _link(link: Path, library: Path) -> None:
    """Make the link, or renew it; a file that MXNet itself brought is left alone."""
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(os.path.relpath(library, link.parent))


def _glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):
        return False


def _os() -> str:
    name = platform.system()
    release = Path("/etc/os-release")
    if release.is_file():
        pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', release.read_text(errors="replace"), re.MULTILINE)
        name = pretty[1] if pretty else name
    return f"{name}, {platform.machine()}"


def _cpu() -> str:
    table = Path("/proc/cpuinfo")
    if table.is_file():
        model = re.search(r"^model name\s*:\s*(.+)$", table.read_text(errors="replace"), re.MULTILINE)
        if model:
            return " ".join(model[1].split())
    return platform.processor() or platform.machine()


@functools.cache
def _gpus() -> tuple[str, ...]:
    from gluonbook.machine import gpus  # which needs this module

    return tuple(gpu.name for gpu in gpus.listed())


def _core_quotas(root: Path) -> list[float]:
    quotas = []
    for folder in _groups(root, "cpu"):
        version_1 = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        for words in (version_1, _words(folder / "cpu.max")):
            if len(words) == 2 and all(word.isdigit() for word in words):  # else there is no limit: "max" or "-1"
                quotas.append(int(words[0]) / int(words[1]))
    return quotas


def _memory_limits(root: Path) -> list[int]:
    files = [folder / name for folder in _groups(root, "memory") for name in ("memory.max", "memory.limit_in_bytes")]
    return [int(word) for file in files for word in _words(file) if word.isdigit()]


def _groups(root: Path, controller: str) -> list[Path]:
    """The folders of this process's control groups and of the groups around them, versions 1 and 2."""
    table = root / "proc/self/cgroup"
    folders = []
    for line in table.read_text().splitlines() if table.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / controllers
        inner = mount / path.lstrip("/")
        folders += [inner, *(folder for folder in inner.parents if mount in (folder, *folder.parents))]
    return folders


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:  # the group has no such file, or it lies outside what this container sees
        return []
