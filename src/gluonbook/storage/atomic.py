"""A file that is whole or not there: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

TEMPORARY = ".tmp-"  # how the names of what is not finished begin


def replace(path: str | Path, data: bytes) -> None:
    """Write the single file `path`, new or in place of an older one: after a crash it holds the new bytes or the old.

    Several processes may do so at once: what the last one writes stays. One that is killed leaves a `.tmp-` file of its
    own. Raises OSError when the disk refuses; the older file is then as it was.
    """
    path = Path(path)
    beside = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{path.name}")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(folder: Path) -> None:
    """Flush a folder to the disk, so that its renames outlive a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
