"""A file that is whole or not there: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gluonbook import checks
from gluonbook.storage.errors import told

TEMPORARY = ".tmp-"  # how the names of what is not finished begin

# What shares answer whose folders cannot be flushed: CIFS, NFS, 9p, FUSE, and a folder that may not be read.
_NO_FLUSH = {
    *(errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY),
    *(errno.EBADF, errno.EISDIR, errno.EACCES, errno.EPERM),
}


@contextmanager
def beside(path: str | Path, *, durable: bool = True) -> Iterator[Path]:
    """A file to write, beside `path`: when the block has ended, it takes its place; when the block raises, it is gone.

    After a crash `path` holds the new bytes or the old. Several processes may do so at once: what the last one writes
    stays. One that is killed leaves a `.tmp-` file of its own. Without `durable` nothing is flushed to the disk: that
    holds for the death of the process, not for that of the machine. Raises StorageError when the disk refuses.
    """
    path = checks.path("path", path)
    # Not the whole name, which the beginning would make too long.
    written = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{path.name[-50:]}")
    try:
        yield written
        with told(path, "written"):
            if durable:
                sync(written)
            written.replace(path)
    except BaseException:
        with suppress(OSError):
            written.unlink()
        raise
    if durable:
        with told(path, "kept for sure"):
            sync(path.parent)


def replace(path: str | Path, data: bytes) -> None:
    """Write the single file `path`, new or in place of an older one, as `beside` does."""
    with beside(path) as written, told(path, "written"):
        written.write_bytes(data)


def sync(path: Path) -> None:
    """Flush a file to the disk, or a folder, so that its renames outlive a crash.

    Where the file system does not know how to flush a folder, that is left to it; a file is flushed, or OSError raised.
    """
    folder = path.is_dir()
    try:
        # CIFS flushes a file only through a descriptor that may write.
        descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if not (folder and error.errno in _NO_FLUSH):
            raise
