"""The shared libraries that MXNet is linked to: where they are, what is missing, and how MXNet comes to find them.

All of it is known without MXNet, which cannot even be imported where one is missing: its own error then names that one
library, and no remedy.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path
from typing import final

from gluonbook.machine import supported

# What libmxnet.so of mxnet-cu112 links to, and the package that brings it; the driver brings the last.
CUDA = {
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
# What both builds link to. A slim container lacks it, while the wheels of scikit-learn and numpy bring it along.
COMMON = ("libgomp.so.1", "libquadmath.so.0")
LINK = 'python -c "from gluonbook.machine.libraries import link; link()"'


def needed() -> tuple[str, ...]:
    """The shared libraries without which the installed build of MXNet is not loaded, and which it does not bring."""
    return (*CUDA, *COMMON) if supported.gpu_build() else COMMON


def missing() -> list[str]:
    """Those of the needed ones that MXNet will not find."""
    folder = mxnet_folder()
    return [name for name in needed() if not (folder and (folder / name).exists()) and not loads(name)]


def check() -> None:
    """Return if MXNet can be loaded, as far as shared libraries tell.

    Raises:
        UnsupportedEnvironment: with one sentence that names the missing ones and the remedy.
    """
    if absent := missing():
        build = "MXNet's build for GPUs" if supported.gpu_build() else "MXNet"
        supported.refuse(f"{build} does not find {', '.join(absent)}: {remedy(absent)}")


def check_before_mxnet() -> None:
    """Let the first import of MXNet in this process, whoever asks for it, begin with `check`."""
    if "mxnet" not in sys.modules and not any(isinstance(finder, _Check) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Check())


def link() -> list[str]:
    """Put links to the shared libraries that MXNet needs beside its own, the one place where it looks by itself.

    Those of the nvidia-* packages for its build for GPUs, and for both builds those of `COMMON` that the system lacks.

    Returns:
        The names of all the links that are there now.

    Raises:
        UnsupportedEnvironment: MXNet is not installed.
        OSError: its folder cannot be written.
    """
    folder = mxnet_folder()
    if folder is None:
        supported.refuse(supported.not_installed())
    site = folder.parent
    libraries = {library.name: library for library in sorted(site.glob("nvidia/*/lib/*.so*"))}
    for name in COMMON:
        bundled = sorted(site.glob(f"*.libs/{name.split('.')[0]}-*.so*"))
        if bundled and not loads(name):
            libraries[name] = bundled[0]
    for name, library in libraries.items():
        _link(folder / name, library)
    return sorted(libraries)


def remedy(absent: Sequence[str]) -> str:
    """What to do about missing libraries, in one sentence."""
    packages = [CUDA[name] for name in absent if CUDA.get(name)]
    steps = []
    if to_install := [package for package in packages if supported.version(package) is None]:
        steps.append(f"`python -m pip install {' '.join(to_install)}`")
    if packages or set(absent) & set(COMMON):
        steps.append(f"`{LINK}` links them beside MXNet")
    if "libcuda.so.1" in absent:
        steps.append("NVIDIA's driver brings libcuda.so.1")
    return "; ".join(steps) + "."


def mxnet_folder() -> Path | None:
    """The folder of the installed MXNet, which is not imported; None where there is none."""
    spec = PathFinder.find_spec("mxnet")
    return Path(spec.origin).parent if spec and spec.origin else None


def loads(library: str) -> bool:
    """Whether the dynamic linker finds a shared library by its name alone."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _link(link: Path, library: Path) -> None:
    """Make the link, or renew it; a file that MXNet itself brought is left alone."""
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(os.path.relpath(library, link.parent))


@final
class _Check(MetaPathFinder):
    """Finds nothing itself: it is asked before those that do."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "mxnet":
            check()
