"""The command `gluonbook`: what a reader asks of the book from a shell."""

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Annotated, Optional

import typer

from gluonbook import checks, doctor, paths
from gluonbook.command import command
from gluonbook.profiles import profile
from gluonbook.storage.errors import StorageError

# No `from __future__ import annotations` here, and `Optional`: the typer that Python 3.9 gets reads annotations as they
# stand, and Python 3.9 cannot evaluate `str | None`.
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command("doctor")
def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    chapter: Annotated[Optional[str], typer.Option(help="Say what this chapter needs; all without it.")] = None,
    workshop: Annotated[bool, typer.Option("--workshop", help="Try what a workshop will do, too: a minute.")] = False,
) -> None:
    """Look at this machine: what works, what is missing, what to do about it. Exit status 1 if there is a problem."""
    raise typer.Exit(doctor.run(json=as_json, chapter=chapter, workshop=workshop))


@app.command()
def claims(
    as_json: Annotated[bool, typer.Option("--json", help="Print the claims as JSON.")] = False,
) -> None:
    """Print the table of claims of the chapters that have been executed."""
    try:
        from gluonbook.book import chapters, claims_table, executions  # the book's tooling is not needed to train a net
    except ImportError as error:
        sys.exit(f"gluonbook: the table needs the book's tooling ({error}): `make setup`, or gluonbook[book]")

    found = claims_table.collect(executions.Executions(chapters.Book.here()).fresh())
    print(json.dumps([asdict(claim) for _, claim in found], indent=1) if as_json else claims_table.markdown(found))


@app.command()
def report(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print which chapters have run here in this profile, and beside them where else they have."""
    try:
        from gluonbook.book import chapters, executions
        from gluonbook.book import report as reports
    except ImportError as error:
        sys.exit(f"gluonbook: the report needs the book's tooling ({error}): `make setup`, or gluonbook[book]")

    book = chapters.Book.here()
    print((reports.as_json if as_json else reports.markdown)(book, executions.Executions(book).fresh()))


@app.command()
def data(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(help="Data sets to fetch; without one, all are listed."),
    ] = None,
) -> None:
    """Fetch data sets, or list which there are and which lie here already."""
    from gluonbook import datasets  # it imports MXNet, and the doctor must run where that fails

    try:
        for name in names or ():
            datasets.fetch(name)
        for name in names or datasets.NAMES:
            print(datasets.status(name))
    except datasets.DatasetError as error:
        sys.exit(f"gluonbook: {error}")


@app.command("progress")
def progress_command(
    reset: Annotated[bool, typer.Option("--reset", help="Forget what has been solved.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print how many exercises of each chapter you have solved. The solutions that the book brings do not count."""
    from gluonbook.exercises import catalogue, progress

    try:
        if reset:
            forgotten = progress.reset()
            print(f"Forgotten: {progress.file()}" if forgotten else "There was no progress to forget.")
            return
        standings = catalogue.standings(_reading_order())
    except progress.ProgressError as error:
        sys.exit(f"gluonbook: {error}")
    if as_json:
        print(json.dumps([asdict(standing) for standing in standings], indent=1))
        return
    for standing in standings:
        total = len(standing.solved) + len(standing.open)
        still = f"open: {', '.join(standing.open)}" if standing.solved and standing.open else ""
        print(f"{len(standing.solved)} of {total}  {standing.chapter:<28}{still}".rstrip())
    solved, all_of_them = sum(len(s.solved) for s in standings), sum(len(s.solved + s.open) for s in standings)
    print(f"\n{solved} of {all_of_them} exercises solved; kept in {progress.file() or 'no file (it is switched off)'}")


def _reading_order() -> list[str]:
    """The chapters as the book orders them; none where the book, or what builds it, is not installed."""
    try:
        from gluonbook.book.chapters import Book

        return [chapter.key for chapter in Book.here().chapters]
    except (ModuleNotFoundError, FileNotFoundError):
        return []


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def bench(asked: typer.Context) -> None:
    """Measure kernels, steps and exchanges against their peers: a table of ratios. `bench --help` says what to ask."""
    root = paths.checkout()
    if root is None:
        sys.exit("gluonbook: the benchmarks are in the book's repository, not in the installed package: run it there")
    raise typer.Exit(subprocess.run([sys.executable, root / "benchmarks", *asked.args]).returncode)


@app.command("run", context_settings={"allow_interspersed_args": False})
def run_command(
    script: Annotated[list[str], typer.Argument(help="The script, or with -m the module; what follows is passed on.")],
    module: Annotated[bool, typer.Option("-m", help="Run a module, as `python -m` does.")] = False,
    workers: Annotated[int, typer.Option(help="How many processes train.")] = 4,
    engine: Annotated[str, typer.Option(help="mpi, or pslite (MXNet's parameter server).")] = "mpi",
    servers: Annotated[int, typer.Option(help="How many servers pslite has.")] = 1,
    hosts: Annotated[Optional[str], typer.Option(help="A host file; without it, all runs here, on loopback.")] = None,
    deadline: Annotated[float, typer.Option(help="Silent seconds after which a step has failed; 0: never.")] = 120.0,
    trust: Annotated[
        Optional[list[str]], typer.Option(help="A module whose optimizers pslite's servers may unpickle. Repeatable.")
    ] = None,
    log_dir: Annotated[Optional[str], typer.Option(help="A folder for the logs; without it, a temporary one.")] = None,
    show: Annotated[
        Optional[list[int]], typer.Option(help="A rank whose output is shown, 0 without it. Repeatable.")
    ] = None,
) -> None:
    """Run a script in several processes that train together. Exit status 1 if one fails, and then all are ended."""
    from gluonbook import launch
    from gluonbook.launch.launcher import FOREVER

    deadline = checks.real("--deadline (s, 0 for never)", deadline, f"[0, {FOREVER:g}]")
    try:
        done = launch.run(
            ["-m", *script] if module else script,
            workers,
            engine,
            servers=servers,
            hosts=hosts,
            deadline=deadline or None,
            trust=trust or (),
            log_dir=log_dir,
            show=[0] if show is None else show,
        )
    except (launch.LaunchError, launch.LaunchFailed) as error:
        sys.exit(f"gluonbook: {error}")
    except KeyboardInterrupt:
        sys.exit("gluonbook: interrupted; all processes of the run have been ended")
    print(f"gluonbook: {workers} workers ended well after {done.seconds:.1f} s; logs: {done.folder}")


def main() -> None:
    """The entry point: errors that a user can fix are one message, not a traceback."""
    with command():
        try:
            profile()  # whatever is asked, a mistyped profile is better mended first
            app()
        except (FileNotFoundError, ValueError, StorageError) as error:
            sys.exit(f"gluonbook: {error}")
