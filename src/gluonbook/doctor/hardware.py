"""Processor, memory, disk, folders, and the GPU with all that MXNet needs to use it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from pathlib import Path

import psutil

from gluonbook import paths
from gluonbook.doctor.check import NOTE, OK, PROBLEM, Check
from gluonbook.machine import facts, gpus, libraries, limits, supported
from gluonbook.machine.folder import SHARED_MEMORY, Folder
from gluonbook.storage.text import read_output

_COMFORTABLE_MEMORY, _COMFORTABLE_DISK, _LEAST_DISK = 4, 5, 1  # GiB
_COMFORTABLE_SHARED = 2**27  # bytes


def processor() -> Check:
    """How many cores there are for us, and whether they have AVX2."""
    cores = facts.cores()
    finding = f"{facts.machine()['cpu']}, {cores} {'core' if cores == 1 else 'cores'}"
    if platform.machine() == "x86_64" and Path("/proc/cpuinfo").is_file():
        if not re.search(r"^flags\s*:.*\bavx2\b", read_output(Path("/proc/cpuinfo")), re.MULTILINE):
            return Check("processor", NOTE, f"{finding}, without AVX2", "Everything runs, but more slowly.")
        finding += ", AVX2"
    if cores == 1:
        return Check("processor", NOTE, finding, "Chapters with several workers run them one after another.")
    return Check("processor", OK, finding)


def memory() -> Check:
    """How much memory there is for us, and how much of it is free."""
    usable = facts.memory()
    free = min(usable, psutil.virtual_memory().available / 2**30)
    finding = f"{usable:.1f} GiB, {free:.1f} of them free"
    if free < _COMFORTABLE_MEMORY:
        return Check("memory", NOTE, finding, "Close other programs before you build the whole book.")
    return Check("memory", OK, finding)


def disk() -> Check:
    """How much room there is for data sets and executed chapters."""
    folder = _existing(paths.checkout() or paths.data_folder())
    free = shutil.disk_usage(folder).free / 2**30
    finding = f"{free:.1f} GiB free in {folder}"
    if free < _COMFORTABLE_DISK:
        status = PROBLEM if free < _LEAST_DISK else NOTE
        return Check("disk", status, finding, f"Make room: {_COMFORTABLE_DISK} GiB hold all data sets and the book.")
    return Check("disk", OK, finding)


def folders() -> Check:
    """Whether the folders that the book writes to let us."""
    root = paths.checkout()
    written = [root / name for name in ("data", "chapters", "notebooks", "_build")] if root else [paths.data_folder()]
    written.append(Path(tempfile.gettempdir()))
    closed = sorted({str(folder) for folder in map(_existing, written) if not os.access(folder, os.W_OK | os.X_OK)})
    if closed:
        return Check("folders", PROBLEM, f"cannot write in {', '.join(closed)}", "Make them yours, or copy the book.")
    return Check("folders", OK, f"{len(written)} folders can be written")


def shared_memory() -> Check:
    """Whether /dev/shm can be written, and holds what MPI and the workers of a DataLoader share there."""
    if missing := limits.shared_memory_missing():
        return Check("shared memory", PROBLEM, "none", missing)
    room = Folder.around(SHARED_MEMORY)
    if min(room.size, room.free) < _COMFORTABLE_SHARED:
        need = "16 ranks of MPI and a DataLoader with workers need more"
        return Check("shared memory", NOTE, f"{room}; {need}", f"{limits.LARGER_SHARED_MEMORY}.")
    return Check("shared memory", OK, str(room))


def temporary_files() -> Check:
    """Whether there is a folder for temporary files, with room, and with a name that is short enough for sockets."""
    name, wanted = "temporary files", os.environ.get("TMPDIR")
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        return Check(name, PROBLEM, str(error), "Set TMPDIR to a folder that you may write in.")
    room = Folder.around(folder)
    if room.full:
        return Check(name, PROBLEM, str(room), "Make room there, or set TMPDIR to a folder with more.")
    if wanted and Path(wanted).resolve() != Path(folder).resolve():
        return Check(name, NOTE, f"TMPDIR is {wanted!r}, which cannot be used; {folder} is taken", "Make that folder.")
    if long := limits.socket_folder_too_long(folder):
        return Check(name, NOTE, "a DataLoader of MXNet's own cannot have workers", long)
    return Check(name, OK, str(room))


def process_limits() -> Check:
    """Whether the limits of the shell, or of a batch scheduler, leave a process what the book takes."""
    if tight := limits.tight():
        return Check("limits", NOTE, f"{len(tight)} of this shell or container", " ".join(tight))
    return Check("limits", OK, "none of this shell or container is tight")


def gpu() -> Check:
    """Whether there is a GPU that MXNet 1.9.1 has kernels for, and whether its driver is new enough."""
    found, build = gpus.listed(), supported.gpu_build()
    if not found:
        if build:
            remedy = "Install NVIDIA's driver, or use the environment for the CPU: `make setup`."
            return Check("GPU", PROBLEM, "nvidia-smi lists none, but this environment is made for one", remedy)
        return Check("GPU", NOTE, "nvidia-smi lists none", "The book runs on the CPU, with virtual devices.")
    finding = "; ".join(map(str, found))
    hindrance = "; ".join(gpus.hindrances())
    if hindrance:
        remedy = f"{hindrance}; use the environment for the CPU: `make setup`." if build else f"{hindrance}."
        return Check("GPU", PROBLEM if build else NOTE, finding, remedy)
    if not build:
        return Check("GPU", NOTE, finding, "To use it: `make setup KIND=cu112`, and KIND=cu112 for every make after.")
    return Check("GPU", OK, finding)


def shared_libraries() -> Check:
    """Whether MXNet finds the shared libraries that it is linked to; its build for GPUs is linked to those of CUDA."""
    missing = libraries.missing()
    if not missing:
        return Check("libraries", OK, f"all {len(libraries.needed())} that MXNet is linked to are found")
    return Check("libraries", PROBLEM, f"not found: {', '.join(missing)}", libraries.remedy(missing))


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one around it that is there."""
    return next(part for part in (folder, *folder.parents) if part.exists())
