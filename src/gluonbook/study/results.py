"""Runs that are kept: one line of JSON each, with where they come from."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, final

import numpy as np

from gluonbook import checks, paths
from gluonbook.machine import facts
from gluonbook.measure.grids import at_edge
from gluonbook.storage import atomic, locks
from gluonbook.storage.text import read_lines
from gluonbook.study.plan import STAGES, Method, Setting, Study, Trial
from gluonbook.tables import Table
from gluonbook.training import History

FORMAT = 1


@final
@dataclass(frozen=True)
class Run:
    """One training. The test columns of `history` are of the test set in final runs, else of the validation set."""

    trial: Trial
    history: History  # shorter than asked for where the loss stopped being finite
    session: int  # which of the results' sessions it was made in


@final
@dataclass(frozen=True)
class Outcome:
    """How a method did: accuracies from 0 to 1, `test` at the end of the final run of each seed."""

    method: str
    setting: Setting
    at_edge: bool  # the best step size is an end of the grid, or beyond: a wider grid might do better
    broken: int  # settings of the grid with which training broke down
    validation: float  # the mean over the seeds with which this setting was chosen
    test: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.test))

    @property
    def deviation(self) -> float:
        """The standard deviation over seeds; NaN for a single one."""
        return float(np.std(self.test, ddof=1)) if len(self.test) > 1 else float("nan")


@final
@dataclass
class Results:
    """The runs of a study so far, and the sessions that made them: date, commit, command, machine, versions."""

    study: Study
    runs: dict[Trial, Run] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)

    def tuning(self, name: str, column: str = "test_accuracy") -> np.ndarray:
        """What each setting of a method reached on the validation set, shape (step sizes, betas).

        NaN where the training broke down: the loss was not finite, or at the end above that of a guess. `column` is one
        of `History`. Raises ValueError for an unknown method or one whose tuning is not complete.
        """
        method = self.study.method(name)
        values = [self._last(run, column) for run in self._tuned(name)]
        return np.array(values).reshape(len(method.lrs), -1)

    def best_of_grid(self, name: str) -> Setting:
        """The setting with the highest accuracy on the validation set, and of equal ones that with the smallest loss.

        Raises ValueError for an unknown method, one whose tuning is not complete, or one that broke down everywhere.
        """
        return self._best(name, self._tuned(name))[0]

    def best(self, name: str) -> Setting:
        """The setting that final runs use: the best of the closer look, where the study takes one, else of the grid.

        What counts is the mean over the seeds. Raises ValueError as `best_of_grid` does.
        """
        return self._chosen(name)[0]

    def tuned(self) -> bool:
        """Whether tuning is complete, the closer look included."""
        if not all(trial in self.runs for trial in self.study.tuning_trials()):
            return False
        return all(trial in self.runs for method in self.study.methods for trial in self.refining(method.name))

    def refining(self, name: str) -> list[Trial]:
        """The trials of the closer look at a method; raises ValueError as `best_of_grid` does."""
        return self.study.refining_trials(name, self.best_of_grid(name))

    def missing(self) -> int:
        """How many trainings are still to be done."""

        def wanted(method: Method) -> int:
            settings = method.settings()
            closer = self.study.refining_trials(method.name, settings[0])  # around each there are as many
            return len(settings) + len(closer) + len(self.study.seeds)

        return sum(map(wanted, self.study.methods)) - len(self.runs)

    def seeds(self) -> list[int]:
        """The seeds under which every method's final run is there."""
        if not self.tuned():
            return []
        best = {method.name: self.best(method.name) for method in self.study.methods}
        return [
            seed
            for seed in self.study.seeds
            if all(Trial("final", name, setting, seed) in self.runs for name, setting in best.items())
        ]

    def curves(self, name: str, column: str) -> np.ndarray:
        """A column of `History` from the final runs of a method, shape (seeds, epochs), over `seeds()`.

        NaN from where a loss was no longer finite.
        """
        best = self.best(name)
        out = np.full((len(self.seeds()), self.study.epochs), np.nan)
        for row, seed in zip(out, self.seeds()):
            values = self.runs[Trial("final", name, best, seed)].history[column]
            row[: len(values)] = values
        return out

    def outcomes(self) -> list[Outcome]:
        """How each method did, over `seeds()`; raises ValueError if tuning is not complete or there is no such seed."""
        if not self.seeds():
            raise ValueError(f"no seed has the final runs of all methods yet; {self.missing()} runs are missing")
        return [self._outcome(method.name) for method in self.study.methods]

    def _outcome(self, name: str) -> Outcome:
        (best, validation), lrs = self._chosen(name), self.study.method(name).lrs
        return Outcome(
            method=name,
            setting=best,
            at_edge=at_edge(best.lr, lrs),
            broken=int(np.isnan(self.tuning(name)).sum()),
            validation=validation,
            test=tuple(self.curves(name, "test_accuracy")[:, -1].tolist()),
        )

    def verdict(self) -> Table:
        """The outcomes as a table, a row a method."""
        seeds = ", ".join(map(str, self.seeds()))
        head = ["method", "mean ± deviation", "best lr", "best β", "broke down", "validation", f"test, seeds {seeds}"]
        rows = [
            [
                o.method,
                _percent(o.mean) + f" ± {o.deviation:.2%}" * math.isfinite(o.deviation),
                f"{o.setting.lr:g}" + " (at the edge)" * o.at_edge,
                "none" if o.setting.beta is None else f"{o.setting.beta:g}",
                f"{o.broken} of {len(self.study.method(o.method).settings())}",
                _percent(o.validation),
                ", ".join(map(_percent, o.test)),
            ]
            for o in self.outcomes()
        ]
        return Table(head, rows)

    def provenance(self) -> str:
        """For each session that left runs here: how many, when, from which commit, on what, and by which command."""
        told = []
        for number, session in enumerate(self.sessions):
            trials = [run.trial for run in self.runs.values() if run.session == number]
            final = [trial for trial in trials if trial.stage == "final"]
            if not trials:
                continue
            machine, versions = session["machine"], session["versions"]
            seeds = f" (seeds {', '.join(map(str, sorted({trial.seed for trial in final})))})" if final else ""
            told += [
                f"{len(trials) - len(final)} runs of tuning, {len(final)} final runs{seeds}",
                f"  from {session['date']} on, commit {session['commit']}",
                f"  machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory']} GiB, {machine['os']}; "
                f"GPUs: {', '.join(machine['gpus']) or 'none'}",
                f"  versions: {', '.join(f'{name} {version}' for name, version in versions.items())}",
                f"  command: {session['command']}",
            ]
        return "\n".join(textwrap.fill(line, 76, subsequent_indent="    ") for line in told)

    def _chosen(self, name: str) -> tuple[Setting, float]:
        return self._best(name, self._found(name, self.refining(name)) or self._tuned(name))

    def _best(self, name: str, runs: list[Run]) -> tuple[Setting, float]:
        """Of the settings with which every run has come to its end, the best, and its mean accuracy."""
        settings: dict[Setting, list[Run]] = {}
        for run in runs:
            settings.setdefault(run.trial.setting, []).append(run)
        finished = {
            setting: (self._mean(made, "test_accuracy"), -self._mean(made, "test_loss"))
            for setting, made in settings.items()
            if all(len(run.history) == self.study.tuning_epochs for run in made)
        }
        if not finished:
            raise ValueError(f"{name}: no setting of its grid gave a finite loss; choose smaller step sizes")
        best = max(finished, key=lambda setting: finished[setting])
        return best, finished[best][0]

    @staticmethod
    def _mean(runs: list[Run], column: str) -> float:
        return float(np.mean([run.history[column][-1] for run in runs]))

    def _tuned(self, name: str) -> list[Run]:
        self.study.method(name)
        return self._found(name, [trial for trial in self.study.tuning_trials() if trial.method == name])

    def _found(self, name: str, trials: list[Trial]) -> list[Run]:
        missing = [trial for trial in trials if trial not in self.runs]
        if missing:
            raise ValueError(f"the tuning of {name} is not complete: {len(missing)} of {len(trials)} runs are missing")
        return [self.runs[trial] for trial in trials]

    def _last(self, run: Run, column: str) -> float:
        broken = len(run.history) < self.study.tuning_epochs or run.history["test_loss"][-1] > self.study.problem.guess
        return float("nan") if broken else float(run.history[column][-1])

    def open_session(self, command: str) -> None:
        """From here on, runs come from here: this machine, these versions, this commit."""
        self.sessions.append(
            {
                "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "commit": facts.commit(),
                "command": command,
                "machine": facts.machine(),
                "versions": facts.versions(),
            }
        )

    def add(self, trial: Trial, history: History) -> None:
        """Take in a run of the newest session."""
        self.runs[trial] = Run(trial, history, len(self.sessions) - 1)

    def save(self, path: str | Path) -> None:
        """Write the file anew: it holds all runs so far or, if this fails, those that it held before."""
        lines = [{"format": FORMAT, "study": self.study.to_dict()}]
        lines += [{"session": number, **session} for number, session in enumerate(self.sessions)]
        lines += [
            {
                "stage": run.trial.stage,
                "method": run.trial.method,
                **run.trial.setting._asdict(),
                "seed": run.trial.seed,
                "in_session": run.session,
                "history": json.loads(run.history.to_json()),
            }
            for run in self.runs.values()
        ]
        written = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
        atomic.replace(checks.path("path", path), written.encode())

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """The results that `save` wrote; raises FileNotFoundError, or ValueError with the line that is not right."""
        results: Results | None = None
        for number, written in enumerate(read_lines(checks.path("path", path)), 1):
            try:
                line = json.loads(written)
                if results is None:
                    results = cls(_header(line))
                elif "session" in line:
                    results._take_session(line)
                else:
                    results._take_run(line)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ValueError(f"{path}, line {number}: {type(error).__name__}: {error}") from error
        if results is None:
            raise ValueError(f"{path} is empty: the first line of results says what study they are of")
        return results

    def _take_session(self, line: dict[str, Any]) -> None:
        if line.pop("session") != len(self.sessions):
            raise ValueError("sessions must be numbered from 0 on")
        wanted = {"date", "commit", "command", "machine", "versions"}
        if set(line) != wanted:
            raise ValueError(f"a session has {', '.join(sorted(wanted))}, got {', '.join(sorted(line))}")
        self.sessions.append(line)

    def _take_run(self, line: dict[str, Any]) -> None:
        trial = Trial(line["stage"], line["method"], Setting(line["lr"], line["beta"]), line["seed"])
        if trial.stage not in STAGES:
            raise ValueError(f"no stage {trial.stage!r}; there are {', '.join(STAGES)}")
        grid = self.study.method(trial.method).settings()
        if trial.stage != "tuning":
            grid = [made.setting for made in self.refining(trial.method)] or grid
        if trial.setting not in grid:
            raise ValueError(f"{trial} is not in the study's grid")
        if not 0 <= line["in_session"] < len(self.sessions):
            raise ValueError(f"no session {line['in_session']}; there are {len(self.sessions)}")
        if trial in self.runs:
            raise ValueError(f"{trial} comes a second time")
        self.runs[trial] = Run(trial, History.from_json(json.dumps(line["history"])), line["in_session"])


def _percent(accuracy: float) -> str:
    return "broke down" if math.isnan(accuracy) else f"{accuracy:.2%}"


def _header(line: Any) -> Study:
    if not isinstance(line, dict) or line.get("format") != FORMAT:
        raise ValueError(f'the first line of results must have "format": {FORMAT}, got {json.dumps(line):.60}')
    return Study.from_dict(line["study"])


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep other processes from writing to `path` meanwhile; raises `locks.Busy` if one does already."""
    try:
        with locks.alone(path.with_name(f".{path.name}.lock"), seconds=0):
            yield
    except locks.Busy:
        raise locks.Busy(f"another process is running the study of {path}: wait for it, or stop it") from None


def file_of(name: str) -> Path:
    """Where the repository keeps the results of the plan `name`; raises FileNotFoundError outside of it."""
    root = paths.checkout()
    if root is None:
        raise FileNotFoundError(
            "stored results are in the book's repository, not in the installed package: run it there"
        )
    return root / "benchmarks/results" / f"study-{name}.jsonl"


def stored(name: str) -> Results:
    """The results of the plan `name` as the repository keeps them; raises FileNotFoundError where there are none."""
    return Results.load(file_of(name))
