"""What this package runs on, and one clear sentence where it cannot run.

This package wants Python 3.9 or later, and MXNet 1.9.1 a numpy that still has `np.bool`, which goes up to Python 3.11;
elsewhere `import mxnet` ends in a traceback that names neither. So `import gluonbook` calls `check` first. This file
needs the standard library alone, and Python 3.7 reads it, too: whoever has one is to see the sentence.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import NoReturn

MXNET = "1.9.1"
BUILDS = ("mxnet", "mxnet-cu112")  # they fill the same folder, so one environment holds one of them
_PYTHONS = ((3, 9), (3, 11))
_WHEELS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64")}
_LINUX = "use WSL2 (Windows), a Linux container, or a Linux machine elsewhere"


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
        refuse(fault)


def refuse(fault: str) -> NoReturn:
    """Raise UnsupportedEnvironment with this sentence, and see to it that no traceback hides it."""
    _show_as_a_sentence()
    raise UnsupportedEnvironment(fault)


def version(package: str) -> str | None:
    """The installed version of a package, by its name in the package index; None where it is not installed."""
    from importlib import metadata  # Python 3.7 has none, and is to see the sentence, too

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def gpu_build() -> bool:
    """Whether this environment holds MXNet's build for GPUs."""
    return version("mxnet-cu112") is not None


def not_installed() -> str:
    """The sentence for an environment without MXNet."""
    return (
        f'MXNet is not installed: run `{_pip()} install "mxnet=={MXNET}" "numpy<1.24"`, or, for GPUs, the same with '
        "mxnet-cu112 (in the book's folder, `make setup` does it)."
    )


def _python_fault() -> str | None:
    oldest, newest = (".".join(map(str, version)) for version in _PYTHONS)
    name, number = platform.python_implementation(), platform.python_version()
    if name == "CPython" and _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return None
    found = "Python" if name == "CPython" else name
    return _platform_fault() or (
        f"This is {found} {number}, but this package, with MXNet {MXNET}, runs on CPython {oldest} to {newest}: "
        "create an environment with one of these (in the book's folder, `make setup` does it)."
    )


def _mxnet_fault() -> str | None:
    installed = {build: number for build in BUILDS for number in [version(build)] if number}
    if len(installed) > 1:
        return (
            "Both mxnet and mxnet-cu112 are installed, but they fill the same folder: run "
            f"`{_pip()} uninstall -y mxnet mxnet-cu112`, then install one of them, `mxnet=={MXNET}` for the CPU or "
            f"`mxnet-cu112=={MXNET}` for GPUs."
        )
    if not installed:
        return _platform_fault() or not_installed()
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
        return f"PyPI has no MXNet {MXNET} for {name} on {processor}: {_LINUX}."
    if system == "Linux" and not _glibc():
        return f"PyPI has no MXNet {MXNET} for a Linux without glibc, as Alpine is: use a Debian or Ubuntu container."
    return None


def _numpy_fault() -> str | None:
    installed = version("numpy")
    remedy = f'run `{_pip()} install "numpy==1.23.5"`.'
    if installed is None:
        return f"numpy is not installed, and MXNet {MXNET} needs a version below 1.24: {remedy}"
    if tuple(map(int, re.findall(r"\d+", installed)[:2])) >= (1, 24):
        return f"numpy {installed} is too new for MXNet {MXNET}, which uses np.bool, gone since numpy 1.24: {remedy}"
    return None


def _pip() -> str:
    python = Path(sys.executable).name if sys.executable else "python"
    return f"{python} -m pip"


def _show_as_a_sentence() -> None:
    """Let a plain interpreter print the sentence of `UnsupportedEnvironment`, and everything else as before."""
    previous = sys.excepthook
    if getattr(previous, "__module__", None) == __name__:
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, UnsupportedEnvironment):
            print(error, file=sys.stderr)
        else:
            previous(kind, error, trace)

    sys.excepthook = hook


def _glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):
        return False
