"""How a run failed, and the report of it: which part, why, its last words, and the last checkpoint."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook.launch import logs
from gluonbook.machine import limits, load
from gluonbook.rank import heartbeat
from gluonbook.rank.notes import Notes


class LaunchFailed(RuntimeError):
    """A run ended before its time; the message says which part failed and how. All its processes have been ended.

    `codes`: the exit statuses by part (negative: a signal), of those that had ended by themselves; `logs`: the files of
    what each printed; `seconds`: how long the run took.
    """

    def __init__(self, report: str, codes: dict[str, int], logs: dict[str, Path], seconds: float) -> None:
        super().__init__(report)
        self.codes, self.logs, self.seconds = codes, logs, seconds

    def _render_traceback_(self) -> list[str]:
        """What IPython and Jupyter show: the report, since nothing is wrong where the launcher raises it."""
        return str(self).splitlines()


class LaunchTimedOut(LaunchFailed):
    """Something in a run took longer than a limit; the message says how busy the machine was, too."""


@final
@dataclass(frozen=True)
class Failure:
    """One sentence on what failed, and more lines about it; `late` if a limit of time has passed."""

    sentence: str
    details: Sequence[str] = ()
    late: bool = False

    @property
    def error(self) -> type[LaunchFailed]:
        """What is to be raised for it."""
        return LaunchTimedOut if self.late else LaunchFailed

    def report(self, run: Sequence[Notes], folder: Path) -> str:
        """All that a reader needs to go on: what failed, the last checkpoint, and where the logs are."""
        checkpoints = [note for notes in run if (note := notes.read("checkpoint"))]
        last = f"last checkpoint: {max(checkpoints)[1]}" if checkpoints else "no checkpoint was saved"
        busy = [f"When they had been ended, {load.busy()}."] if self.late else []
        closing = [last, f"All processes of the run have been ended. Logs: {folder}", *busy]
        return "\n".join([self.sentence, *(f"  {line}" for line in self.details), *closing])


def title(name: str) -> str:
    """A part's name in a sentence: `rank-2` is "rank 2"."""
    return name.replace("-", " ") if "-" in name else f"the {name}"


def died(notes: Notes, code: int, log: Path, said: str | None = None) -> Failure:
    """The failure of a part that has ended with `code`; `said`, or else its own note, tells what it did."""
    reason = notes.read("reason")
    said = said or (reason[1] if reason else _ending(code))
    words = logs.tail(log)
    behind = limits.behind(code, "\n".join([said, *words]))
    heading = [f"the last lines of {log.name}:"] if words else [f"{log.name} is empty"]
    details = [*([behind] if behind else ()), *heading, *(f"| {line}" for line in words)]
    return Failure(f"{title(notes.name)} {said}{_progress(notes)}", details)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit status {code}"
    return f"was killed by {signal.Signals(-code).name} (signal {-code})"


def silent(workers: Sequence[Notes], deadline: float, stopped: Sequence[str], folder: Path) -> Failure:
    """The failure of a run in which a rank began no step for `deadline` seconds; each worker's state is a line."""
    steps = {notes.name: (heartbeat.read(notes) or (0, False))[0] for notes in workers}
    ended = {notes.name: note[1] for notes in workers if (note := notes.read("ended"))}
    finished = {notes.name for notes in workers if notes.read("finished") or ended.get(notes.name) == "0"}
    states = []
    for notes in workers:
        where = logs.blocking_line(folder / f"{notes.name}.log")
        if notes.name in finished:
            state = "has ended with exit status 0"
        elif notes.name in stopped:
            state = "is stopped, as by SIGSTOP"
        elif where:
            state = f"is blocked at {where}"
        else:
            state = f"ended with {ended[notes.name]}" if notes.name in ended else "has not said where it is"
        states.append(f"{title(notes.name)} {state}{_progress(notes)}")
    behind = [name for name, count in steps.items() if count < max(steps.values())]
    guilty = sorted(finished) or list(stopped) or behind
    verb = "left the run early" if finished else "is stopped" if stopped else "fell behind"
    verdict = f": {', '.join(map(title, guilty))} {verb}" if guilty else ""
    return Failure(f"no step within {deadline:g} s, the deadline{verdict}", states, late=True)


def _progress(notes: Notes) -> str:
    beat = heartbeat.read(notes)
    return f" (in step {beat[0]})" if beat else ""
