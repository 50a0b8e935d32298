"""Compare the optimizers on a whole data set: `gluonbook bench study mnist`."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gluonbook import study
from gluonbook.study.results import file_of

HELP = "`study mnist` and `study cifar10` compare optimizers instead; `study --help` says more"


def table(results: study.Results) -> Table:
    """A row a method: its best setting, and how its final runs ended."""
    seeds = results.seeds()
    shown = Table("method", "lr", "β", "validation accuracy", f"test accuracy, seeds {', '.join(map(str, seeds))}")
    for method in results.study.methods:
        lr, beta = results.best(method.name)
        reached = f"{results.tuning(method.name).max():.4f}" if len(seeds) == 0 else ""
        ends = results.curves(method.name, "test_accuracy")[:, -1]
        shown.add_row(
            method.name,
            f"{lr:g}",
            "" if beta is None else f"{beta:g}",
            reached,
            ", ".join(f"{end:.4f}" for end in ends),
        )
    return shown


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="gluonbook bench study", description=__doc__)
    parser.add_argument("plan", choices=list(study.PLANS), help="which study")
    parser.add_argument(
        "--keep", type=Path, help="the file for the results; runs that it holds are not done again (default: by plan)"
    )
    asked = parser.parse_args(words)
    path = asked.keep or file_of(asked.plan)
    results = study.run(
        study.PLANS[asked.plan],
        path,
        command=f"gluonbook bench study {asked.plan}",
        report=functools.partial(print, flush=True),
    )
    Console(width=130).print(table(results))
    print(f"kept in {path.name}")


if __name__ == "__main__":
    main(None)
