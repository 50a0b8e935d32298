"""The GPUs of this machine, and what keeps MXNet 1.9.1 from using one: its age, its driver, or a missing library.

All of it is known without MXNet, whose build for GPUs cannot even be imported where a library is missing.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from gluonbook.machine import environment

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
LINK = 'python -c "from gluonbook.machine.environment import link_libraries; link_libraries()"'
_CAPABILITIES = (5.0, 8.9)  # kernels for 5.0 to 8.6, no PTX that a newer GPU could compile; 8.9 runs those for 8.6
_DRIVER = (450, 80)  # the oldest that serves CUDA 11


@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi lists it; an old driver does not tell the compute capability."""

    name: str
    driver: str
    capability: float | None

    def __str__(self) -> str:
        capability = "unknown" if self.capability is None else self.capability
        return f"{self.name}, compute capability {capability}, driver {self.driver}"

    @property
    def hindrance(self) -> str:
        """Why MXNet 1.9.1 cannot use it, as a clause; nothing where nothing is known to be in the way."""
        oldest, newest = _CAPABILITIES
        if self.capability is not None and not oldest <= self.capability <= newest:
            age = "new" if self.capability > newest else "old"
            return (
                f"{self.name} is too {age} ({_sm(self.capability)}): MXNet 1.9.1 holds kernels for {_sm(oldest)} to "
                f"{_sm(newest)} alone"
            )
        if tuple(map(int, re.findall(r"\d+", self.driver)[:2])) < _DRIVER:
            return f"the driver {self.driver} is too old: CUDA 11 needs {'.'.join(map(str, _DRIVER))} or later"
        return ""


def listed() -> list[Gpu]:
    """The GPUs that nvidia-smi lists; none where it is missing or gets no answer from the driver."""
    rows = _nvidia_smi("name,driver_version,compute_cap") or _nvidia_smi("name,driver_version")
    return [Gpu(row[0], row[1], _number(row[2]) if len(row) > 2 else None) for row in rows if len(row) > 1]


def hindrances() -> list[str]:
    """What is in the way of the listed GPUs, each thing once."""
    return list(dict.fromkeys(reason for gpu in listed() for reason in [gpu.hindrance] if reason))


def gpu_build() -> bool:
    """Whether this environment holds MXNet's build for GPUs."""
    return environment.version("mxnet-cu112") is not None


def missing_libraries() -> list[str]:
    """The shared libraries that MXNet's build for GPUs is linked to, and that it will not find."""
    folder = environment.mxnet_folder()
    linked = {name for name in CUDA_LIBRARIES if folder and (folder / name).exists()}
    return [name for name in CUDA_LIBRARIES if name not in linked and not environment.loads(name)]


def check_libraries() -> None:
    """Return if MXNet can be loaded, as far as shared libraries tell; its build for the CPU brings its own.

    Raises:
        UnsupportedEnvironment: with one sentence that names the missing ones and the remedy.
    """
    if gpu_build() and (missing := missing_libraries()):
        found = f"MXNet's build for GPUs does not find {', '.join(missing)}"
        raise environment.UnsupportedEnvironment(f"{found}: {remedy(missing)}")


def remedy(missing: list[str]) -> str:
    """What to do about missing libraries, in one sentence."""
    packages = [CUDA_LIBRARIES[name] for name in missing if CUDA_LIBRARIES[name]]
    absent = [package for package in packages if environment.version(package) is None]
    steps = []
    if absent:
        steps.append(f"`python -m pip install {' '.join(absent)}`")
    if packages:
        steps.append(f"`{LINK}` links them beside MXNet")
    if "libcuda.so.1" in missing:
        steps.append("NVIDIA's driver brings libcuda.so.1")
    return "; ".join(steps) + "."


def _sm(capability: float) -> str:
    return f"sm_{round(capability * 10)}"


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
