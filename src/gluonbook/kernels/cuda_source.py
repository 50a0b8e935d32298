"""The text of the CUDA kernels, and how they are launched: for `mx.rtc`, and for whoever compiles them elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from gluonbook.storage.text import read_text

OPTIONS = ("--fmad=false",)  # of the compiler: a fused multiply-add would change bits
BLOCK = 256  # threads
ITEMS = 8  # elements a thread takes; in the sources, too
_TYPES = {"float16": "Half", "float32": "float", "float64": "double"}
_KERNELS = read_text(Path(__file__).parent / "kernels.cu")
_IN_SIGNATURES = {  # what mx.rtc calls the types of the sources
    "Half": "__half",
    "unsigned long long": "int64_t",
    "long long": "int64_t",
    "unsigned": "int32_t",
}


def source(exact: np.dtype, grad: np.dtype) -> str:
    """The sources of all kernels, for weights and momentum of the type `exact`, and gradients of the type `grad`."""
    return f"#define EXACT {_TYPES[exact.name]}\n#define GRAD {_TYPES[grad.name]}\n{_KERNELS}"


def signature(name: str, exact: np.dtype, grad: np.dtype) -> str:
    """The parameters of a kernel, in the words of `mx.rtc`."""
    (parameters,) = re.findall(rf'extern "C" __global__ void {name}\(([^)]*)\)', _KERNELS)
    wide = "double" if exact == np.float64 else "float"
    own = {"EXACT": _TYPES[exact.name], "GRAD": _TYPES[grad.name], "WIDE": wide}
    for word, meaning in {**own, **_IN_SIGNATURES}.items():
        parameters = re.sub(rf"\b{word}\b", meaning, parameters)
    return " ".join(parameters.split())


def blocks(n: int) -> int:
    """How many blocks take n elements."""
    return -(-n // (BLOCK * ITEMS))
