"""Tables of Markdown, as their cells."""

from __future__ import annotations

import re


def rows(text: str) -> list[list[str]]:
    """The cells of all lines of tables in a text, without the blanks around them."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1])] for line in lines]
