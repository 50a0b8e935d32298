"""The sentences of the claims, by the texts of the chapters: each can be read alone, as in the table of all claims."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import jupytext
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from gluonbook.book.chapters import Book, Chapter

RUNNING = Book.here().running
POINTS_BACK = re.compile(
    r"(The same|And|Or|But"  # go on from a claim that stands elsewhere
    r"|This|These|Such|It|Its|They|Their)\b"  # stand for a noun of the text before
)
POINTS_BACK_AT_ITS_END = re.compile(r" it (is|does)$")  # leaves the verb to another claim, and the noun


def refused(sentence: str) -> bool:
    return bool(POINTS_BACK.match(sentence) or POINTS_BACK_AT_ITS_END.search(sentence))


def sentences(cell: str) -> Iterator[str]:
    """What its claims say, with {…} where an f-string has a value."""
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(cell))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
            sentence = node.args[1]
            assert isinstance(sentence, (ast.Constant, ast.JoinedStr)), f"{ast.unparse(sentence)} is no text"
            parts = sentence.values if isinstance(sentence, ast.JoinedStr) else [sentence]
            yield "".join(part.value if isinstance(part, ast.Constant) else "{…}" for part in parts)


def said(chapter: Chapter) -> list[str]:
    cells = [cell.source for cell in jupytext.read(chapter.path, fmt="md:myst").cells if cell.cell_type == "code"]
    return [sentence for cell in cells if "claim(" in cell for sentence in sentences(cell)]


@pytest.mark.parametrize("chapter", RUNNING, ids=lambda chapter: chapter.key)
def test_each_can_be_read_alone(chapter):
    assert [sentence for sentence in said(chapter) if refused(sentence)] == []


def test_none_is_passed_over():
    written = sum(len(re.findall(r'^ *claim\(\s*f?"', chapter.text(), re.MULTILINE)) for chapter in RUNNING)
    assert written == sum(len(said(chapter)) for chapter in RUNNING)


@pytest.mark.parametrize(
    ("sentence", "found"),
    {
        "The same layer complains once hybridized": True,
        "And from two devices, weights differ by": True,
        "This many of the table's reshapes are right": True,
        "Its condition number": True,
        "With the last step, it is": True,
        "Without clipping, it does": True,
        "With clipping, the share of what it does wrong is": False,
        "Iterations until the loss is halved": False,
        "Orders from Python number": False,
        "The sum of 1/k to K = 1000, divided by log K, is": False,
    }.items(),
)
def test_the_rule_finds_them(sentence, found):
    assert refused(sentence) is found


def test_a_sentence_is_read_whole():
    cell = '%matplotlib inline\nclaim("a", "One, "\n      "two", 1, "== 1")\nclaim(f"b-{n}", f"It is {n}", 1, "== 1")\n'
    assert list(sentences(cell)) == ["One, two", "It is {…}"]
