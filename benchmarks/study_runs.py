"""Compare the optimizers on a whole data set: `gluonbook bench study mnist`."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence

import keeping
from rich.console import Console
from rich.markdown import Markdown

from gluonbook import study
from gluonbook.study.results import file_of

HELP = "`study mnist` and `study cifar10` compare optimizers instead; `study --help` says more"


def run(words: Sequence[str]) -> None:
    """Do what is left of the study that the command line asks for, and print how its methods compare."""
    parser = argparse.ArgumentParser(prog="gluonbook bench study", description=__doc__)
    parser.add_argument("plan", choices=list(study.PLANS), help="which study")
    parser.add_argument(
        "--keep",
        type=keeping.file,
        help="the file for the results; runs that it holds are not done again (default: by plan)",
    )
    asked = parser.parse_args(words)
    path = asked.keep or file_of(asked.plan)
    results = study.run(
        study.PLANS[asked.plan],
        path,
        command=f"gluonbook bench study {asked.plan}",
        report=functools.partial(print, flush=True),
    )
    Console(width=130).print(Markdown(str(results.verdict())))
    print(f"kept in {path.name}")
