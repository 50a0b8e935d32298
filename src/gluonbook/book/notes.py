"""The instructor notes: each chapter's lie beside it, and one page of the book has them all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gluonbook.book.chapters import Chapter, Part
from gluonbook.storage.text import read_text

SUFFIX = ".notes.md"


def file(chapter: Chapter) -> Path:
    """Where the notes on a chapter are written down; it may not have any."""
    return chapter.path.with_suffix(SUFFIX)


def markdown(parts: Iterable[Part]) -> str:
    """The notes on all chapters in their order, as MyST Markdown."""
    return "".join(_part(part) for part in parts)


def _part(part: Part) -> str:
    sections = [_section(chapter) for chapter in part.chapters if file(chapter).is_file()]
    heading = f"Part {part.number}: {part.caption}" if part.number else part.caption
    return "\n\n".join([f"## {heading}", *sections, ""]) if sections else ""


def _section(chapter: Chapter) -> str:
    notes = read_text(file(chapter)).strip()
    return f"### {chapter.title}\n\nThe chapter: {{doc}}`/{chapter.name}`\n\n{notes}"
