"""A file that is whole or not there: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp-"  # how the names of what is not finished begin


@contextmanager
def beside(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A file to write, beside `path`: when the block has ended, it takes its place; when the block raises, it is gone.

    After a crash `path` holds the new bytes or the old. Several processes may do so at once: what the last one writes
    stays. One that is killed leaves a `.tmp-` file of its own. Without `durable` nothing is flushed to the disk: that
    holds for the death of the process, not for that of the machine. Raises OSError when the disk refuses.
    """
    written = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{path.name}")
    try:
        yield written
        if durable:
            sync(written)
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Write the single file `path`, new or in place of an older one, as `beside` does."""
    with beside(path) as written:
        written.write_bytes(data)


def sync(path: Path) -> None:
    """Flush a file to the disk, or a folder, so that its renames outlive a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
