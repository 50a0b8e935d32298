"""What a run consists of, and the words that start it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook.rank import lifeline, notes
from gluonbook.rank.order import Order

MOST = 1000
"""So many processes of one kind a run may have: ps-lite's share the ports of a machine, some ten for each."""


class LaunchError(RuntimeError):
    """A run cannot be started as asked; the message says why, and what helps."""

    def _render_traceback_(self) -> list[str]:
        """What IPython and Jupyter show instead of a traceback."""
        return [str(self)]


# So many operations of backward hand over their gradients together, 15 by default. Stores send them as they come.
_TOGETHER = "MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN_BWD"


@final
@dataclass(frozen=True)
class Setup:
    """What was asked for: `command` is a script and its arguments, or -m, a module and its arguments."""

    command: Sequence[str]
    workers: int
    servers: int
    hosts: Path | None
    deadline: float | None
    trust: Sequence[str]
    variables: Mapping[str, str]
    logs: Path
    folder: Path
    run: str

    def log(self, name: str) -> Path:
        """The file of what a part has printed."""
        return self.logs / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """The variables that every process of the run gets besides those of this one."""
        return {
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "PYTHONIOENCODING": "utf-8",  # in which logs are read
            _TOGETHER: os.environ.get(_TOGETHER, "4"),
            **self.variables,
            lifeline.MARK: self.run,
            notes.FOLDER: str(self.folder),
            notes.DEADLINE: "" if self.deadline is None else str(self.deadline),
            "GLUONBOOK_TRUST": ",".join(self.trust),
        }

    def part(self, role: str, number: int | None, variables: Mapping[str, str], ports: Sequence[int] = ()) -> list[str]:
        """The words that start one part; without a number, it asks mpiexec for it. What it is told is in a file."""
        where = {"directory": str(Path.cwd()), "notes": str(self.folder), "logs": str(self.logs)}
        return Order(role, number, self.command, **where, variables=variables, ports=ports).handed_over()


@final
@dataclass(frozen=True)
class Process:
    """A process that the launcher starts itself: one part of the run, or mpiexec, which starts them.

    `host` is the other machine, if it is one, on which it is started by ssh.
    """

    name: str
    words: Sequence[str]
    variables: Mapping[str, str]
    host: str | None = None

    @property
    def tied(self) -> list[str]:
        """Its words, behind those that let the kernel end it with this process."""
        return [sys.executable, "-m", "gluonbook.launch.tied", str(os.getpid()), *self.words]


@final
@dataclass(frozen=True)
class Plan:
    """The processes to start, and the names of the parts that then report: the workers first, then their helpers."""

    processes: Sequence[Process]
    workers: Sequence[str]
    helpers: Sequence[str] = ()

    @property
    def parts(self) -> list[str]:
        return [*self.workers, *self.helpers]
