"""Compiled code, kept from one process to the next; whatever happens to it, the worst is that it is compiled anew.

numba's own cache raises what the disk or pickle says: an index that a power cut has emptied, or a full disk, would end
every process at its first kernel. It also numbers its files, so that processes that compile different signatures at
the same time may write under one name.
"""

from __future__ import annotations

import pickle
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable, final

import numba
from numba.core.caching import CompileResultCacheImpl, _Cache
from numba.core.serialize import dumps

from gluonbook.storage import atomic

_SEAL = sha256().digest_size


@final
class Cache(_Cache):
    """A file for each signature of a function that is no closure, in the folder where numba would keep it.

    A file begins with its seal, a hash of what was compiled, by which numba, for which processor, and of the code. What
    has another seal is nobody's, is never unpickled, and is replaced.

    Raises:
        Exception: whatever numba raises where it finds no folder that it may write to.
    """

    def __init__(self, function: Callable) -> None:
        self._numba = CompileResultCacheImpl(function)
        self._source = self._numba.locator.get_source_stamp()

    @property
    def cache_path(self) -> str:
        """The folder, for numba's statistics."""
        return self._numba.locator.get_cache_path()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature; None where there is none that is sound."""
        target_context.refresh()
        with suppress(Exception):  # of whatever kind: there is a remedy for all of them
            path, about = self._place(sig, target_context.codegen())
            kept = path.read_bytes()
            seal, code = kept[:_SEAL], kept[_SEAL:]
            if seal == _seal(about, code):
                return self._numba.rebuild(target_context, pickle.loads(code))
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for a signature, if that can be."""
        with suppress(Exception):
            if not self._numba.check_cachable(data):
                return
            self._numba.locator.ensure_cache_path()
            path, about = self._place(sig, data.codegen)
            code = dumps(self._numba.reduce(data))
            with atomic.beside(path, durable=False) as file:
                file.write_bytes(_seal(about, code) + code)

    def enable(self) -> None:
        """It always is."""

    def disable(self) -> None:
        """It never is."""

    def flush(self) -> None:
        """Forget nothing: what is out of date has another seal."""

    def _place(self, sig: Any, codegen: Any) -> tuple[Path, bytes]:
        """The file for a signature, and what its code is about."""
        asked = repr((sig, codegen.magic_tuple()))
        name = f"{self._numba.filename_base}.{sha256(asked.encode()).hexdigest()[:16]}.nbc"
        return Path(self.cache_path, name), repr((asked, numba.__version__, self._source)).encode()


def _seal(about: bytes, code: bytes) -> bytes:
    return sha256(sha256(about).digest() + code).digest()
