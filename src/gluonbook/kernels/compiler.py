"""How the kernels for CPUs are compiled: by numba, at the first call, into its cache.

The cache looks at the time of the one file that a function is in. So what a compiled function calls, and the constants
that are compiled into it, stand in its own file: `native`, or `native_vote`.
"""

from __future__ import annotations

from functools import partial
from typing import Callable

import numba


def kept(compiler: Callable) -> Callable:
    """The compiler, told to keep what it compiles if numba finds a folder that it may write to.

    That is the package's own, else the user's cache, or NUMBA_CACHE_DIR. With none, every process compiles anew.
    """

    def keeping(function: Callable) -> Callable:
        try:
            return compiler(cache=True)(function)
        except RuntimeError:
            return compiler()(function)

    return keeping


compiled = kept(partial(numba.njit, nogil=True, error_model="numpy", fastmath=False))
