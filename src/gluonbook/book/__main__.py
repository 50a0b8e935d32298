"""What `make` calls: `python -m gluonbook.book build`, and so on; `--help` lists the rest."""

from __future__ import annotations

import datetime
import os
import resource
import sys
from collections.abc import Iterable
from typing import Annotated, Optional

import pooch
import typer
import yaml

from gluonbook.book import notebooks, outcomes, pdf, site, slides, wheelhouse
from gluonbook.book import report as reports
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.execute import QUIET, THREADS, execute
from gluonbook.book.executions import Executions
from gluonbook.book.outcomes import Outcome
from gluonbook.book.what_has_run import outcome_of, too_long
from gluonbook.command import command
from gluonbook.profiles import profile

app = typer.Typer(
    help="The book's tooling.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def _profile() -> None:
    try:
        profile()
    except ValueError as error:  # whatever is asked, a mistyped profile is better mended first
        sys.exit(str(error))


@app.command()
def build() -> None:
    """Execute what is not fresh, build the site strictly, say where it lies."""
    try:
        page = site.build(Book.here())
    except site.BuildFailed as failure:
        sys.exit(f"\nThe book was not built:\n\n{failure}")
    print(f"\nThe book lies at {page}")


@app.command("slides")
def list_slides() -> None:
    """Build the book, and say where the slides of each chapter are."""
    build()
    book = Book.here()
    for chapter in filter(slides.has_slides, book.chapters):
        print(book.built / f"html/{chapter.name}{slides.SUFFIX}")


@app.command("bundle")
def write_bundle(
    data: Annotated[Optional[list[str]], typer.Option(help="One more data set, if you may pass it on. Repeat.")] = None,
) -> None:
    """Build and print the book, and pack all that a workshop without a network needs into one archive."""
    from gluonbook.book import bundle  # the data sets load MXNet, for which the other commands need not wait
    from gluonbook.datasets import DatasetError

    try:
        bundle.check(Book.here(), data or ())
        try:
            _print()
        except pdf.NoBrowser as error:
            print(f"The bundle will have no PDF: {error}")
            build()
        book = Book.here()
        folder = book.built
        target = folder / f"{bundle.FOLDER}.tar.gz"
        bundle.write(book, target, folder / "html", folder / "wheelhouse", data=data or ())
    except (bundle.BundleError, wheelhouse.WheelhouseError, DatasetError) as failure:
        sys.exit(f"\nThe bundle was not written: {failure}")
    print(f"The bundle lies at {target} ({target.stat().st_size / 1e6:.0f} MB, SHA-256 {pooch.file_hash(str(target))})")


@app.command("pdf")
def print_pdf() -> None:
    """Build the book, print it as one PDF, say where that lies."""
    try:
        _print()
    except pdf.NoBrowser as error:
        sys.exit(str(error))


def _print() -> None:
    try:
        file = pdf.build(Book.here())
    except site.BuildFailed as failure:
        sys.exit(f"\nThe book was not printed:\n\n{failure}")
    print(f"\nThe book as a PDF lies at {file}")


@app.command()
def roundtrip() -> None:
    """See that every chapter survives the way to a notebook and back."""
    changed = notebooks.unstable(Book.here())
    if changed:
        sys.exit("These chapters change on the way to a notebook and back: " + ", ".join(changed))


@app.command("notebooks")
def write_notebooks() -> None:
    """Write or refresh notebooks/, paired with chapters/: whichever of the two is newer is taken into the other."""
    book = Book.here()
    notebooks.sync(book)
    print(f"The notebooks lie in {book.root / 'notebooks'}")


@app.command()
def lab() -> None:
    """Open JupyterLab on the notebooks."""
    book = Book.here()
    for name in notebooks.take_off_marks(book):  # for good: JupyterLab reads the chapters as often as it likes
        print(f"{name} begins without a byte order mark from now on, which JupyterLab would take for text")
    notebooks.sync(book)
    os.chdir(book.root)
    settings = ["--ServerApp.root_dir=.", "--LabApp.default_url=/lab/tree/notebooks", "--LabApp.news_url=None"]
    if os.geteuid() == 0:
        settings.append("--allow-root")  # there is nobody else in many a container
    environment = {**THREADS, **os.environ, **QUIET}  # what the reader has set about threads stays
    os.execve(sys.executable, [sys.executable, "-m", "jupyterlab", *settings], environment)


@app.command()
def report() -> None:
    """Write what the execution in this profile has come to: chapters, devices, seconds, claims."""
    book = Book.here()
    file = book.built / f"report-{profile()}.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(reports.markdown(book, Executions(book).fresh()), encoding="utf-8")
    print(f"Wrote {file}")


@app.command()
def times() -> None:
    """Keep this machine's outcomes with the book: what has run where, and the times that `gluonbook doctor` tells."""
    book = Book.here()
    results = Executions(book).fresh()
    if not results:
        sys.exit("no chapter has been executed with the present code; run `make book` first")
    _keep(book, map(outcome_of, results))


@app.command("try")
def try_chapters(
    keys: Annotated[list[str], typer.Argument(help="Chapters, as convnets/lenet.")],
) -> None:
    """Execute chapters one after another, and keep each outcome with the book, a failure too. Exit status 1 if one."""
    book = Book.here()
    well = True
    for chapter in _chapters(book, keys):
        kept = Executions(book)
        recalled = kept.recall(chapter)
        before = _processor_seconds()
        (result,) = execute(book, kept, [chapter])
        outcome = outcome_of(result, None if recalled else _processor_seconds() - before)
        _keep(book, [outcome])
        print(*result.problems, sep="\n\n")
        well &= outcome.went_well
    raise typer.Exit(0 if well else 1)


@app.command("too-long")
def mark_as_too_long(
    key: Annotated[str, typer.Argument(help="A chapter, as convnets/lenet.")],
    seconds: Annotated[float, typer.Argument(help="How long it would take here, in this profile.")],
) -> None:
    """Keep with the book that nobody runs this chapter on this machine in this profile, and why: how long it takes."""
    book = Book.here()
    today = datetime.date.today().isoformat()
    _keep(book, [too_long(chapter, today, seconds) for chapter in _chapters(book, [key])])


def _chapters(book: Book, keys: Iterable[str]) -> list[Chapter]:
    """Those of these names, with or without the folder that all chapters share; exits unless each is there."""
    there = {name: chapter for chapter in book.running for name in (chapter.key, chapter.name)}
    if unknown := [key for key in keys if key not in there]:
        running = ", ".join(chapter.key for chapter in book.running)
        sys.exit(f"no chapter {', '.join(map(repr, unknown))}; those with cells are {running}")
    return [there[key] for key in keys]


def _keep(book: Book, new: Iterable[Outcome]) -> None:
    print(f"Wrote {outcomes.keep(book.root, new, {chapter.name for chapter in book.running})}")


def _processor_seconds() -> float:
    """Of all processes that this one has started and that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    with command():
        try:
            app()
        except (OSError, ValueError, yaml.YAMLError) as error:  # what an author can fix, in _toc.yml or a front matter
            sys.exit(f"{type(error).__name__}: {error}")
