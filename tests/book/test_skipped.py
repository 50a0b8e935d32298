"""What the notes on a chapter skip is not what the agendas and modules set: whoever solves an exercise was taught it.

In the notes, *Set* says after which sections an exercise can be solved, and *Skip* names the sections that a day in a
hurry leaves out, both in italics; a sentence of *Skip* that names a workshop, such as half a day, is about that one.
What an exercise leans on, its links and the names in its cells say as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import final

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gluonbook.book import notes
from gluonbook.book.chapters import Book

BOOK = Book.here()
DAYS = (*BOOK.agendas, *BOOK.modules)
TAUGHT = [chapter for chapter in BOOK.teaching if any(chapter.name in day.chapters for day in DAYS)]

ENTRY = re.compile(r"^(\w+)\n: (.*?)(?=\n\n\w+\n: |\Z)", re.MULTILINE | re.DOTALL)
ITALIC = re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)")
LINK = re.compile(r"\{(?:ref|numref|eq)\}`([^`<>]+)`")
LABEL = re.compile(r"^\(([\w-]+)\)=$|^:(?:label|name): *(\S+)$|^ +name: *(\S+)$", re.MULTILINE)
FENCE = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)


@final
@dataclass
class Section:
    """A heading of a chapter, and what stands below it up to the next one."""

    title: str
    level: int
    labels: set[str] = field(default_factory=set)
    defines: set[str] = field(default_factory=set)


@final
@dataclass
class Asked:
    """What an exercise and its solution link to, and the names that its cells use and do not make."""

    links: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def bound(tree: ast.AST) -> Iterator[str]:
    """The names that a cell gives to something, arguments of its functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def read(notebook: NotebookNode) -> tuple[list[Section], dict[str, Asked]]:
    """The sections of a chapter down to its exercises, and these by their labels."""
    sections, exercises = [Section("", 1)], {}
    now: Asked | None = None  # the exercise that we are in
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tree = ast.parse(TransformerManager().transform_cell(cell.source))
            if now is None:
                sections[-1].defines.update(bound(tree))
            else:
                used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
                now.names |= used - set(bound(tree))
            sections[-1].labels.update(filter(None, [cell.metadata.get("mystnb", {}).get("figure", {}).get("name")]))
            continue
        for piece in re.split(r"(?=^`{3,}\{(?:exercise-start|solution-start)\})", cell.source, flags=re.MULTILINE):
            if started := re.search(r"\{exercise-start\}[^\n]*\n:label: *(\S+)", piece):
                now = exercises[started[1]] = Asked()
            if now is not None:
                now.links.update(LINK.findall(piece))
                continue
            lines = re.split(
                r"(?=^#{1,6} )", FENCE.sub(lambda fence: fence[0].replace("\n#", "\n "), piece), flags=re.M
            )
            for part in lines:
                if heading := re.match(r"(#{1,6}) (.+)", part):
                    sections.append(Section(heading[2].strip(), len(heading[1])))
                sections[-1].labels.update(filter(None, (name for found in LABEL.findall(part) for name in found)))
    return sections, exercises


def entries(said: str) -> dict[str, str]:
    return {entry: " ".join(text.split()) for entry, text in ENTRY.findall(said)}


def told(text: str) -> dict[str, list[str]]:
    """After which sections each exercise can be solved, by the entry *Set*."""
    clauses = re.split(r"; |\. ", text)
    return {name: ITALIC.findall(clause) for clause in clauses for name in LINK.findall(clause)}


def left_out(text: str, day: str, sections: list[Section]) -> set[str]:
    """The sections that the entry *Skip* leaves out of a workshop with this title, and what is below them."""
    titles = {agenda.title.lower() for agenda in DAYS}
    out: set[str] = set()
    for sentence in re.split(r"(?<=[.!?]) ", text):
        about = {title for title in titles if title in sentence.lower()}
        if not about or day.lower() in about:
            out |= set(ITALIC.findall(sentence))
    inside = 0  # the level of the section in which we are, and which is left out
    for section in sections:
        if inside and section.level <= inside:
            inside = 0
        if section.title in out and not inside:
            inside = section.level
        if inside:
            out.add(section.title)
    return out


def faults(notebook: NotebookNode, said: str, days: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """What is wrong with the notes on a chapter, of which workshops, by their titles, set these exercises."""
    sections, exercises = read(notebook)
    known = {section.title for section in sections}
    entry = entries(said)
    skip, after = entry.get("Skip", ""), told(entry.get("Set", ""))
    for title in ITALIC.findall(f"{skip} {entry.get('Set', '')}"):
        if title not in known:
            yield f"no section is called {title!r}"
    for day, names in days.items():
        out = left_out(skip, day, sections)
        for name in names:
            if not after.get(name):
                yield f"{name}, in {day!r}: nothing says after which section it is set"
            if name in LINK.findall(skip):
                yield f"{name}, in {day!r}: the notes skip it"
            asked = exercises[name]
            needed = set(after.get(name, []))
            needed |= {section.title for section in sections if section.labels & asked.links}
            for used in asked.names:
                defining = {section.title for section in sections if used in section.defines}
                needed |= defining if defining <= out else set()
            yield from (f"{name}, in {day!r}, needs {title!r}, which the notes skip" for title in sorted(needed & out))


@pytest.mark.parametrize("chapter", BOOK.teaching, ids=lambda chapter: chapter.key)
def test_the_notes_skip_nothing_that_is_set(chapter):
    days: dict[str, tuple[str, ...]] = {}
    for day in DAYS:
        for step in day.steps:
            if step.chapter == chapter.name:
                days[day.title] = (*days.get(day.title, ()), *step.set)
    assert list(faults(chapter.notebook(), notes.file(chapter).read_text(), days)) == []


def test_who_sets_nothing_says_nothing_of_it():
    with_entry = {chapter.key for chapter in BOOK.teaching if "Set" in entries(notes.file(chapter).read_text())}
    assert with_entry == {chapter.key for chapter in TAUGHT}


CHAPTER = new_notebook(
    cells=[
        new_markdown_cell("# Sums\n\nA sum.\n\n## One by one"),
        new_code_cell("total = 1\n\ndef add(a, b):\n    return a + b"),
        new_markdown_cell(
            "### With signs\n\n```{math}\n:label: signed\nx\n```\n\n## All at once\n\n```\n## no heading\n```"
        ),
        new_code_cell("%matplotlib inline\nimport math", metadata={"mystnb": {"figure": {"name": "at-once"}}}),
        new_markdown_cell(
            "## Exercises\n\n```{exercise-start} By hand\n:label: by-hand\n```\n"
            "See {eq}`signed`.\n```{exercise-end}\n```"
        ),
        new_code_cell('check("by-hand", ...)'),
        new_markdown_cell("```{exercise-start} By code\n:label: by-code\n```\nHow?\n```{exercise-end}\n```"),
        new_code_cell("def mine(total):\n    return add(total, 1)"),
    ]
)
SET = "Set\n: {ref}`by-hand` and {ref}`by-code` after *All at once*."


@pytest.mark.parametrize(
    ("skip", "told_to", "found"),
    [
        ("Nothing.", SET, []),
        ("Something in the first half.", SET, []),
        ("*Exercises*.", SET, []),
        ("*One at a time*.", SET, ["no section is called 'One at a time'"]),
        ("*With signs*.", SET, ["by-hand, in 'Half a day', needs 'With signs', which the notes skip"]),
        (
            "*One by one*.",
            SET,
            [
                "by-hand, in 'Half a day', needs 'With signs', which the notes skip",
                "by-code, in 'Half a day', needs 'One by one', which the notes skip",
            ],
        ),
        ("With a full day,\n*With signs*.", SET, []),
        (
            "With half a day,\n*With signs*. Not more.",
            SET,
            ["by-hand, in 'Half a day', needs 'With signs', which the notes skip"],
        ),
        (
            "*All at once*.",
            SET,
            [
                "by-hand, in 'Half a day', needs 'All at once', which the notes skip",
                "by-code, in 'Half a day', needs 'All at once', which the notes skip",
            ],
        ),
        ("A sum, and {ref}`by-hand` with it.", SET, ["by-hand, in 'Half a day': the notes skip it"]),
        (
            "Nothing.",
            "Set\n: {ref}`by-code` after *All at once*; {ref}`by-hand` when you like.",
            ["by-hand, in 'Half a day': nothing says after which section it is set"],
        ),
    ],
)
def test_the_rule_finds_them(skip, told_to, found):
    said = f"Say\n: A *sum*.\n\nStumble\n: At it.\n\nSkip\n: {skip}\n\n{told_to}\n"
    assert list(faults(CHAPTER, said, {"Half a day": ("by-hand", "by-code")})) == found


def test_names_that_a_solution_makes_itself_are_not_asked_of_a_section():
    _, exercises = read(CHAPTER)
    assert exercises["by-code"].names == {"add"}
