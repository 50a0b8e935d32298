"""Starts the processes of a run, watches them, and leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import final

import psutil

from gluonbook.launch import causes, logs, members, room, shared_memory
from gluonbook.launch.failure import Failure, died, not_started, silent, title
from gluonbook.launch.setup import Plan, Setup
from gluonbook.machine.load import Limit
from gluonbook.rank import heartbeat, lifeline
from gluonbook.rank.notes import Notes
from gluonbook.storage import folders
from gluonbook.storage.errors import StorageError

STARTING = 15.0
"""Within so many seconds of a quiet machine every part must have begun to run Python."""

ENDING = 15.0
"""Within so many seconds of a quiet machine after the last worker the servers and mpiexec must have ended, too."""

_POLL = 0.03
_GRACE = 0.5  # a rank's own alarm speaks first, since it knows best where it hangs


@final
class Supervisor:
    """One attempt at a run. Use it as a context: whatever happens in it, nothing of the run is alive after it."""

    def __init__(self, setup: Setup, plan: Plan) -> None:
        self.setup, self.plan = setup, plan
        self.notes = {name: Notes(setup.folder, name) for name in plan.parts}
        self.begun, self.since = time.monotonic(), time.time()
        self._reaper: subprocess.Popen | None = None
        self._processes: dict[str, subprocess.Popen] = {}
        self._beats: dict[str, tuple[int, bool]] = {}
        self._heard: dict[str, float] = {}
        self._looked = self._all_well = self.begun
        self._starting, self._ending = Limit(STARTING), Limit(ENDING)

    def __enter__(self) -> Supervisor:
        try:
            with room.named():
                self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def codes(self) -> dict[str, int]:
        """The exit statuses of the parts that have ended; a negative one is the signal that killed it."""
        return {name: int(ended[1]) for name, ended in self._noted("ended").items()}

    def steps(self) -> dict[str, int]:
        """How many steps each worker has begun, of those that tell."""
        beats = {name: heartbeat.read(self.notes[name]) for name in self.plan.workers}
        return {name: beat[0] for name, beat in beats.items() if beat}

    def watch(self, looked: Callable[[], None]) -> Failure | None:
        """Wait for the end of the run, calling `looked` often; return what failed, or None if all went well."""
        while not self._done():
            if failure := self._failure():
                return failure
            looked()
            time.sleep(_POLL)
        looked()
        return None

    def _start(self) -> None:
        for name in [*self.notes, *(process.name for process in self.plan.processes)]:
            self.setup.log(name).write_bytes(b"")  # it may hold an earlier run
        words = [self.setup.run, str(os.getpid()), str(self.setup.folder)]
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "gluonbook.launch.reaper", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for process in self.plan.processes:
            with self.setup.log(process.name).open("ab") as log:  # to whose end others write, too
                self._processes[process.name] = subprocess.Popen(
                    process.tied,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **process.variables},
                )

    def _noted(self, fact: str) -> dict[str, tuple[float, str]]:
        return {name: note for name, notes in self.notes.items() if (note := notes.read(fact))}

    def _done(self) -> bool:
        ended = all(process.poll() == 0 for process in self._processes.values())
        codes = self.codes()
        return ended and len(codes) == len(self.notes) and not any(codes.values())

    def _failure(self) -> Failure | None:
        # The statuses first, the notes after them: a process notes its end before it ends.
        gone = [name for name, process in self._processes.items() if process.poll() is not None]
        lost = [] if self.setup.hosts else [name for name in self.notes if self._is_lost(name)]
        return (
            self._bad_ending()
            or (self._aborted() if lost or any(self._processes[name].returncode for name in gone) else None)
            or self._lost(lost)
            or self._gone(gone)
            or self._not_started()
            or self._silence()
            or self._lingering()
        )

    def _bad_ending(self) -> Failure | None:
        ends = self._bad_ends()
        if ends and all(end.taken_along for end in ends.values()):
            time.sleep(_GRACE)  # the part that was the cause may be about to say so
            ends = self._bad_ends()
        if not ends:
            return None
        name = causes.first(ends)
        end, log = ends[name], self.setup.log(name)
        if end.code == 1 and end.reason is None and logs.timed_out(log):
            return self._examined()
        return died(self.notes[name], end.code, log, end.said)

    def _bad_ends(self) -> dict[str, causes.End]:
        """The ends of the parts that have failed; one that tells its reason may not have ended yet."""
        finished = self._noted("finished")
        ends = {name: causes.End(when, int(code)) for name, (when, code) in self._noted("ended").items()}
        bad = {name: end for name, end in ends.items() if end.code or name not in finished}
        for name, (when, noted) in self._noted("reason").items():
            code, reason = noted.split(" ", 1)
            bad[name] = causes.End(when, int(code), reason)
        return bad

    def _is_lost(self, name: str) -> bool:
        """Whether the keeper of a part has vanished without a note, as after a kill -9 of it."""
        started = self.notes[name].read("started")
        if not started or _lives(int(started[1].split()[0])):
            return False
        return self.notes[name].read("ended") is None

    def _aborted(self) -> Failure | None:
        """When one rank aborts, mpiexec ends them all, and itself: it may be gone before they are."""
        aborted = {name: words for name in self.plan.workers if (words := logs.mpi_abort(self.setup.log(name)))}
        if not aborted:
            return None
        # A rank whose partners are gone may abort, too, with an error inside of MPI: that is no cause.
        name = min(aborted, key=lambda name: "Fatal error" in aborted[name])
        return died(self.notes[name], 1, self.setup.log(name), f"aborted all ranks ({aborted[name]})")

    def _lost(self, names: list[str]) -> Failure | None:
        if not names:
            return None
        name, why = names[0], "the process that started it was killed"
        try:
            folders.prepare(self.setup.folder)
        except StorageError as error:
            why = f"how it ended could not be noted: {error}"
        return died(self.notes[name], 1, self.setup.log(name), f"was lost: {why}")

    def _gone(self, names: list[str]) -> Failure | None:
        for process in self.plan.processes:
            if process.name not in names:
                continue
            name, code = process.name, self._processes[process.name].returncode
            waits = name in self.notes and name not in self.codes()
            if code or waits or (name not in self.notes and len(self.codes()) < len(self.notes)):
                notes = Notes(self.setup.folder, name)
                unreached = process.host and not notes.read("started")
                said = f"was not started on {process.host}: ssh ended with exit status {code}" if unreached else None
                return died(notes, code, self.setup.log(name), said)
        return None

    def _not_started(self) -> Failure | None:
        started = self._noted("started")
        missing = [name for name in self.notes if name not in started]
        if not missing or not self._starting.passed(time.monotonic() - self.begun):
            return None
        helpers = [self.setup.log(name) for name in self._processes if name not in self.notes]
        return not_started(missing, STARTING, self.setup.log(missing[0]), helpers)

    def _silence(self) -> Failure | None:
        """The deadline, as the launcher sees it: it holds for ranks that cannot speak, because they are stopped."""
        now = time.monotonic()
        if now - self._looked > 1.0:  # this process, or the whole machine, was suspended: that is not their silence
            self._heard = {name: heard + now - self._looked for name, heard in self._heard.items()}
        self._looked = now
        if self.setup.deadline is None or self.setup.hosts:  # elsewhere a rank's own alarm has to do
            return None
        for name in self.plan.workers:
            beat = heartbeat.read(self.notes[name])
            if beat and beat != self._beats.get(name):
                self._beats[name], self._heard[name] = beat, now
        armed = [name for name, (_, runs) in self._beats.items() if runs]
        if all(now - self._heard[name] <= self.setup.deadline + _GRACE for name in armed):
            return None
        return self._examined()

    def _examined(self) -> Failure:
        """Let every rank print its stack, those that are blocked in C too, and say who is where."""
        stopped = []
        for name in self.plan.workers:
            started = self.notes[name].read("started")
            if self.setup.hosts or not started or self.notes[name].read("ended"):
                continue
            with suppress(psutil.Error):
                process = psutil.Process(int(started[1].split()[1]))
                if process.status() == psutil.STATUS_STOPPED:
                    stopped.append(name)
                elif not self.notes[name].read("finished"):
                    process.send_signal(lifeline.DUMP)
        time.sleep(0.25)  # the others' alarms go off now, too
        workers = [self.notes[name] for name in self.plan.workers]
        return silent(workers, self.setup.deadline or 0, stopped, self.setup.logs)

    def _lingering(self) -> Failure | None:
        codes, now = self.codes(), time.monotonic()
        if any(name not in codes for name in self.plan.workers):
            self._all_well = now
        if not self._ending.passed(now - self._all_well):
            return None
        alive = [name for name, process in self._processes.items() if process.poll() is None]
        sentence = f"{', '.join(map(title, alive))}: still there {ENDING:g} s after the last worker had ended"
        return Failure(sentence, late=True)

    def _end(self) -> None:
        with _uninterrupted():
            members.end(self.setup.run)
            for process in self._processes.values():
                process.wait()
            if self._reaper:
                self._reaper.kill()
                self._reaper.wait()
            shared_memory.sweep(self.since)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let an impatient second Ctrl-C wait until everything has been ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
