"""The exercises of each part on one page, taken from the text of its chapters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from gluonbook.book.chapters import Chapter

_START = "{exercise-start}"
_EXERCISE = re.compile(
    r"^(?P<fence>`{3,})\{exercise-start\} *(?P<title>[^\n]+)\n"
    r"(?::[^\n]*\n)*?:label: *(?P<label>\S+)\n(?::[^\n]*\n)*"
    r"(?P=fence)\n(?P<question>.*?)^(?P=fence)\{exercise-end\}",
    re.MULTILINE | re.DOTALL,
)


@final
@dataclass(frozen=True)
class Exercise:
    """One exercise as its chapter states it, in MyST Markdown."""

    title: str
    label: str
    question: str


def exercises(chapter: Chapter) -> list[Exercise]:
    """The exercises of a chapter, in their order.

    Raises:
        ValueError: one of them has no title, no label, or no end.
    """
    text = chapter.text()
    found = [
        Exercise(match["title"].strip(), match["label"], match["question"].strip())
        for match in _EXERCISE.finditer(text)
    ]
    if len(found) != text.count(_START):
        raise ValueError(
            f"{chapter.name}: of {text.count(_START)} exercises {len(found)} have a title, a label and an end"
        )
    return found


def markdown(chapters: Sequence[Chapter]) -> dict[str, str]:
    """The lists as MyST Markdown, by the folder of the part; a part without exercises has none."""
    lists: dict[str, str] = {}
    for chapter in chapters:
        found = exercises(chapter)
        if found:
            folder = chapter.path.parent.name
            lists[folder] = lists.get(folder, "") + _section(chapter, found)
    return lists


def _section(chapter: Chapter, found: Sequence[Exercise]) -> str:
    parts = [f"## {chapter.title}", f"The chapter: {{doc}}`/{chapter.name}`"]
    for exercise in found:
        parts += [f"### {exercise.title}", exercise.question, f"Answer it in the chapter: {{ref}}`{exercise.label}`"]
    return "\n\n".join(parts) + "\n\n"
