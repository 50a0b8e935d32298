"""What a reader should not see in a chapter's outputs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from nbformat import NotebookNode

from gluonbook import claims
from gluonbook.exercises import checking as exercises

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")
_HOME = re.compile(r"/(?:home|Users|root)/[\w.-]+")
_WIDGET = "application/vnd.jupyter.widget-view+json"


def unclean(notebook: NotebookNode, root: Path) -> list[str]:
    """Warnings, terminal codes, memory addresses, folders of a machine, failed claims and solutions, dead widgets.

    Among a machine's folders are `root`, which holds the book, and that of Python.
    """
    folders = re.compile("|".join(rf"(?<![\w.-]){re.escape(folder)}(?![\w-])" for folder in (str(root), sys.prefix)))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        f"cell {number} {fault}"
        for number, cell in enumerate(cells, 1)
        for output in cell.outputs
        for fault in _faults(output, cell.metadata.get("tags", []), folders)
    ]


def without_colours(text: str) -> str:
    """The text without the codes by which a terminal changes its colour."""
    return _ANSI.sub("", text)


def _faults(output: NotebookNode, tags: list[str], folders: re.Pattern) -> list[str]:
    text = _text(output)
    faults = []
    if output.get("name") == "stderr":
        faults.append(f"wrote to stderr: {text.strip()[:300]}")
    if _WIDGET in output.get("data", {}):
        faults.append("leaves a widget, such as a progress bar, that a page cannot show")
    patterns = {"a terminal code": _ANSI, "an address": _ADDRESS, "a home folder": _HOME, "a folder": folders}
    faults += [f"prints {what}: {match[0]!r}" for what, p in patterns.items() if (match := p.search(text))]
    metadata = output.get("metadata", {})
    claim, exercise = metadata.get(claims.RECORD), metadata.get(exercises.RECORD)
    if claim and not claim["holds"]:
        faults.append(f"claims what does not hold: {claim['id']}")
    if exercise and exercise["solved"] is False and "solution" in tags:
        faults.append(f"has the solution of {exercise['name']!r}, which fails its check: {text}")
    return faults


def _text(output: NotebookNode) -> str:
    data = [value for value in output.get("data", {}).values() if isinstance(value, str)]
    return "\n".join([output.get("text", ""), *output.get("traceback", []), *data])
