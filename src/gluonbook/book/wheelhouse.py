"""All packages of a lock as wheels in one folder, from which `scripts/setup.sh` installs without a network."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pooch

from gluonbook.machine.locked import Pinned, read

PYTHONS = ("3.9", "3.10", "3.11")  # those that scripts/setup.sh takes on Linux
_PATCHES = range(30)
_OLDEST_GLIBC, _NEWEST_GLIBC = 5, 28  # 2.5 has manylinux1; scripts/setup.sh asks for 2.28


class WheelhouseError(RuntimeError):
    """The packages cannot be had; the message says for which Python, and what pip said last."""


def for_python(entries: Sequence[Pinned], python: str) -> list[Pinned]:
    """The entries that CPython `python` ("3.11.4") needs on Linux with this machine's kind of processor."""
    machine = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": platform.machine(),
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
    }
    return [one for one in entries if one.applies(machine)]


def fill(folder: Path, lock: Path, pythons: Sequence[str] = PYTHONS) -> list[Path]:
    """Let `folder` hold a wheel of each package of the lock, for each Python, and no other file; returns the wheels.

    pip fetches what is not there yet, from the index that it is configured for, and checks every hash.

    Raises:
        ValueError: an unknown Python.
        WheelhouseError: pip fails; what is in the folder by then stays, and the next call goes on from there.
    """
    unknown = set(pythons) - set(PYTHONS)
    if unknown or not pythons:
        raise ValueError(f"pythons must be some of {', '.join(PYTHONS)}; got {', '.join(pythons) or 'none'}")
    folder.mkdir(parents=True, exist_ok=True)
    entries, needed = read(lock), []
    for python in pythons:
        for patch in _PATCHES:  # a lock may tell 3.11.4 from 3.11.5
            more = [one for one in for_python(entries, f"{python}.{patch}") if (python, one) not in needed]
            if more:
                _download(folder, more, f"{python}.{patch}")
                needed += [(python, one) for one in more]
    sound = {digest for _, one in needed for digest in one.hashes}
    for file in folder.iterdir():
        if f"sha256:{pooch.file_hash(str(file))}" not in sound:  # of a former lock
            file.unlink()
    return sorted(folder.iterdir())


def _download(folder: Path, entries: Sequence[Pinned], python: str) -> None:
    machine = platform.machine()
    glibc = range(_NEWEST_GLIBC, _OLDEST_GLIBC - 1, -1)
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in glibc] + [f"manylinux2014_{machine}", f"linux_{machine}"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", "/dev/stdin"]
    command += ["--implementation", "cp", "--python-version", python, "--dest", str(folder)]
    command += [word for name in platforms for word in ("--platform", name)]
    lines = "".join(f"{entry.line()}\n" for entry in entries)
    done = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise WheelhouseError(f"the packages for Python {python} cannot be fetched; pip says: {said[-1]}")
