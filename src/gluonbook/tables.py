"""A table that a notebook shows as one, read out with its heads by a screen reader, and a shell as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import final

from IPython.lib.pretty import RepresentationPrinter


@final
@dataclass(frozen=True)
class Table:
    """Rows of text under a head; each row begins with what it is about.

    Columns whose heads are in `right` are aligned to the right in Markdown, as numbers are to be. `caption` is shown in
    HTML alone. A cell that is a rounded 0 is shown without its sign, "-0.00" as "0.00". Raises ValueError for a row
    that is longer or shorter than the head, or an unknown head in `right`.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()
    caption: str = ""

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.head)]:
            raise ValueError(f"a row has {len(self.head)} cells, one for each of {list(self.head)}, got {wrong[0]}")
        if unknown := set(self.right) - set(self.head):
            raise ValueError(f"no column {', '.join(sorted(unknown))}; there are {', '.join(self.head)}")

    def __str__(self) -> str:
        """Markdown, with columns that line up as text, too."""
        lines = [[_in_a_line(cell) for cell in line] for line in (self.head, *self._shown())]
        columns = [(max(map(len, column)), name in self.right) for name, column in zip(self.head, zip(*lines))]
        rule = "|".join("-" * (width + 2 - right) + ":" * right for width, right in columns)
        head, *rows = (
            " | ".join(f"{cell:{'>' if right else '<'}{width}}" for cell, (width, right) in zip(line, columns))
            for line in lines
        )
        return "\n".join([f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows)])

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """What an IPython without HTML shows."""
        printer.text(str(self))

    def _repr_html_(self) -> str:
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.head)
        body = "".join(
            f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in rest) + "</tr>"
            for first, *rest in self._shown()
        )
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _shown(self) -> list[list[str]]:
        return [[_unsigned(cell) for cell in row] for row in self.rows]


def _in_a_line(cell: str) -> str:
    """A cell that neither ends the row nor begins another cell; a bar that is escaped already stays as it is."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(cell.split()))


def _unsigned(cell: str) -> str:
    """A cell without the sign of a 0, which says of a number that was rounded away no more than from where."""
    return re.sub(r"^[-−](?=0(\.0*)?%?$)", "", cell)
