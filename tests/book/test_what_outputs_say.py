"""What readers see of chapters: letters that a phone shows large enough, texts and numbers without slips."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode

from gluonbook import plots
from gluonbook.book.chapters import Book
from gluonbook.plots.figure import WIDEST

FILES = sorted((Book.here().root / "chapters").rglob("*.svg"))
DRAWINGS = [file for file in FILES if "<text" in file.read_text()]

ROOM = 342  # pixels of a figure's width, at most, on a page of 390: the rest are margins and the card that it lies on
LEAST = 7.0  # pixels of a letter's size
POINT = 4 / 3  # pixels

# A text of matplotlib: its letters as a comment, then where it stands and how large it is, in hundredths of points.
TEXT = re.compile(r'<!-- (.*?) -->\s*<g[^>]*? transform="[^"]*?scale\(([\d.]+) ', re.DOTALL)
WIDTH = re.compile(r'<svg [^>]*?width="([\d.]+)pt"', re.DOTALL)

THINGS = r"seeds|steps|times(?! \w)|epochs|classes|batches|boxes|panels|rows|columns|bars|histograms|heat maps|curves"
THINGS += "|dots|points|paths|images|stages|timelines|orders|pieces|cells|bytes|workers|devices|layers|samples|runs"
UNSIGNED = r"(?<![\w.])[-−]0(\.0*)?(?!\w|\.\d)"
LONG = r"\d\.\d{9,}"
IN_TEXTS = {
    "one of several things": rf"(?<![\w.,=×^<>≤≥+−-])(?<![=×^<>≤≥+−-] )1 ({THINGS})\b",
    "a way that leads nowhere": r"\bfrom ([-−]?\d\S*?) to \1(?!\w|%|\.\d)",
    "a zero with a sign": UNSIGNED,
    "too many digits": LONG,
    "no number": r"\b(nan|inf)\b",
    "a word twice": r"\b([A-Za-z]{2,}) \1\b",
    "nothing where something should be": r"[:;,] [:;,.]|\(\)|\.\.|[:;,]\s*$|(?<=\S)  ",
}
IN_PRINTS = {
    "one of several things": IN_TEXTS["one of several things"],
    "a zero with a sign": UNSIGNED,
    "too many digits": LONG,
    "a number in the clothes of an array": r"array\(\[+[^],[]*\]+",
}


def letters(figure: str) -> Iterator[tuple[str, float]]:
    """Each text of a figure, and the size of its letters on a phone, in pixels."""
    width = float(WIDTH.search(figure)[1])
    shrunk = min(POINT, ROOM / width)
    for text, scale in TEXT.findall(figure):
        yield text, 100 * float(scale) * shrunk


def slips(text: str, rules: dict[str, str]) -> list[str]:
    found = [(what, match) for what, rule in rules.items() for match in re.finditer(rule, text)]
    return [f"{what}: {text[max(0, match.start() - 40) : match.end() + 40]!r}" for what, match in found]


def cells(executed) -> Iterator[tuple[str, NotebookNode]]:
    for result in executed:
        for number, cell in enumerate(result.notebook.cells):
            if cell.cell_type == "code":
                yield f"{result.chapter.key}, cell {number}", cell


def figures(cell: NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        data = output.get("data", {})
        yield from (text for kind, text in data.items() if kind in ("image/svg+xml", "text/html") and "<svg" in text)


def alternative_texts(cell: NotebookNode) -> Iterator[str]:
    yield cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    for output in cell.outputs:
        yield output.get("metadata", {}).get("image/svg+xml", {}).get("alt", "")


def prints(cell: NotebookNode) -> Iterator[str]:
    """What a cell shows as text, but for code."""
    for output in cell.outputs:
        yield output.get("text", "")
        data = output.get("data", {})
        if "text/html" in data:
            yield BeautifulSoup(data["text/html"], "html.parser").get_text(" ")
        elif not {"image/svg+xml", "text/markdown"} & set(data):
            yield data.get("text/plain", "")


def test_letters_of_figures_can_be_read_on_a_phone(executed):
    shown = [(place, figure) for place, cell in cells(executed) for figure in figures(cell)]
    assert len(shown) > 2 * len(executed)
    assert all(list(letters(figure)) for place, figure in shown if "text_1" in figure)
    small = {place: min(letters(figure), key=lambda told: told[1]) for place, figure in shown if "text_1" in figure}
    assert {place: told for place, told in small.items() if told[1] < LEAST} == {}


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
def test_letters_of_drawings_can_be_read_on_a_phone(drawing):
    text = drawing.read_text()
    width = float(re.search(r'viewBox="0 0 ([\d.]+) ', text)[1])
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', text)]
    assert min(sizes) * ROOM / width >= LEAST


def test_alternative_texts_have_no_slips(executed):
    told = [(place, text) for place, cell in cells(executed) for text in alternative_texts(cell) if text]
    assert len(told) > 2 * len(executed)
    assert [(place, found) for place, text in told if (found := slips(text, IN_TEXTS))] == []


def test_prints_have_no_slips(executed):
    told = [(place, text) for place, cell in cells(executed) for text in prints(cell) if text]
    assert len(told) > 10 * len(executed)
    assert [(place, found) for place, text in told if (found := slips(text, IN_PRINTS))] == []


@pytest.mark.parametrize("points", [plots.SMALL, 10, 12])
def test_the_smallest_letters_of_the_widest_figure_are_large_enough(points):
    fig, ax = plots.axes(size=(WIDEST, 3))
    ax.set_axis_off()
    ax.text(0.5, 0.5, "words", fontsize=points)
    ((text, pixels),) = letters(fig.bundle()[0]["image/svg+xml"])
    assert text == "words"
    assert pixels == pytest.approx(points * ROOM / (72 * WIDEST), rel=1e-3)
    assert pixels >= LEAST


def test_too_small_letters_are_found_and_a_narrow_figure_is_not_enlarged():
    for width, points, small in ((6.4, 8, True), (9.6, 10, True), (3, 6, False), (3, 5, True)):
        fig, ax = plots.axes(size=(width, 3))
        ax.set_axis_off()
        ax.text(0.5, 0.5, "words", fontsize=points, rotation=90)
        ((_, pixels),) = letters(fig.bundle()[0]["image/svg+xml"])
        assert (pixels < LEAST) is small, (width, points)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("from 1.5 to 1.5 over 1 seeds", {"one of several things", "a way that leads nowhere"}),
        ("took 1 for 8, 1 times.", {"one of several things"}),
        ("from 10 to 10 of 10 classes", {"a way that leads nowhere"}),
        ("loss -0.00, then more", {"a zero with a sign"}),
        ("no factor from 1 to 1. At the end −0.0.", {"a way that leads nowhere", "a zero with a sign"}),
        ("a rate of 0.009999999999999998", {"too many digits"}),
        ("from 0.4 to nan", {"no number"}),
        ("it goes down down", {"a word twice"}),
        ("two curves: ; and one", {"nothing where something should be"}),
        ("two curves:", {"nothing where something should be"}),
        ("from 1 to 10, from 0.1 to 0.15, clipped to 1 times ten, momentum 0 0, 11 seeds, x-0, -0.03; a 0.", set()),
        ("from 0 back to 0, from wall to wall. The last one is 1 seed.", set()),
    ],
)
def test_slips_of_texts_are_found(text, what):
    assert {found.split(":")[0] for found in slips(text, IN_TEXTS)} == what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mean  -0.01  -0.00   0.03", {"a zero with a sign"}),
        ("(array([[0.]], dtype=float32), 1)", {"a number in the clothes of an array"}),
        ("1.7968241687322501", {"too many digits"}),
        ("array([7, 7, 7]) nan 2 seeds", set()),
    ],
)
def test_slips_of_prints_are_found(text, what):
    assert {found.split(":")[0] for found in slips(text, IN_PRINTS)} == what
