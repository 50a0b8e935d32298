"""`run`: the one call that starts, watches and ends a run."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook.checks import flag, real, whole_number
from gluonbook.launch import asked, logs, mpi, pslite, room
from gluonbook.launch.progress import Progress
from gluonbook.launch.setup import MOST, LaunchError, Plan, Setup
from gluonbook.launch.supervisor import Supervisor
from gluonbook.storage import locks
from gluonbook.storage.text import read_output

ENGINES = ("mpi", "pslite")
FOREVER = 1e9
"""The longest deadline (s), some thirty years: Python's own alarm takes no more than nine times that."""

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
        """All that one rank has printed.

        Raises:
            ValueError: there is no such rank.
        """
        ranks = sum(name.startswith("rank-") for name in self.logs)
        return read_output(self.logs[f"rank-{whole_number('rank', rank, 0, ranks - 1)}"])


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
        script: a file, or a list of it and its arguments, or `["-m", "package.module", ...]`. The script gets its words
            as they are, whatever they mean to a shell or to mpiexec.
        workers: how many processes train; each is a rank, from 0, of MPI or of ps-lite, and so are its log and title.
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
        LaunchError: the run cannot be started: a package, a host, a free port or a file's permission is missing, or
            another run writes its logs to `log_dir`.
        FileNotFoundError: there is no such script or host file.
        ValueError: an argument is out of range.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be {' or '.join(map(repr, ENGINES))}, got {engine!r}")
    settings = Setup(
        command=asked.command(script),
        workers=whole_number("workers", workers, 1, MOST),
        servers=whole_number("servers", servers, 1, MOST),
        hosts=asked.file("host file", hosts) if hosts is not None else None,
        deadline=None if deadline is None else real("deadline (s, or none at all)", deadline, f"(0, {FOREVER:g}]"),
        trust=asked.modules(trust),
        variables=asked.variables(env or {}),
        logs=Path(),
        folder=Path(),
        run="",
    )
    if engine == "mpi" and (settings.servers > 1 or settings.trust):
        unused = f"servers={servers}" if settings.servers > 1 else f"trust={list(trust)}"
        raise ValueError(f"{unused} has no effect with MPI, which has no servers: leave it out, or use engine='pslite'")
    shown = asked.ranks(show, settings.workers)
    quiet = flag("quiet", quiet)
    settings = dataclasses.replace(settings, logs=asked.folder(log_dir))
    begun = time.monotonic()
    for _ in range(_ATTEMPTS):
        with _notebook(settings) as setup:
            plan = mpi.plan(setup) if engine == "mpi" else pslite.plan(setup, pslite.free_port())
            files = {name: setup.log(name) for name in plan.parts}
            with Supervisor(setup, plan) as supervisor, Progress(plan.workers, files, shown, quiet) as progress:
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
def _notebook(settings: Setup) -> Iterator[Setup]:
    """A run of its own: an identity, and a folder for its notes, which is gone afterwards."""
    with room.named():
        folder = Path(tempfile.mkdtemp(prefix=".run-", dir=settings.logs))
    try:
        with _alone(settings.logs):
            yield dataclasses.replace(settings, folder=folder, run=uuid.uuid4().hex)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other runs from writing their logs to `folder` meanwhile; the lock is gone afterwards."""
    lock = folder / ".lock"
    with ExitStack() as held:
        try:
            with room.named():
                held.enter_context(locks.alone(lock, seconds=0))
        except locks.Busy:
            raise LaunchError(
                f"another run writes its logs to {folder}: wait for it, or name another log_dir"
            ) from None
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()
