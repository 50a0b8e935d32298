"""Doing what a study asks for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import mxnet as mx
from mxnet import gluon

import gluonbook.optimizers  # noqa: F401  (registers the book's optimizers)
from gluonbook import checkpoint, checks
from gluonbook.machine.devices import devices
from gluonbook.storage.errors import told
from gluonbook.study.plan import Study, Trial
from gluonbook.study.problem import Data
from gluonbook.study.results import Results, only_writer
from gluonbook.training import History, fit, set_seed


def run(
    study: Study,
    path: str | Path | None = None,
    *,
    command: str = "gluonbook.study.run",
    report: Callable[[str], None] | None = None,
) -> Results:
    """Do all of the study's trainings that are not done yet, and return the results.

    With `path`, a file of JSON lines, runs that it holds are not done again, and each new one is in it, whole, before
    the next begins. A final run that is stopped goes on from its last whole epoch, which is kept beside the file until
    the run is done. `command` is what the provenance says of how they were made; `report` is called with a line for
    each new run.

    Every run starts from weights that depend on its seed alone, so that methods are compared from the same start. The
    step size follows half a cosine from lr down to 0, for every method alike.

    Raises:
        ValueError: the file is of another study, or is damaged; a method broke down with all of its settings.
        Busy: another process is running a study with this file; a RuntimeError.
        StorageError: the file cannot be read or written.
    """
    if path is None:
        return _run(study, Results(study), lambda: None, command, report, None)
    path = checks.path("path", path)
    with told(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(path):
        with told(path, "read"):
            results = Results.load(path) if path.exists() else Results(study)
        if results.study != study:
            raise ValueError(f"{path} holds the results of another study: choose another file, or move it away")
        return _run(
            study, results, lambda: results.save(path), command, report, path.with_name(f"{path.name}.unfinished")
        )


def _run(
    study: Study,
    results: Results,
    save: Callable[[], None],
    command: str,
    report: Callable[[str], None] | None,
    unfinished: Path | None,
) -> Results:
    def kept(trial: Trial) -> Path | None:
        """Of each final run's own: what is left of another, or of another study, is in its way nowhere else."""
        named = sha256(repr((study, trial)).encode()).hexdigest()[:16]
        return unfinished / named if unfinished and trial.stage == "final" else None

    def discard(trial: Trial) -> None:
        if folder := kept(trial):
            shutil.rmtree(folder, ignore_errors=True)  # at the latest when the study is continued

    for trial in results.runs:
        discard(trial)
    if not results.missing():
        return results
    data = study.problem.load()
    results.open_session(command)
    save()  # a disk that refuses says so before anything is trained

    def do(trial: Trial) -> None:
        if trial in results.runs:
            return
        begun = time.perf_counter()
        history = train(study, trial, data, kept(trial))
        results.add(trial, history)
        save()
        discard(trial)
        if report is not None:
            report(_line(trial, history, time.perf_counter() - begun, results.missing()))

    for trial in study.tuning_trials():
        do(trial)
    for method in study.methods:
        for trial in results.refining(method.name):
            do(trial)
    best = {method.name: results.best(method.name) for method in study.methods}
    for trial in study.final_trials(best):
        do(trial)
    return results


def train(study: Study, trial: Trial, data: Data, checkpoints: Path | None = None) -> History:
    """One training, from its start or its last checkpoint.

    The history ends before the epoch in which the loss is no longer finite.
    """
    problem, ctx = study.problem, devices(1)
    final = trial.stage == "final"
    images = data.training_set(None if final else study.tuning_images)
    epochs = study.epochs if final else study.tuning_epochs
    method = study.method(trial.method)

    set_seed(trial.seed)
    net = problem.network()
    net.initialize(mx.init.Xavier(), ctx=ctx)
    net.hybridize()
    steps = epochs * -(-len(images) // problem.batch_size)
    options = method.options(trial.setting)
    schedule = mx.lr_scheduler.CosineScheduler(max_update=steps, base_lr=options["learning_rate"])
    trainer = gluon.Trainer(net.collect_params(), method.optimizer, {**options, "lr_scheduler": schedule}, kvstore=None)

    resumed = checkpoints and checkpoint.latest(checkpoints)
    history = History()

    def note(so_far: History) -> None:
        history.rows[:] = so_far.rows

    with suppress(FloatingPointError):  # that a method breaks down is a result; the shorter history says when
        whole = fit(
            net,
            trainer,
            images,
            epochs=epochs,
            batch_size=problem.batch_size,
            test=data.test if final else data.validation,
            ctx=ctx,
            seed=trial.seed,
            checkpoints=checkpoints,
            on_epoch=note,
        )
        note(whole)
    if checkpoints and resumed and not history.rows:  # it broke down in its first new epoch: the older are not at hand
        checkpoint.clear(checkpoints)
        return train(study, trial, data, checkpoints)
    return history


def _line(trial: Trial, history: History, seconds: float, missing: int) -> str:
    outcome = f"accuracy {history['test_accuracy'][-1]:.4f}" if len(history) else "broke down"
    return f"{trial}: {outcome} ({seconds:.1f} s; {missing} to do)"
