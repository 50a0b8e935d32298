"""How a run failed, and the report of it: which part, why, its last words, and the last checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook.launch import causes, logs
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
    """The failure of a part that has ended with `code`; `said` tells what it did, where that alone does not."""
    said = said or causes.described(code)
    behind = limits.behind(code, "\n".join([said, *logs.tail(log)]))
    details = [*([behind] if behind else ()), *_shown(log)]
    return Failure(f"{title(notes.name)} {said}{_progress(notes)}", details)


def not_started(names: Sequence[str], limit: float, log: Path, helpers: Sequence[Path]) -> Failure:
    """The failure of a run in which parts have not begun; what was to start them, the `helpers`, may know why."""
    sentence = f"{', '.join(map(title, names))}: not started within {limit:g} s"
    return Failure(sentence, [*_shown(log), *_words(helpers)], late=True)


def _shown(log: Path) -> list[str]:
    return _words([log]) or [f"{log.name} is empty"]


def _words(files: Sequence[Path]) -> list[str]:
    """The last lines of each log that has any."""
    shown = []
    for log in files:
        if lines := logs.tail(log):
            shown += [f"the last lines of {log.name}:", *(f"| {line}" for line in lines)]
    return shown


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
