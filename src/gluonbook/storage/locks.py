"""One process at a time."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

# What a share answers that knows no locks: NFS without its lock service, some of FUSE, 9p.
_UNKNOWN = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@contextmanager
def alone(path: Path, *, seconds: float) -> Iterator[None]:
    """In this block no other process holds the lock `path`; one that does is waited for, up to so many seconds.

    On a share that knows no locks the block is entered without one: what is written by `atomic` is whole all the same.

    Raises:
        TimeoutError: another process holds it still.
        OSError: the lock cannot be made.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise TimeoutError(errno.ETIMEDOUT, f"another process has held {path.name} for {seconds:g} s") from None
    except (OSError, NotImplementedError) as error:  # filelock's own for a missing flock, in its third version
        if isinstance(error, OSError) and error.errno not in _UNKNOWN:
            raise
    try:
        yield
    finally:
        lock.release()
