"""One process at a time."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import final

from filelock import FileLock, Timeout

from gluonbook.storage.errors import told

# What a share answers that knows no locks: NFS without its lock service, some of FUSE, 9p.
_UNKNOWN = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES}  # and where another process has the lock


@final
class Busy(RuntimeError):
    """Another process holds a lock."""


@contextmanager
def alone(path: Path, *, seconds: float, busy: Callable[[], object] = lambda: None) -> Iterator[None]:
    """In this block no other process holds the lock `path`, a file.

    One that does is waited for, up to so many seconds, after `busy` has been called. On a share that knows no locks the
    block is entered without one: what is written by `atomic` is whole all the same.

    Raises:
        Busy: another process still holds it.
        StorageError: the lock cannot be made.
    """
    lock = FileLock(path)
    with told(path, "locked"):
        try:
            _ask(path)
            _acquire(lock, seconds, busy)
        except Timeout:
            raise Busy(f"another process has held {path} for {seconds:g} s") from None
        except OSError as error:
            if error.errno not in _UNKNOWN:
                raise
    try:
        yield
    finally:
        with suppress(OSError):  # the system does it at the end of the process
            lock.release()


def _ask(path: Path) -> None:
    """Raise what the system says where no lock can be had.

    Which filelock may not: by its version it takes that for another process, or makes do with a file instead of a lock.
    """
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HELD:
                raise


def _acquire(lock: FileLock, seconds: float, busy: Callable[[], object]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        busy()
        lock.acquire(timeout=-1 if seconds == float("inf") else seconds)
