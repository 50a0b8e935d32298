"""How the kernels for CPUs are compiled: by numba, at the first call, and kept for other processes where that can be.

What is kept counts as long as the one file that a function is in stays as it is. So what a compiled function calls, and
the constants that are compiled into it, stand in its own file: `native`, `native_engine` or `native_vote`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Callable

import numba
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature

from gluonbook.kernels.cache import Cache


def compiled(function: Callable) -> Callable:
    """The function, which is compiled for each new signature that it is called with."""
    return _keeping(numba.njit(nogil=True, error_model="numpy", fastmath=False)(function), function)


def callback(signature: object) -> Callable[[Callable], CFunc]:
    """The function as one of C, as numba's `cfunc` makes it, whose cache could not be another."""

    def compiling(function: Callable) -> CFunc:
        made = _keeping(CFunc(function, normalize_signature(signature), locals={}, options={}), function)
        made.compile()
        return made

    return compiling


def _keeping(made: Any, function: Callable) -> Any:
    """With a cache in the package's own folder, else the user's cache, or NUMBA_CACHE_DIR, if one can be written to."""
    with suppress(Exception):  # none can, and every process compiles anew
        made._cache = Cache(function)
    return made
