"""What a run needs of this machine, looked at before it starts, and what is said where the machine has less."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gluonbook.launch.setup import LaunchError
from gluonbook.machine import limits
from gluonbook.machine.folder import SHARED_MEMORY, Folder, amount

# Bytes of /dev/shm a rank, measured with the mpich of the lock for 1 to 16 ranks, whatever they send: MPICH's own file,
# and what UCX takes besides, in segments that have no name.
_FILE, _SEGMENTS = 1_057_000, 4_335_000
_SPARE = 1.1  # for what other programs take while the ranks start

# The highest number of an open file, measured for 1 to 16 ranks, and for ps-lite's parts.
_OF_MPIEXEC, _OF_A_RANK = (3, 6), (1, 20)  # so many for each rank, and for none
_OF_PSLITE = (3, 17)

_TRANSPORTS = "UCX_TLS"


@contextmanager
def named(fault: str = "the run cannot be started") -> Iterator[None]:
    """Where the system refuses what a run begins with: raises LaunchError, which says what was short and what helps."""
    try:
        yield
    except OSError as error:
        raise LaunchError(f"{fault}: {error}. {limits.behind_error(error)}".rstrip()) from error


def shared_memory(ranks: int, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with which `ranks` ranks of MPI get by with /dev/shm, which a container may have little of.

    In less than 5.4 MB a rank they would run or die by SIGBUS, as chance has it, since UCX takes what MPICH counts on:
    there UCX is told to take shared memory of the System V kind, which is as fast, and not in /dev/shm.

    Raises:
        LaunchError: /dev/shm has less than 1.06 MB a rank, or cannot be written; the message says what helps.
    """
    if why := limits.shared_memory_missing():
        raise LaunchError(why)
    room = Folder.around(SHARED_MEMORY)
    if room.free < ranks * _FILE:
        need = f"{ranks} ranks of MPI need {amount(ranks * _FILE)}"
        raise LaunchError(f"{room}, and {need}: {limits.LARGER_SHARED_MEMORY}.")
    enough = room.free >= ranks * (_FILE + _SEGMENTS) * _SPARE
    chosen = _TRANSPORTS in variables or _TRANSPORTS in os.environ
    return {} if enough or chosen else {_TRANSPORTS: "^posix"}


def open_files(workers: int, servers: int | None) -> None:
    """Return if the processes of a run may open the files that they need; without servers, it is one of MPI.

    Raises:
        LaunchError: a process may not have so many files open; the message says what helps.
    """
    counts = (_OF_MPIEXEC, _OF_A_RANK) if servers is None else (_OF_PSLITE,)
    need = max(each * (workers + (servers or 0)) + fixed for each, fixed in counts)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < need:
        raise LaunchError(f"{workers} workers need {need} open files: {limits.open_files()}")
