"""What the tests of the kernels share: arrays with everything in them that can go wrong, and equality of bits."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gluonbook.kernels import memory
from gluonbook.kernels.memory import Array, Column

DTYPES = tuple(map(np.dtype, ("float16", "float32", "float64")))
LENGTHS = (0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 2047, 2048, 2049, 4100)


def specials(dtype: np.dtype) -> np.ndarray:
    """±0, ±Inf, NaN of both signs, denormals, the smallest and the largest numbers."""
    limits = np.finfo(dtype)
    positive = [0, np.inf, np.nan, limits.smallest_subnormal, limits.tiny / 2, limits.tiny, limits.max, 1]
    with np.errstate(all="ignore"):
        return np.array([*positive, *(-np.array(positive, np.float64))]).astype(dtype)


def mixed(dtype: np.dtype, shape: int | tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Numbers of all magnitudes, one in ten of them special."""
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        x = (rng.standard_normal(shape) * 10.0 ** rng.uniform(-8, 4, shape)).astype(dtype)
    return np.where(rng.random(shape) < 0.1, rng.choice(specials(dtype), shape), x)


def plain(dtype: np.dtype, shape: int | tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays hold the same bits; every NaN is like any other."""
    bits = f"u{a.dtype.itemsize}"
    alike = (a.view(bits) == b.view(bits)) | (np.isnan(a) & np.isnan(b))
    return a.dtype == b.dtype and a.shape == b.shape and bool(alike.all())


def any_floats(dtype: np.dtype, length: int | None = None) -> st.SearchStrategy[np.ndarray]:
    """Arrays of any numbers, NaN, infinities and denormals among them."""
    size = st.integers(0, 200) if length is None else st.just(length)
    width = 8 * dtype.itemsize
    elements = st.floats(width=width, allow_nan=True, allow_infinity=True, allow_subnormal=True)
    return hnp.arrays(dtype, size, elements=elements)


def words(shape: int | tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random words."""
    return np.random.default_rng(seed).integers(0, 1 << 64, shape, dtype=np.uint64)


def hyper_parameters(high: float) -> st.SearchStrategy[float]:
    """Hyper-parameters: 0, or of a size that float32 holds."""
    return st.just(0.0) | st.floats(1e-9, high)


def column(*arrays: Array | None) -> Column:
    """Arrays as the forms of the kernels take them."""
    return memory.column("x", arrays, True, optional=True)
