"""The parameter server of MXNet (ps-lite): a scheduler, servers and workers, each a process of its own.

ps-lite listens on the address of the local network unless both the node's address and the scheduler's are set, so
both are, to the loopback address. With a host file, parts on other machines are started by ssh.
"""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from gluonbook.launch import hosts, room
from gluonbook.launch.hosts import LOOPBACK, Host
from gluonbook.launch.setup import Plan, Process, Setup

TAKEN = "bind failed"
"""What the scheduler's log says when another process has taken its port in the meantime."""

_SENT = ("DMLC_", "GLUONBOOK_", "MXNET_", "OMP_", "PS_", "PYTHON")
_PORTS = 10_000, 32_768


def free_port() -> int:
    """A port that is free on the loopback interface now; another process may still be faster to use it."""
    with socket.socket() as asked:
        asked.bind((LOOPBACK, 0))
        return asked.getsockname()[1]


def plan(setup: Setup, port: int) -> Plan:
    """The scheduler, the servers and the workers, which meet at `port` of the scheduler's machine.

    ps-lite numbers workers, and servers, by their addresses (as texts, the last first) and on one machine by their
    ports. So the parts are put on the machines in that order, each with a range of ports behind that of the one before:
    `rank-2` has the rank 2.

    Raises:
        LaunchError: the host file names no host, one that is not known, or one that the others cannot reach, or too few
            files may be open here.
    """
    if setup.hosts is None:
        room.open_files(setup.workers, setup.servers)
    machines = hosts.of(setup.hosts)
    shared = {
        **setup.environment(),
        "DMLC_PS_ROOT_URI": machines[0].address,
        "DMLC_PS_ROOT_PORT": str(port),
        "DMLC_NUM_SERVER": str(setup.servers),
        "DMLC_NUM_WORKER": str(setup.workers),
    }
    ranges = _ranges(setup.servers + setup.workers)

    def process(host: Host, role: str, number: int | None, ports: Sequence[int] = ()) -> Process:
        name = role if number is None else f"{role}-{number}"
        # A server takes its role up only when it has finished importing: see gluonbook.rank.server.
        roles = {"DMLC_ROLE": "worker"} if role == "rank" else {}
        variables = {**shared, **roles, "DMLC_NODE_HOST": host.address}
        if host.here:
            return Process(name, setup.part(role, number, variables, ports), variables)
        passed = {name: value for name, value in os.environ.items() if name.startswith(_SENT)}
        words = setup.part(role, number, {**passed, **variables}, ports)
        return Process(name, _by_ssh(host, words), variables, host.name)

    first, *others = _spread(1 + setup.servers, machines)
    helpers = [process(first, "scheduler", None)]
    helpers += [process(host, "server", number, next(ranges)) for number, host in enumerate(_ordered(others))]
    places = _ordered(_spread(setup.workers, machines))
    workers = [process(host, "rank", number, next(ranges)) for number, host in enumerate(places)]
    return Plan([*helpers, *workers], [part.name for part in workers], [part.name for part in helpers])


def _spread(parts: int, machines: Sequence[Host]) -> list[Host]:
    """The machines of so many parts: each takes one in turn."""
    return list(islice(cycle(machines), parts))


def _ordered(machines: Sequence[Host]) -> list[Host]:
    """Machines in the order in which ps-lite numbers what runs on them."""
    return sorted(machines, key=lambda host: host.address, reverse=True)


def _ranges(parts: int) -> Iterator[tuple[int, int]]:
    """Ports for each part, below those that kernels give out by themselves: its first one, and that of the next."""
    width = (_PORTS[1] - _PORTS[0]) // parts
    return ((first, first + width) for first in range(_PORTS[0], _PORTS[1], width))


def _by_ssh(host: Host, words: Sequence[str]) -> list[str]:
    # With a terminal, what runs there is hung up when the ssh here is killed.
    return ["ssh", "-tt", "-o", "BatchMode=yes", host.name, f"exec {shlex.join(words)}"]
