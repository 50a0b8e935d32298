"""The findings as JSON, or as a table that is coloured on a terminal and plain elsewhere."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gluonbook.book.times import duration
from gluonbook.doctor.chapters import Ahead, Outlook
from gluonbook.doctor.check import NOTE, OK, PROBLEM, Check
from gluonbook.machine import facts

_STYLES = {OK: "green", NOTE: "yellow", PROBLEM: "bold red"}
_PLAIN_WIDTH = 120


def as_json(checks: list[Check], outlook: Outlook) -> str:
    """All findings, the versions and the machine, for programs and for bug reports."""
    return json.dumps(
        {
            "problems": sum(check.status == PROBLEM for check in checks),
            "checks": [asdict(check) for check in checks],
            "chapters": [asdict(chapter) for chapter in outlook.chapters],
            "chapters_note": outlook.note,
            "versions": facts.versions(),
            "machine": facts.machine(),
        },
        indent=2,
    )


def show(checks: list[Check], outlook: Outlook) -> None:
    """Print the findings, then what the chapters need, then the verdict."""
    console = Console(highlight=False, markup=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    with console.capture() as captured:
        console.print(_findings(checks))
        console.print()
        console.print(_chapters(outlook, checks) if outlook.chapters else f"No chapters to look at: {outlook.note}.")
        console.print()
        console.print(_verdict(checks, "book" if outlook.chapters else "package"))
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))  # rich fills lines up with blanks


def _findings(checks: list[Check]) -> Table:
    table = Table.grid(padding=(0, 2))
    for check in checks:
        finding = Text(check.finding)
        if check.remedy:
            finding.append(f"\n{check.remedy}", style="italic")
        table.add_row(Text(check.status, style=_STYLES[check.status]), Text(check.name), finding)
    return table


def _chapters(outlook: Outlook, checks: list[Check]) -> Table:
    absent = {check.name.split()[-1] for check in checks if check.name.startswith("data set") and check.status != OK}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    known = [chapter.seconds for chapter in outlook.chapters if chapter.seconds is not None]
    table.add_column("chapter", footer=f"{len(outlook.chapters)} chapters" if len(outlook.chapters) > 1 else "")
    table.add_column("needs")
    table.add_column("time", justify="right", footer=duration(sum(known)) if len(known) > 1 else "")
    table.add_column("measured")
    for chapter in outlook.chapters:
        time = "?" if chapter.seconds is None else duration(chapter.seconds)
        table.add_row(Text(chapter.name), Text(_needs(chapter, absent)), time, Text(chapter.measured))
    return table


def _needs(chapter: Ahead, absent: set[str]) -> str:
    needs = [f"{need} (not here)" if need in absent else need for need in chapter.needs]
    return ", ".join([*needs, *(["a quiet machine"] if chapter.timed else [])])


def _verdict(checks: list[Check], what: str) -> Text:
    problems = [check.name for check in checks if check.status == PROBLEM]
    if problems:
        return Text(f"Problems: {', '.join(problems)}. What helps stands beside each.", style=_STYLES[PROBLEM])
    return Text(f"No problems: the {what} runs here.", style=_STYLES[OK])
