"""The forms that a kernel has, each to be compared with the reference."""

from __future__ import annotations

import cuda_on_host
import mxnet as mx
import pytest

from gluonbook.kernels import cuda
from gluonbook.kernels.cpu import Host
from gluonbook.kernels.expressions import Expressions
from gluonbook.kernels.form import Form


@pytest.fixture(scope="session")
def compiler() -> None:
    """What takes the CUDA sources here; skips the test where there is nothing."""
    if cuda_on_host.COMPILER is None:
        pytest.skip("no compiler for C++ (g++ or clang++) that could take the CUDA sources")


@pytest.fixture(scope="session")
def cuda_here(compiler) -> Form:
    """The form for GPUs, its sources compiled for the host."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mx.rtc, "CudaModule", cuda_on_host.Module)
        yield cuda.Cuda()
    cuda._module.cache_clear()
    cuda._kernel.cache_clear()


@pytest.fixture(params=["cpu", "expressions", "cuda"])
def form(request) -> Form:
    """Each form."""
    if request.param == "cuda":
        return request.getfixturevalue("cuda_here")
    return {"cpu": Host, "expressions": Expressions}[request.param]()
