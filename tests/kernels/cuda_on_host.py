"""The CUDA sources without a GPU: a compiler for C++ takes them as they are, and 32 threads of the host play a warp.

`Module` stands in for `mx.rtc.CudaModule`. All else is as on a GPU: the text of the kernels, their signatures, the
grids they are launched on, and what each thread of a warp does, in any order between two ballots.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.base import _LIB, check_call

COMPILER = shutil.which("g++") or shutil.which("clang++")

BEFORE = r"""
#include <barrier>
#include <thread>
#include <vector>
#define __global__
#define __device__
struct Index { unsigned x; };
static thread_local Index blockIdx, blockDim, threadIdx;
static std::barrier<> gate(32);
static bool said[32];
static unsigned __ballot_sync(unsigned, bool one) {
    said[threadIdx.x % 32] = one;
    gate.arrive_and_wait();
    unsigned word = 0;
    for (int lane = 0; lane < 32; lane++) word |= unsigned(said[lane]) << lane;
    gate.arrive_and_wait();
    return word;
}
template <typename Kernel> void on_grid(unsigned blocks, unsigned threads, Kernel kernel) {
    std::vector<std::thread> warp;
    for (unsigned lane = 0; lane < 32; lane++)
        warp.emplace_back([=] {
            for (unsigned block = 0; block < blocks; block++)
                for (unsigned first = 0; first < threads; first += 32) {
                    blockIdx = {block}, blockDim = {threads}, threadIdx = {first + lane};
                    kernel();
                }
        });
    for (std::thread &one : warp) one.join();
}
struct Half;
static float widen(Half);
static Half to_half(float);
"""
AFTER = r"""
static float widen(Half x) { _Float16 y; __builtin_memcpy(&y, &x, 2); return y; }
static Half to_half(float x) { _Float16 y = x; Half z; __builtin_memcpy(&z, &y, 2); return z; }
"""
NUMBERS = {"float": ctypes.c_float, "double": ctypes.c_double, "int": ctypes.c_int, "int64_t": ctypes.c_longlong}


class Module:
    """The kernels of a source, compiled for the host."""

    def __init__(self, source: str, options: tuple[str, ...] = ()) -> None:
        assert options == ("--fmad=false",)  # here: -ffp-contract=off
        kernels = re.findall(r'extern "C" __global__ void (\w+)\(([^)]*)\)', source)
        calls = []
        for name, parameters in kernels:
            words = ", ".join(re.findall(r"(\w+)(?:,|$)", parameters))
            calls.append(
                f'extern "C" void on_host_{name}(unsigned blocks, unsigned threads, {parameters}) '
                f"{{ on_grid(blocks, threads, [=] {{ {name}({words}); }}); }}"
            )
        with tempfile.TemporaryDirectory() as folder:
            text, library = Path(folder) / "kernels.cpp", Path(folder) / "kernels.so"
            text.write_text("\n".join([BEFORE, source, AFTER, *calls]))
            command = [COMPILER, "-std=c++20", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-pthread"]
            subprocess.run([*command, "-o", library, text], check=True, capture_output=True, text=True)
            self._library = ctypes.CDLL(str(library))

    def get_kernel(self, name: str, signature: str) -> Kernel:
        return Kernel(self.function(name), signature)

    def function(self, name: str) -> Callable[..., None]:
        """A kernel: the numbers of blocks and of threads come first."""
        return getattr(self._library, f"on_host_{name}")


class Kernel:
    """One of them, launched as `mx.rtc` would, and done when `launch` returns."""

    def __init__(self, function: object, signature: str) -> None:
        self._function = function
        self._parameters = [parameter.removeprefix("const ").split() for parameter in signature.split(", ")]

    def launch(self, arguments: tuple, ctx: object, blocks: tuple, threads: tuple) -> None:
        assert len(arguments) == len(self._parameters)
        assert blocks[1:] == threads[1:] == (1, 1)
        given = []
        nd.waitall()
        for argument, (kind, name) in zip(arguments, self._parameters):
            if name.startswith("*"):
                assert mx.rtc._DTYPE_CPP_TO_NP[kind] == argument.dtype, (kind, name, argument.dtype)
                given.append(ctypes.c_void_p(_address(argument)))
            else:
                given.append(NUMBERS[kind](argument))
        self._function(ctypes.c_uint(blocks[0]), ctypes.c_uint(threads[0]), *given)


def _address(array: nd.NDArray) -> int:
    pointer = ctypes.c_void_p()
    check_call(_LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    return pointer.value


class NumpyAsCupy:
    """As much of CuPy as compares kernels with the reference, in the memory of the host."""

    uint64, int32, zeros, asarray, ndarray = np.uint64, np.int32, np.zeros, np.array, np.ndarray
    asnumpy = staticmethod(np.asarray)

    class RawModule:
        def __init__(self, code: str, options: tuple[str, ...]) -> None:
            self._module = Module(code, options)

        def get_function(self, name: str) -> Callable[..., None]:
            function = self._module.function(name)

            def launch(grid: tuple[int], block: tuple[int], arguments: tuple) -> None:
                given = [ctypes.c_uint(*grid), ctypes.c_uint(*block)]
                for one in arguments:
                    pointer = isinstance(one, np.ndarray)
                    given.append(ctypes.c_void_p(one.ctypes.data) if pointer else SCALARS[type(one)](one))
                function(*given)

            return launch


SCALARS = {
    np.float32: ctypes.c_float,
    np.float64: ctypes.c_double,
    np.int32: ctypes.c_int,
    np.int64: ctypes.c_longlong,
    np.uint64: ctypes.c_ulonglong,
}
