"""Ranks of MPI, started by an mpiexec of the `mpich` wheel.

On one machine that is `mpiexec.gforker`, which talks to its ranks through inherited sockets. The usual one (Hydra)
listens on all interfaces of the machine, and so do the ranks unless they are told to keep to the loopback interface.
With a host file it is Hydra, which reaches the other machines by ssh.
"""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path

from gluonbook.launch import room
from gluonbook.launch.setup import LaunchError, Plan, Process, Setup

_LOOPBACK = {"UCX_NET_DEVICES": "lo", "FI_TCP_IFACE": "lo"}


def plan(setup: Setup) -> Plan:
    """One mpiexec, and as many ranks as there are workers.

    Raises:
        LaunchError: `mpich` or `mpi4py` is not installed, or this machine has too little room for so many ranks.
    """
    if importlib.util.find_spec("mpi4py") is None:
        raise LaunchError('the engine "mpi" needs mpi4py: pip install "gluonbook[dist]"')
    if setup.hosts is None:
        room.open_files(setup.workers, servers=None)
    count = ["-n", str(setup.workers)]
    ranks = [f"rank-{rank}" for rank in range(setup.workers)]
    if setup.hosts is None:
        words, variables = (
            [_program("mpiexec.gforker"), *count],
            {**_LOOPBACK, **room.shared_memory(setup.workers, setup.variables)},
        )
    else:
        words, variables = [_program("mpiexec"), "-f", str(setup.hosts), *count], {}
    mpiexec = Process("mpiexec", [*words, *setup.part("rank")], {**variables, **setup.environment()})
    return Plan([mpiexec], ranks)


def _program(name: str) -> str:
    # Not the first on PATH: another MPI's mpiexec would start ranks that do not know of each other.
    path = Path(sysconfig.get_path("scripts"), name)
    if not path.is_file():
        raise LaunchError(f'the engine "mpi" needs {name} of the package mpich: pip install "gluonbook[dist]"')
    return str(path)
