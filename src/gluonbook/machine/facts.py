"""What a result depends on: the versions, the commit, and the machine, with what of it this process may use."""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
from pathlib import Path

from gluonbook.machine import gpus, groups, supported
from gluonbook.storage.text import read_output

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


def versions() -> dict[str, str]:
    """The versions that a result depends on, by package; MXNet's build for GPUs is marked, as in ``1.9.1+cu112``."""
    found = {"python": platform.python_version()}
    for build in supported.BUILDS:
        installed = supported.version(build)
        if installed:
            found["mxnet"] = installed + build[len("mxnet") :].replace("-", "+")
    found.update({package: installed for package in _REPORTED if (installed := supported.version(package))})
    return found


def commit() -> str:
    """The commit of the checkout that this package runs from, marked `-dirty` where files have changed since.

    "unknown" where there is no git, or it does not track this package: an installed one may lie in any repository.
    """
    try:
        tracked = _git("ls-files", Path(__file__).name)
        return (tracked and _git("describe", "--always", "--dirty", "--abbrev=12")) or "unknown"
    except OSError:
        return "unknown"


def _git(*words: str) -> str:
    """What git answers in the folder of this file; nothing where it fails."""
    folder = Path(__file__).resolve().parent
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, encoding="utf-8").stdout.strip()


def machine() -> dict[str, object]:
    """The machine, without any name that tells whose it is.

    Returns:
        `os` and `cpu` (names), `cores` (that this process may use), `memory` (GiB that it may use) and `gpus` (names).
    """
    return {"os": _os(), "cpu": _cpu(), "cores": cores(), "memory": memory(), "gpus": list(_gpus())}


def cores() -> int:
    """How many processor cores this process may use: its affinity, bounded by the quota of its control groups."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(int(quota) for quota in groups.core_quotas())]))


def memory() -> float:
    """How many GiB of memory this process may use: what the machine has, bounded by its control groups."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return round(min([installed, *groups.memory_limits()]) / 2**30, 1)


def _os() -> str:
    name = platform.system()
    release = Path("/etc/os-release")
    if release.is_file():
        pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', read_output(release), re.MULTILINE)
        name = pretty[1] if pretty else name
    return f"{name}, {platform.machine()}"


def _cpu() -> str:
    table = Path("/proc/cpuinfo")
    if table.is_file():
        model = re.search(r"^model name\s*:\s*(.+)$", read_output(table), re.MULTILINE)
        if model:
            return " ".join(model[1].split())
    return platform.processor() or platform.machine()


@functools.cache
def _gpus() -> tuple[str, ...]:
    return tuple(gpu.name for gpu in gpus.listed())
