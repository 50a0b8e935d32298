"""Processor, memory, disk, folders, and the GPU with all that MXNet needs to use it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from gluonbook import environment, paths
from gluonbook.doctor.check import NOTE, OK, PROBLEM, Check

# What libmxnet.so of mxnet-cu112 links to, and the package that brings it; the driver brings the last.
CUDA_LIBRARIES = {
    "libcudart.so.11.0": "nvidia-cuda-runtime-cu11",
    "libcublas.so.11": "nvidia-cublas-cu11",
    "libcudnn.so.8": "nvidia-cudnn-cu11",
    "libcufft.so.10": "nvidia-cufft-cu11",
    "libcurand.so.10": "nvidia-curand-cu11",
    "libcusolver.so.11": "nvidia-cusolver-cu11",
    "libnvrtc.so.11.2": "nvidia-cuda-nvrtc-cu11",
    "libnccl.so.2": "nvidia-nccl-cu11",
    "libnvToolsExt.so.1": "nvidia-nvtx-cu11",
    "libcuda.so.1": "",
}
LINK = 'python -c "from gluonbook.environment import link_libraries; link_libraries()"'
_CAPABILITIES = (5.0, 8.9)  # kernels for 5.0 to 8.6, no PTX that a newer GPU could compile; 8.9 runs those for 8.6
_DRIVER = (450, 80)  # the oldest that serves CUDA 11
_COMFORTABLE_MEMORY, _COMFORTABLE_DISK, _LEAST_DISK = 4, 5, 1  # GiB


@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi lists it; an old driver does not tell the compute capability."""

    name: str
    driver: str
    capability: float | None


def gpu_build() -> bool:
    """Whether this environment holds MXNet's build for GPUs."""
    return environment.version("mxnet-cu112") is not None


def processor() -> Check:
    """How many cores there are for us, and whether they have AVX2."""
    cores = environment.cores()
    finding = f"{environment.machine()['cpu']}, {cores} {'core' if cores == 1 else 'cores'}"
    if platform.machine() == "x86_64" and Path("/proc/cpuinfo").is_file():
        if not re.search(r"^flags\s*:.*\bavx2\b", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            return Check("processor", NOTE, f"{finding}, without AVX2", "Everything runs, but more slowly.")
        finding += ", AVX2"
    if cores == 1:
        return Check("processor", NOTE, finding, "Chapters with several workers run them one after another.")
    return Check("processor", OK, finding)


def memory() -> Check:
    """How much memory there is for us, and how much of it is free."""
    usable = environment.memory()
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


def gpu() -> Check:
    """Whether there is a GPU that MXNet 1.9.1 has kernels for, and whether its driver is new enough."""
    found = gpus()
    if not found:
        if gpu_build():
            remedy = "Install NVIDIA's driver, or use the environment for the CPU: `make setup`."
            return Check("GPU", PROBLEM, "nvidia-smi lists none, but this environment is made for one", remedy)
        return Check("GPU", NOTE, "nvidia-smi lists none", "The book runs on the CPU, with virtual devices.")
    finding = "; ".join(map(_describe, found))
    hindrance = next((reason for reason in map(_hindrance, found) if reason), "")
    if hindrance:
        remedy = f"{hindrance}; use the environment for the CPU: `make setup`." if gpu_build() else f"{hindrance}."
        return Check("GPU", PROBLEM if gpu_build() else NOTE, finding, remedy)
    if not gpu_build():
        return Check("GPU", NOTE, finding, "To use it: `make setup KIND=cu112`, and KIND=cu112 for every make after.")
    return Check("GPU", OK, finding)


def gpus() -> list[Gpu]:
    """The GPUs that nvidia-smi lists; none where it is missing or gets no answer from the driver."""
    rows = _nvidia_smi("name,driver_version,compute_cap") or _nvidia_smi("name,driver_version")
    return [Gpu(row[0], row[1], _number(row[2]) if len(row) > 2 else None) for row in rows if len(row) > 1]


def cuda() -> Check:
    """Whether MXNet's build for GPUs finds the shared libraries it is linked to."""
    if not gpu_build():
        return Check("CUDA libraries", NOTE, "not looked for: this environment holds MXNet's build for the CPU")
    folder = environment.mxnet_folder()
    linked = {name for name in CUDA_LIBRARIES if folder and (folder / name).exists()}
    missing = [name for name in CUDA_LIBRARIES if name not in linked and not environment.loads(name)]
    if not missing:
        return Check("CUDA libraries", OK, f"all {len(CUDA_LIBRARIES)} are found")
    packages = [CUDA_LIBRARIES[name] for name in missing if CUDA_LIBRARIES[name]]
    absent = [package for package in packages if environment.version(package) is None]
    steps = []
    if absent:
        steps.append(f"`python -m pip install {' '.join(absent)}`")
    if packages:
        steps.append(f"`{LINK}` links them beside MXNet")
    if "libcuda.so.1" in missing:
        steps.append("NVIDIA's driver brings libcuda.so.1")
    return Check("CUDA libraries", PROBLEM, f"not found: {', '.join(missing)}", "; ".join(steps) + ".")


def _describe(gpu: Gpu) -> str:
    capability = "unknown" if gpu.capability is None else gpu.capability
    return f"{gpu.name}, compute capability {capability}, driver {gpu.driver}"


def _hindrance(gpu: Gpu) -> str:
    oldest, newest = _CAPABILITIES
    if gpu.capability is not None and not oldest <= gpu.capability <= newest:
        return f"MXNet 1.9.1 holds kernels for compute capability {oldest} to {newest} alone, so not for {gpu.name}"
    if tuple(map(int, re.findall(r"\d+", gpu.driver)[:2])) < _DRIVER:
        return f"CUDA 11 needs driver {'.'.join(map(str, _DRIVER))} or later"
    return ""


def _nvidia_smi(columns: str) -> list[list[str]]:
    command = ["nvidia-smi", f"--query-gpu={columns}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):  # no driver, one that does not answer, or one that lacks a column
        return []
    return [[field.strip() for field in line.split(",")] for line in answer.splitlines() if line.strip()]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # "[N/A]"
        return None


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one around it that is there."""
    return next(part for part in (folder, *folder.parents) if part.exists())
