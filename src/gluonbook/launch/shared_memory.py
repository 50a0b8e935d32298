"""The shared memory that MPI ranks leave behind when they are killed.

MPICH removes its file `/dev/shm/mpich_shm_...` in MPI_Finalize, which a killed rank never reaches. The file's name says
nothing about the run, so one is removed only if it is ours, is younger than the run, and no process has it in use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gluonbook.storage.text import read_output

FOLDER = Path("/dev/shm")
PROCESSES = Path("/proc")
_PATTERN = "mpich_shm_*"


def sweep(since: float) -> None:
    """Remove the files of runs that have ended, if they were made after `since` (seconds of `time.time`)."""
    files = {str(file): file for file in FOLDER.glob(_PATTERN) if _ours(file, since)}
    if files:
        for name in set(files).difference(_in_use()):
            files[name].unlink(missing_ok=True)


def _ours(file: Path, since: float) -> bool:
    try:
        facts = file.stat()
    except FileNotFoundError:
        return False
    # A second of tolerance: file systems keep a coarser clock.
    return facts.st_uid == os.getuid() and facts.st_ctime > since - 1


def _in_use() -> Iterator[str]:
    """The shared memory that processes hold, by an open file or by a mapping.

    In this order, since a rank opens its file, maps it, and closes it: looked at the other way round, one that does so
    just now would hold nothing. What has just ended, or belongs to someone else, holds nothing of ours.
    """
    for process in PROCESSES.glob("[0-9]*"):
        yield from _opened(process)
        yield from _mapped(process)


def _opened(process: Path) -> Iterator[str]:
    with suppress(OSError):
        for link in list((process / "fd").iterdir()):
            with suppress(OSError):  # it has just been closed, and others have not
                yield str(link.readlink())


def _mapped(process: Path) -> Iterator[str]:
    with suppress(OSError):
        for line in read_output(process / "maps").splitlines():
            if "/mpich_shm_" in line:
                yield line.split(maxsplit=5)[-1]
