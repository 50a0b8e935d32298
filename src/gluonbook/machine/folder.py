"""A folder that something is to be written to: how much room it has, and what kind of folder it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import final

SHARED_MEMORY = Path("/dev/shm")
_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


@final
@dataclass(frozen=True)
class Folder:
    """What a file system says of itself: `size` and `free` in bytes, whether it is `full`, and its options."""

    path: Path
    size: int
    free: int
    full: bool
    read_only: bool
    without_programs: bool

    @classmethod
    def around(cls, path: str | Path) -> Folder:
        """That of a file which need not be there.

        Raises:
            OSError: its file system does not answer.
        """
        nearest = Path(path).absolute()
        while not nearest.is_dir() and nearest != nearest.parent:
            nearest = nearest.parent
        found = os.statvfs(nearest)
        free = found.f_bavail * found.f_frsize
        no_files = found.f_files > 0 and found.f_favail == 0  # some file systems count no files, and say 0 of 0
        read_only, without_programs = bool(found.f_flag & os.ST_RDONLY), bool(found.f_flag & os.ST_NOEXEC)
        size = found.f_blocks * found.f_frsize
        return cls(nearest, size, free, no_files or free * 100 < size, read_only, without_programs)

    def __str__(self) -> str:
        return f"{self.path} has {amount(self.size)}, {amount(self.free)} of them free now"


def amount(bytes_: int) -> str:
    """A number of bytes in words, with three digits at most: 64 MiB."""
    for size, unit in _UNITS:
        if bytes_ >= size:
            return f"{bytes_ / size:.3g} {unit}" if bytes_ < 1000 * size else f"{bytes_ / size:.0f} {unit}"
    return f"{bytes_} bytes"
