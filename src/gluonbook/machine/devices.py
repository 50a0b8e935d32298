"""Which devices a run uses: GPUs that have proved themselves, else virtual CPU devices."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable, final

import mxnet as mx

from gluonbook.checks import whole_number
from gluonbook.machine import gpus, supported


def proves_itself(ctx: mx.Context) -> None:
    """Run a small operation on `ctx` and check its result; raises what MXNet raises where the device cannot.

    A count proves nothing: a GPU newer than the kernels inside MXNet is counted like any other, and fails at its
    first operation. So this launches an elementwise kernel, a reduction and a matrix product, and waits for them.
    """
    X = mx.nd.ones((2, 3), ctx=ctx) + 1
    total = mx.nd.dot(X, X.T).sum().asscalar()
    if total != 48:
        raise mx.base.MXNetError(f"{ctx} computed {total} where 48 is right")


@final
@dataclass(frozen=True)
class _Choice:
    ctx: list[mx.Context]
    why: str


def _choose(n: int | None, probe: Callable[[mx.Context], None]) -> _Choice:
    n = None if n is None else whole_number("n", n, 1)
    usable, failures = [], []
    for gpu in map(mx.gpu, range(_count())):
        try:
            probe(gpu)
        except mx.base.MXNetError as error:
            known = "; ".join(gpus.hindrances())
            failures.append(f"{gpu} failed its test operation ({known or _first_line(error)})")
        else:
            usable.append(gpu)
    wanted = n or len(usable) or 1
    if wanted <= len(usable):
        return _Choice(usable[:wanted], f"{_names(usable[:wanted])}: tested with a small operation.")
    if usable:
        failures.insert(0, f"{wanted} devices were asked for and only {_names(usable)} can be used")
    ctx = [mx.cpu(i) for i in range(wanted)]
    kind = "virtual CPU devices" if wanted > 1 else "the CPU"
    return _Choice(ctx, f"{_names(ctx)} ({kind}): {'; '.join(failures) or _absence()}.")


def _count() -> int:
    try:
        return mx.context.num_gpus()
    except mx.base.MXNetError:  # a CUDA build on a machine whose driver does not answer: there is no GPU to try
        return 0


def _absence() -> str:
    """Why MXNet counts no GPU."""
    found = gpus.listed()
    if not found:
        return "MXNet finds no GPU here"
    if reasons := gpus.hindrances():
        return "; ".join(reasons)
    if not supported.gpu_build():
        return f"{found[0].name} needs MXNet's build for GPUs (`make setup KIND=cu112`), and this is that for CPUs"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    why = "" if hidden is None else f", since CUDA_VISIBLE_DEVICES is {hidden!r}"
    return f"nvidia-smi lists {found[0].name}, but MXNet counts no GPU{why}"


def _first_line(error: Exception) -> str:
    """The last line of an MXNet error says what happened, the lines above it where in the C++ code."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _names(ctx: list[mx.Context]) -> str:
    return ", ".join(map(str, ctx)) if len(ctx) < 4 else f"{ctx[0]} to {ctx[-1]}"


def devices(n: int | None = None, *, probe: Callable[[mx.Context], None] = proves_itself) -> list[mx.Context]:
    """The devices to run on: `n` GPUs that pass `probe`, else the `n` virtual CPU devices `cpu(0)` to `cpu(n-1)`.

    Virtual CPU devices share the same cores: they run the code of many devices, not its speed. Without `n`: every
    GPU that passes, or one CPU device. `probe(ctx)` raises `mxnet.base.MXNetError` for a device that cannot be used.
    Raises ValueError for an `n` that is no whole number from 1.
    """
    return _choose(n, probe).ctx


def explain(n: int | None = None, *, probe: Callable[[mx.Context], None] = proves_itself) -> str:
    """One sentence: which devices `devices(n)` chooses, and why."""
    return _choose(n, probe).why
