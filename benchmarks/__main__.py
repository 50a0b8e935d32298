"""Measure kernels, training steps and exchanges against their peers, and print a table of ratios: `make bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import keeping
import kernel_rows
import network_rows
import step_rows
import study_runs
import training_rows
from rich.console import Console
from rich.table import Table

from gluonbook.command import command
from gluonbook.datasets import DatasetError
from gluonbook.kernels import threads
from gluonbook.machine import facts
from gluonbook.storage.errors import StorageError
from gluonbook.storage.locks import Busy
from measure import Row

HERE = Path(__file__).resolve().parent
PARTS = {
    "kernels": kernel_rows.rows,
    "steps": step_rows.rows,
    "memory": network_rows.memory,
    "links": network_rows.links,
    "training": training_rows.training,
}


def table(rows: list[Row]) -> Table:
    """The rows, each with its bound and whether it is met."""
    columns = ("work", "against", "on", "ms", "ratio (quartiles)", "bound", "met")
    shown = Table(*columns)
    for row in rows:
        ratio = f"{row.median:.3g} ({row.lower:.3g} to {row.upper:.3g})"
        bound = "" if row.bound is None else f"{'≥' if row.at_least else '≤'} {row.bound:g}"
        met = {None: "", True: "yes", False: "[bold]no[/bold]"}[row.met]
        shown.add_row(row.work, row.against, row.parameters, f"{row.milliseconds:.3g}", ratio, bound, met)
    return shown


def main() -> None:
    """The entry point: errors that a user can fix are one message, not a traceback."""
    with command():
        try:
            if sys.argv[1:2] == ["study"]:
                study_runs.run(sys.argv[2:])
            else:
                run(sys.argv[1:])
        except (FileNotFoundError, ValueError, StorageError, Busy, DatasetError) as error:
            sys.exit(f"gluonbook: {error}")


def run(words: Sequence[str]) -> None:
    """Measure what the command line asks for, print it and keep it."""
    now = datetime.now(timezone.utc)
    parser = argparse.ArgumentParser(prog="gluonbook bench", description=__doc__, epilog=study_runs.HELP)
    parser.add_argument("parts", nargs="*", help=f"what to measure: {', '.join(PARTS)}; all without it")
    parser.add_argument("--repeat", type=int, default=21, help="rounds of each race (default 21)")
    parser.add_argument(
        "--keep",
        type=keeping.file,
        default=f"{HERE}/results/{now:%Y-%m-%d-%H%M%S}.json",
        help="the JSON file for the results (default: one in results/, by date)",
    )
    asked = parser.parse_args(words)
    if asked.repeat < 1:
        parser.error(f"--repeat must be a whole number from 1, got {asked.repeat}")
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    rows = [row for part in asked.parts or PARTS for row in PARTS[part](asked.repeat)]
    results = {
        "date": now.isoformat(timespec="seconds"),
        "commit": facts.commit(),
        "machine": facts.machine(),
        "threads": threads.count(),
        "versions": facts.versions(),
        "rounds": asked.repeat,
        "rows": [row.as_dict() for row in rows],
    }
    Console(width=130).print(table(rows))
    keeping.write(asked.keep, results)
    bounds = [row.met for row in rows if row.met is not None]
    print(f"{sum(bounds)} of {len(bounds)} bounds are met; kept in {asked.keep.name}")


if __name__ == "__main__":
    main()
