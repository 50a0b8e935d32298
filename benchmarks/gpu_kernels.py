"""The CUDA kernels on a GPU of any age: compared bit for bit with numpy, and timed against a copy within its memory.

    python benchmarks/gpu_kernels.py [--quick] [--keep FILE]

It needs CuPy and a GPU, and neither MXNet nor the book's environment: CuPy compiles the very sources that `mx.rtc`
gets, for GPUs, too, that are newer than MXNet. A kernel's ratio is the bandwidth that it reaches, of the bytes that it
must move, to that of a copy of equally many bytes in the same round.
"""

from __future__ import annotations

import argparse
import sys
import types
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

import numpy as np

try:
    import cupy
except ImportError:
    cupy = None

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "src"
GOAL = 0.85
LENGTHS = (1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 2047, 2048, 2049, 70_001)
VOTERS = (1, 2, 3, 4, 7, 8, 33, 100, 4096)
PARAMETERS = (25_600_000, 1_000_000_000)
ROUNDS = 15


def _packages_without_mxnet() -> None:
    """Make modules of the package importable one by one: to import it as a whole needs MXNet."""
    for name in ("gluonbook", "gluonbook.kernels"):
        package = types.ModuleType(name)
        package.__path__ = [str(SOURCES / name.replace(".", "/"))]
        sys.modules[name] = package


_packages_without_mxnet()

import keeping  # noqa: E402

from gluonbook.kernels import bits, cuda_source, hyper, reference  # noqa: E402
from gluonbook.machine import facts  # noqa: E402

HALF, SINGLE, DOUBLE = map(np.dtype, ("float16", "float32", "float64"))
PAIRS = ((SINGLE, SINGLE), (SINGLE, HALF), (HALF, HALF), (DOUBLE, DOUBLE))


@cache
def _module(exact: np.dtype, grad: np.dtype) -> cupy.RawModule:
    return cupy.RawModule(code=cuda_source.source(exact, grad), options=cuda_source.OPTIONS)


def launch(name: str, exact: np.dtype, grad: np.dtype, n: int, *arguments: object) -> None:
    """Call a kernel that takes n elements; Python's whole numbers are lengths."""
    given = [np.int64(one) if type(one) is int else one for one in arguments]
    kernel = _module(exact, grad).get_function(name)
    kernel((cuda_source.blocks(n),), (cuda_source.BLOCK,), tuple(given))


def mixed(dtype: np.dtype, n: int, seed: int) -> np.ndarray:
    """Numbers of all magnitudes, one in ten of them ±0, infinite, NaN, denormal, or next to the largest."""
    luck, limits = np.random.default_rng(seed), np.finfo(dtype)
    special = np.array([0, np.inf, np.nan, limits.smallest_subnormal, limits.tiny, limits.max, 1], np.float64)
    with np.errstate(all="ignore"):
        plain = (luck.standard_normal(n) * 10.0 ** luck.uniform(-8, 4, n)).astype(dtype)
        odd = (luck.choice(special, n) * luck.choice([-1, 1], n)).astype(dtype)
    return np.where(luck.random(n) < 0.1, odd, plain)


def same(name: str, expected: np.ndarray, got: cupy.ndarray) -> None:
    """Raises RuntimeError unless both hold the same bits; every NaN is like any other."""
    found = cupy.asnumpy(got).view(expected.dtype)
    whole = f"u{expected.dtype.itemsize}"
    alike = expected.view(whole) == found.view(whole)
    if expected.dtype.kind == "f":
        alike |= np.isnan(expected) & np.isnan(found)
    if not alike.all():
        at = int(np.flatnonzero(~alike)[0])
        raise RuntimeError(f"{name}: element {at} of {alike.size} is {found[at]!r}, where {expected[at]!r} is right")


def check(exact: np.dtype, grad: np.dtype, n: int) -> None:
    """Compare all kernels on arrays of n elements with the reference."""
    which = f"of {exact} with {grad}, {n} elements"
    weight, mom, g = mixed(exact, n, 0), mixed(exact, n, 1), mixed(grad, n, 2)
    words = np.random.default_rng(3).integers(0, 1 << 64, bits.words_for(n), dtype=np.uint64)
    for clip in (None, 0.3):
        c = hyper.signum(exact, 0.013, 0.937, 0.01, 0.02, 1 / 96, clip)
        w, m, copy = weight.copy(), mom.copy(), np.zeros(n, grad)
        on = [cupy.asarray(one) for one in (weight, g, mom)]
        if grad == exact:
            launch("signum_step", exact, grad, n, *on, n, *c)
            reference.signum_step(w, g, m, c)
        else:
            on.append(cupy.zeros(n, grad))
            launch("signum_step_and_copy", exact, grad, n, *on, n, *c)
            reference.signum_step(w, g, m, c, half=copy)
            same(f"the copy by signum_step {which}", copy, on[3])
        same(f"the weight by signum_step {which}", w, on[0])
        same(f"the momentum by signum_step {which}", m, on[2])
        m, on, sent = mom.copy(), [cupy.asarray(mom), cupy.asarray(g)], cupy.zeros(len(words), cupy.uint64)
        constants = c.momentum, c.damping, c.damped_rescale, c.rescale, c.clip
        fresh = cupy.zeros(n, exact)
        expected = reference.momentum_pack(m, g, c, 1)
        for place in (fresh, on[0]):  # elsewhere first, then where the old momentum is
            launch("momentum_pack", exact, grad, n, place, *on, sent, n, bits.lots(1), *constants)
            same(f"the words by momentum_pack {which}", expected, sent)
            same(f"the momentum by momentum_pack {which}", m, place)
    launch("pack", exact, grad, n, cupy.asarray(weight), sent, n, bits.lots(0))
    same(f"pack {which}", reference.pack(weight), sent)
    signs = cupy.zeros(n, exact)
    launch("unpack", exact, grad, n, signs, cupy.asarray(words), n)
    same(f"unpack {which}", reference.unpack(words, n, exact), signs)
    for wd in (0.0, 0.03):
        w, on = weight.copy(), cupy.asarray(weight)
        lr, decay = hyper.signs(SINGLE if exact == HALF else exact, 0.013, wd)
        launch("apply_signs", exact, grad, n, on, cupy.asarray(words), n, lr, decay)
        reference.apply_signs(w, words, lr, decay)
        same(f"apply_signs {which}", w, on)
    found = cupy.zeros(1, cupy.int32)
    launch("nonfinite", exact, grad, n, cupy.asarray(weight), found, n)
    if bool(found[0]) != reference.nonfinite(weight):
        raise RuntimeError(f"nonfinite {which} says {bool(found[0])}")


def check_vote(M: int, n: int) -> None:
    """Compare a vote of M ballots with the reference."""
    ballots = np.random.default_rng(M).integers(0, 1 << 64, (M, n), dtype=np.uint64)
    result = cupy.zeros(n, cupy.uint64)
    for step in range(2):
        launch("vote", SINGLE, SINGLE, cuda_source.ITEMS * n, cupy.asarray(ballots), result, n, *counted(M, step))
        same(f"vote of {M} ballots of {n} words", reference.vote(ballots, step), result)


def counted(M: int, step: int) -> tuple[np.int32, np.int32, np.int32, np.uint64]:
    """How the kernel counts M votes."""
    offset, top, ties = bits.tally(M, step)
    return np.int32(M), np.int32(offset), np.int32(top), ties


def works(n: int) -> Iterator[tuple[str, int, Callable[[], None]]]:
    """Each kernel on n parameters of float32: its name, the bytes that it must move, and a call of it."""
    words = bits.words_for(n)
    c = hyper.signum(SINGLE, 1e-4, 0.9, 0.0, 1e-4, 1.0, None)
    weight, grad, mom = (cupy.random.standard_normal(n, dtype=cupy.float32) for _ in range(3))
    ballot = cupy.zeros(words, cupy.uint64)
    yield "signum_step", 20 * n, lambda: launch("signum_step", SINGLE, SINGLE, n, weight, grad, mom, n, *c)
    constants = c.momentum, c.damping, c.damped_rescale, c.rescale, c.clip
    arguments = mom, mom, grad, ballot, n, bits.lots(0), *constants
    yield "momentum_pack", 12 * n + 8 * words, lambda: launch("momentum_pack", SINGLE, SINGLE, n, *arguments)
    yield "pack", 4 * n + 8 * words, lambda: launch("pack", SINGLE, SINGLE, n, grad, ballot, n, bits.lots(0))
    lr, wd = hyper.signs(SINGLE, 1e-4, 0.0)
    yield (
        "apply_signs",
        8 * n + 8 * words,
        lambda: launch("apply_signs", SINGLE, SINGLE, n, weight, ballot, n, lr, wd),
    )
    M = 7
    ballots = cupy.random.randint(0, 1 << 62, (M, words), dtype=cupy.uint64)
    call = cuda_source.ITEMS * words, ballots, ballot, words, *counted(M, 0)
    yield f"vote of {M}", 8 * (M + 1) * words, lambda: launch("vote", SINGLE, SINGLE, *call)


def seconds(work: Callable[[], None], times: int) -> float:
    """The time of one call, by the GPU's clock, over several."""
    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()
    for _ in range(times):
        work()
    stop.record()
    stop.synchronize()
    return cupy.cuda.get_elapsed_time(start, stop) / 1e3 / times


def timed(n: int) -> Iterator[dict[str, object]]:
    """A row a kernel: its bandwidth against that of a copy of the same number of bytes, in the same rounds."""
    for name, moved, work in works(n):
        source, target = cupy.zeros(moved // 8, cupy.float32), cupy.zeros(moved // 8, cupy.float32)

        def copy(source: cupy.ndarray = source, target: cupy.ndarray = target) -> None:
            cupy.cuda.runtime.memcpyAsync(target.data.ptr, source.data.ptr, source.nbytes, 3, 0)

        times = max(1, int(2e10 / moved))
        seconds(work, 1), seconds(copy, 1)
        rounds = [(seconds(work, times), seconds(copy, times)) for _ in range(ROUNDS)]
        ratio = float(np.median([theirs / ours for ours, theirs in rounds]))
        spent = float(np.median([ours for ours, _ in rounds]))
        yield {
            "kernel": name,
            "parameters": n,
            "milliseconds": round(spent * 1e3, 4),
            "GB/s": round(moved / spent / 1e9, 1),
            "of a copy": round(ratio, 3),
            "goal": GOAL,
            "met": ratio >= GOAL,
        }


def hindrance() -> str:
    """Why nothing can be measured here; nothing where something can."""
    if cupy is None:
        return "CuPy is not installed (`pip install cupy-cuda12x`, say)"
    try:
        return "" if cupy.cuda.runtime.getDeviceCount() else "CuPy finds no GPU"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"there is no GPU that CuPy can use ({error})"


def main() -> None:
    now = datetime.now(timezone.utc)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the largest arrays")
    parser.add_argument(
        "--keep",
        type=keeping.file,
        default=f"{HERE}/results/gpu-{now:%Y-%m-%d-%H%M%S}.json",
        help="the JSON file for the results (default: one in results/, by date)",
    )
    asked = parser.parse_args()
    if reason := hindrance():
        sys.exit(f"The CUDA kernels are not measured: {reason}.")
    for exact, grad in PAIRS:
        for n in LENGTHS:
            check(exact, grad, n)
    for M in VOTERS:
        for n in (1, 31, 1000):
            check_vote(M, n)
    print(f"bit for bit as in numpy: {len(PAIRS)} pairs of types, {len(LENGTHS)} lengths, votes of {VOTERS}")
    rows = []
    for n in PARAMETERS[: 1 if asked.quick else None]:
        for row in timed(n):
            rows.append(row)
            print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        cupy.get_default_memory_pool().free_all_blocks()
    device = cupy.cuda.runtime.getDeviceProperties(0)
    results = {
        "date": now.isoformat(timespec="seconds"),
        "commit": facts.commit(),
        "gpu": device["name"].decode(),
        "compute capability": f"{device['major']}.{device['minor']}",
        "driver's CUDA": cupy.cuda.runtime.driverGetVersion(),
        "cupy": cupy.__version__,
        "rounds": ROUNDS,
        "rows": rows,
    }
    keeping.write(asked.keep, results)
    print(f"{sum(row['met'] for row in rows)} of {len(rows)} bounds are met; kept in {asked.keep.name}")


if __name__ == "__main__":
    main()
