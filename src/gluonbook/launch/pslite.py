"""The parameter server of MXNet (ps-lite): a scheduler, servers and workers, each a process of its own.

ps-lite listens on the address of the local network unless both the node's address and the scheduler's are set, so
both are, to the loopback address. With a host file, parts on other machines are started by ssh.
"""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from gluonbook.launch import room
from gluonbook.launch.setup import LaunchError, Plan, Process, Setup
from gluonbook.storage.text import read_lines

LOOPBACK = "127.0.0.1"
TAKEN = "bind failed"
"""What the scheduler's log says when another process has taken its port in the meantime."""

_SENT = ("DMLC_", "GLUONBOOK_", "MXNET_", "OMP_", "PS_", "PYTHON")


def free_port() -> int:
    """A port that is free on the loopback interface now; another process may still be faster to use it."""
    with socket.socket() as asked:
        asked.bind((LOOPBACK, 0))
        return asked.getsockname()[1]


def plan(setup: Setup, port: int) -> Plan:
    """The scheduler, the servers and the workers, which meet at `port` of the scheduler's machine.

    Raises:
        LaunchError: the host file names no host, or one that is not known, or too few files may be open here.
    """
    if setup.hosts is None:
        room.open_files(setup.workers, setup.servers)
    hosts = read_hosts(setup.hosts) if setup.hosts else [LOOPBACK]
    helpers = [("scheduler", None), *(("server", index) for index in range(setup.servers))]
    workers = [("worker", index) for index in range(setup.workers)]
    shared = {
        **setup.environment(),
        "DMLC_PS_ROOT_URI": _address(hosts[0]),
        "DMLC_PS_ROOT_PORT": str(port),
        "DMLC_NUM_SERVER": str(setup.servers),
        "DMLC_NUM_WORKER": str(setup.workers),
    }

    def process(host: str, role: str, index: int | None) -> Process:
        name = role if index is None else f"{role}-{index}"
        # A server takes its role up only when it has finished importing: see gluonbook.rank.server.
        roles = {"DMLC_ROLE": role} if role == "worker" else {}
        variables = {**shared, **roles, "DMLC_NODE_HOST": _address(host)}
        words = setup.part(role, index)
        return Process(name, words if _here(host) else _by_ssh(host, words, variables), variables)

    processes = [process(host, *part) for host, part in zip(cycle(hosts), helpers)]
    processes += [process(host, *part) for host, part in zip(cycle(hosts), workers)]
    names = [process.name for process in processes]
    return Plan(processes, names[len(helpers) :], names[: len(helpers)])


def read_hosts(file: Path) -> list[str]:
    """The hosts of a host file as mpiexec reads it, one `name` or `name:processes` a line; the latter is repeated."""
    hosts: list[str] = []
    for line in read_lines(file):
        if words := line.split("#")[0].split():
            name, _, count = words[0].partition(":")
            if count and not count.isdigit():
                raise LaunchError(f"{file}: {words[0]!r} is neither `host` nor `host:processes`")
            hosts += [name] * int(count or 1)
    if not hosts:
        raise LaunchError(f"{file} names no host")
    return hosts


def _address(host: str) -> str:
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise LaunchError(f"the host {host!r} is not known: {error}") from None


def _here(host: str) -> bool:
    return host in (LOOPBACK, "localhost", socket.gethostname())


def _by_ssh(host: str, words: Sequence[str], variables: dict[str, str]) -> list[str]:
    passed = {name: value for name, value in os.environ.items() if name.startswith(_SENT)} | variables
    settings = [f"{name}={value}" for name, value in passed.items()]
    there = f"cd {shlex.quote(str(Path.cwd()))} && exec {shlex.join(['env', *settings, *words])}"
    # With a terminal, what runs there is hung up when the ssh here is killed.
    return ["ssh", "-tt", "-o", "BatchMode=yes", host, there]
