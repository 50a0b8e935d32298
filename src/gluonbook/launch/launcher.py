"""`run`: the one call that starts, watches and ends a run."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook import checks
from gluonbook.checks import real, whole_number
from gluonbook.launch import logs, mpi, pslite
from gluonbook.launch.progress import Progress
from gluonbook.launch.setup import LaunchError, Plan, Setup
from gluonbook.launch.supervisor import Supervisor
from gluonbook.storage.text import read_output

ENGINES = ("mpi", "pslite")
_ATTEMPTS = 3


@final
@dataclass(frozen=True)
class Result:
    """A run that went well: exit statuses and logs by part (such as "rank-0"), the folder of the logs, the seconds."""

    codes: Mapping[str, int]
    logs: Mapping[str, Path]
    folder: Path
    seconds: float

    def log(self, rank: int = 0) -> str:
        """All that one rank, or worker, has printed."""
        names = f"rank-{rank}", f"worker-{rank}"
        return read_output(next(path for name, path in self.logs.items() if name in names))


def run(
    script: str | Path | Sequence[str],
    workers: int = 4,
    engine: str = "mpi",
    *,
    servers: int = 1,
    hosts: str | Path | None = None,
    deadline: float | None = 120.0,
    env: Mapping[str, str] | None = None,
    trust: Sequence[str] = (),
    log_dir: str | Path | None = None,
    show: Sequence[int] = (0,),
    quiet: bool = False,
) -> Result:
    """Run `script` in `workers` processes, and return when all have ended well.

    Args:
        script: a file, or a list of it and its arguments, or `["-m", "package.module", ...]`.
        workers: how many processes train.
        engine: "mpi" or "pslite".
        servers: how many servers of ps-lite share the keys; MPI has none.
        hosts: a host file, one `name` or `name:processes` a line, for other machines than this one. They are reached by
            ssh, without a password, and have the script, this Python and the logs at the same paths.
        deadline: a rank that calls `gluonbook.rank.heartbeat.step` once a step, as the stores do, fails when it has
            begun none for so many seconds; None waits for ever.
        env: variables that the processes get besides those of this one.
        trust: modules whose optimizers a server of ps-lite may unpickle, besides MXNet's and this package's.
        log_dir: where each part's log goes, `rank-0.log` for one; a new temporary folder without it.
        show: the ranks whose output is printed here, too, as it comes.
        quiet: print nothing at all.

    Raises:
        LaunchFailed: a part died, hung or left early; the message says which, how and where. Nothing is left running.
            LaunchTimedOut, one of them: it was a limit of time that has passed.
        LaunchError: the run cannot be started: a package, a host or a free port is missing.
        FileNotFoundError: there is no such script or host file.
        ValueError: an argument is out of range.
    """
    command = [str(script)] if isinstance(script, (str, Path)) else [str(word) for word in script]
    asked = Setup(
        command=_checked(command),
        workers=whole_number("workers", workers, 1),
        servers=whole_number("servers", servers, 1),
        hosts=_file("host file", hosts) if hosts is not None else None,
        deadline=None if deadline is None else real("deadline (s, or None)", deadline, "(0, inf)"),
        trust=_modules(trust),
        variables={name: str(value) for name, value in (env or {}).items()},
        logs=_folder(log_dir),
        folder=Path(),
        run="",
    )
    if engine not in ENGINES:
        raise ValueError(f"engine must be {' or '.join(map(repr, ENGINES))}, got {engine!r}")
    if engine == "mpi" and (asked.servers > 1 or asked.trust):
        unused = f"servers={servers}" if asked.servers > 1 else f"trust={list(trust)}"
        raise ValueError(f"{unused} has no effect with MPI, which has no servers: leave it out, or use engine='pslite'")
    begun = time.monotonic()
    for _ in range(_ATTEMPTS):
        with _notebook(asked) as setup:
            plan = mpi.plan(setup) if engine == "mpi" else pslite.plan(setup, pslite.free_port())
            files = {name: setup.logs / f"{name}.log" for name in plan.parts}
            with Supervisor(setup, plan) as supervisor, Progress(plan.workers, files, show, quiet) as progress:
                failure = supervisor.watch(lambda: progress.update(supervisor.steps()))
                codes = supervisor.codes()
            seconds = time.monotonic() - begun
            if failure is None:
                return Result(codes, files, setup.logs, seconds)
            if not _port_was_taken(plan, files):
                report = failure.report(list(supervisor.notes.values()), setup.logs)
                raise failure.error(report, codes, files, seconds)
            why = failure.sentence
    remedy = "see which programs open many ports here, and try again"
    raise LaunchError(f"another process has taken the scheduler's port, {_ATTEMPTS} times in a row: {why}; {remedy}")


def _port_was_taken(plan: Plan, files: Mapping[str, Path]) -> bool:
    return "scheduler" in plan.helpers and any(pslite.TAKEN in line for line in logs.tail(files["scheduler"], 40))


@contextmanager
def _notebook(asked: Setup) -> Iterator[Setup]:
    """A run of its own: an identity, and a folder for its notes, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".run-", dir=asked.logs))
    try:
        yield dataclasses.replace(asked, folder=folder, run=uuid.uuid4().hex)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checked(command: list[str]) -> list[str]:
    if not command or not command[0]:
        raise ValueError("script must be a file, or -m and a module, got nothing")
    if command[0] == "-m":
        if len(command) < 2:
            raise ValueError("-m must be followed by the name of a module")
        return command
    return [str(_file("script", command[0])), *command[1:]]


def _file(what: str, path: str | Path) -> Path:
    found = checks.path(what, path).resolve()
    if not found.is_file():
        raise FileNotFoundError(f"there is no {what} {path}")
    return found


def _modules(names: Sequence[str]) -> list[str]:
    if isinstance(names, str) or not all(part.isidentifier() for name in names for part in name.split(".")):
        raise ValueError(f'trust must be a list of names of modules, such as ["my_optimizers"], got {names!r}')
    if "__main__" in names:
        raise ValueError("trust cannot name __main__: a server does not run the script; name a module of its own")
    return list(names)


def _folder(path: str | Path | None) -> Path:
    if path is None:
        return Path(tempfile.mkdtemp(prefix="gluonbook-run-"))
    folder = checks.path("log_dir", path).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
