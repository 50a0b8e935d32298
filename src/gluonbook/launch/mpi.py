"""Ranks of MPI, started by an mpiexec of the `mpich` wheel.

On one machine that is `mpiexec.gforker`, which talks to its ranks through inherited sockets. The usual one (Hydra)
listens on all interfaces of the machine, and so do the ranks unless they are told to keep to the loopback interface.
With a host file it is Hydra, which reaches the other machines by ssh. It is told the address of this one, since it
would tell the others this one's name, and they may know another machine by it, or none.
"""

from __future__ import annotations

import importlib.util
import sysconfig
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gluonbook.launch import hosts, room
from gluonbook.launch.hosts import Host
from gluonbook.launch.setup import LaunchError, Plan, Process, Setup

_SSH = Path(__file__).with_name("ssh")
_NO_QUESTIONS = "-o BatchMode=yes"  # ssh would ask for a password, at a terminal that nobody looks at
_LOOPBACK = {"UCX_NET_DEVICES": "lo", "FI_TCP_IFACE": "lo"}


def plan(setup: Setup) -> Plan:
    """One mpiexec, and as many ranks as there are workers.

    Raises:
        LaunchError: `mpich` or `mpi4py` is not installed, this machine has too little room for so many ranks, or a host
            of the host file cannot be reached.
    """
    if importlib.util.find_spec("mpi4py") is None:
        raise LaunchError('the engine "mpi" needs mpi4py: pip install "gluonbook[dist]"')
    variables = setup.environment()
    if setup.hosts is None:
        room.open_files(setup.workers, servers=None)
        mpiexec = [_program("mpiexec.gforker")]
        variables = {**_LOOPBACK, **room.shared_memory(setup.workers, setup.variables), **variables}
    else:
        mpiexec = [_program("mpiexec"), *_machines(hosts.of(setup.hosts), setup.folder / "hosts")]
        variables = {**_ssh(setup), **variables}
    words = [*mpiexec, "-n", str(setup.workers), *setup.part("rank", None, variables)]
    return Plan([Process("mpiexec", words, variables)], [f"rank-{rank}" for rank in range(setup.workers)])


def _ssh(setup: Setup) -> dict[str, str]:
    """Variables for Hydra: our ssh, unless the run's folder has a blank in its path, at which Hydra would cut it."""
    variables = {"HYDRA_LAUNCHER": "ssh", "HYDRA_LAUNCHER_EXTRA_ARGS": _NO_QUESTIONS}
    own = setup.folder / "ssh"
    if len(str(own).split()) > 1:
        return variables
    own.symlink_to(_SSH)
    return {**variables, "HYDRA_LAUNCHER_EXEC": str(own), "GLUONBOOK_SSH_LOG": str(setup.log("mpiexec"))}


def _machines(found: Sequence[Host], file: Path) -> list[str]:
    """Hydra's words for the machines; ssh knows the others by their names, and they know this one by its address."""
    counts = Counter(host.address if host.here else host.name for host in found)
    file.write_text("".join(f"{name}:{count}\n" for name, count in counts.items()), encoding="utf-8")
    own = hosts.own(found)
    return ["-f", str(file), *(["-localhost", own] if own else [])]


def _program(name: str) -> str:
    # Not the first on PATH: another MPI's mpiexec would start ranks that do not know of each other.
    path = Path(sysconfig.get_path("scripts"), name)
    if not path.is_file():
        raise LaunchError(f'the engine "mpi" needs {name} of the package mpich: pip install "gluonbook[dist]"')
    return str(path)
