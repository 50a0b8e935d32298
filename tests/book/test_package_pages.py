"""The pages about the package: all that is offered, as Python itself knows it, and each link to a place that exists."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import griffe
import pytest
from bs4 import BeautifulSoup

from gluonbook.book import offered, package_pages
from gluonbook.book.chapters import Book
from gluonbook.book.offered import Entry, Offer
from gluonbook.book.site import BuildFailed, build
from gluonbook.book.uses import of_chapter
from sources import MODULES

BOOK = Book.here()
ROOMS = [
    name
    for name, file in MODULES.items()
    if file.name == "__init__.py" and "__all__" in file.read_text() and not name.startswith(offered.LEFT_OUT)
]


@pytest.fixture(scope="module")
def offer() -> Offer:
    return offered.of(BOOK)


@pytest.fixture(scope="module")
def texts(offer: Offer) -> dict[str, str]:
    return package_pages.markdown(offer, "https://example.org/blob/main")


def told(entry: Entry) -> object:
    """What Python finds under the name."""
    return getattr(importlib.import_module(entry.module), entry.short)


@pytest.mark.parametrize("room", ROOMS)
def test_all_that_a_room_offers_has_an_entry_that_says_what_it_is(room, offer):
    module = importlib.import_module(room)
    things = {name: getattr(module, name) for name in module.__all__}
    described = {name for name, thing in things.items() if not inspect.ismodule(thing)}
    entries = {entry.short: entry for entry in offer.members(room)}
    assert described <= set(entries)
    assert [name for name in described if len(offered.docstring(entries[name].thing)) < 10] == []
    assert {
        name for name, thing in things.items() if inspect.ismodule(thing) and f"{room}.{name}" in offer.modules
    } == {name for name, thing in things.items() if inspect.ismodule(thing)}


def test_every_function_is_shown_with_the_arguments_that_python_takes(offer):
    functions = [entry for entry in offer.entries.values() if isinstance(entry.thing, griffe.Function)]
    assert len(functions) > 100
    for entry in functions:
        taken = inspect.signature(inspect.unwrap(told(entry))).parameters.values()
        shown = list(entry.thing.parameters)
        assert [one.name for one in taken] == [one.name for one in shown], entry.name
        given = {one.name for one in taken if one.default is not inspect.Parameter.empty}
        assert given == {one.name for one in shown if one.default is not None and "variadic" not in one.kind.value}


def test_what_an_argument_is_by_default_needs_no_looking_up(texts):
    assert "{py:function} methods(count: int = 6, betas: Sequence[float] = (0.0, 0.5, 0.9, 0.99))" in texts["study"]
    assert "*, h: float = 1e-05)" in texts["theory"]
    assert "judge: Judge = matrices" in texts["crowd"]
    assert " = _" not in "".join(line for text in texts.values() for line in text.splitlines() if "{py:" in line)


def test_every_argument_that_is_described_can_be_given(offer):
    for entry in offer.entries.values():
        if not isinstance(entry.thing, griffe.Attribute) and entry.thing.docstring:
            taken = {one.name for one in entry.thing.parameters}
            for section in entry.thing.docstring.parsed:
                if section.kind is griffe.DocstringSectionKind.parameters:
                    assert {name for one in section.value for name in one.name.split(", ")} <= taken, entry.name


def test_what_a_module_has_for_itself_is_not_offered(offer):
    assert [name for name, entry in offer.entries.items() if entry.short.startswith("_")] == []


def test_every_class_is_what_python_finds_and_its_methods_are_there(offer):
    classes = [entry for entry in offer.entries.values() if isinstance(entry.thing, griffe.Class)]
    assert len(classes) > 80
    for entry in classes:
        assert told(entry).__name__ == entry.thing.name
        for name in entry.thing.members:
            assert name.startswith("_") or hasattr(told(entry), name) or entry.thing.members[name].is_attribute


def test_what_classes_are_made_from_is_there_too(offer):
    """`Forecaster`, say, which no chapter imports: it says what the arguments of the others are."""
    classes = [entry.thing for entry in offer.entries.values() if isinstance(entry.thing, griffe.Class)]
    made_from = {name for thing in classes for name in offered.bases(thing) if name.startswith("gluonbook.")}
    assert "gluonbook.forecast.Forecaster" in made_from
    assert [name for name in made_from if not offer.known(name)] == []


def test_what_any_chapter_takes_has_a_place(offer):
    for chapter in BOOK.running:
        for name in of_chapter(chapter.text()).names:
            left_out = name == "gluonbook" or name.startswith(offered.LEFT_OUT)
            room = offer.module(name) is not None  # one of which chapters take no more than what is offered elsewhere
            if not left_out and not room and exists(offer, name):  # a string may speak of what was never there
                assert offer.known(name), (chapter.name, name)
    taken = {name for name, _, _ in package_pages.taken(offer, named("signum/majority_vote"))}
    assert {"claims.claim", "kvstore.VoteStore", "plots.bars", "theory.costs.vote_sharded", "launch.run"} <= taken
    assert not any(name.startswith("exercises") for name in taken)


def exists(offer: Offer, name: str) -> bool:
    try:
        return bool(offer.package[name.removeprefix("gluonbook.")])
    except KeyError:
        return False


def named(key: str):
    return next(chapter for chapter in BOOK.running if chapter.key == key)


def test_each_page_says_formulas_errors_sources_and_where_the_code_is(texts):
    theory, stores, training = (texts[room] for room in ("theory", "kvstore", "training"))
    assert "```text\nv_{t+1} = β·v_t − η·λ·x_{t−τ},  x_{t+1} = x_t + v_{t+1}\n```" in theory
    assert "Raises:\n\n- `ValueError`: v is empty, all zeros, or not finite" in theory
    assert "[arXiv:1802.04434](https://arxiv.org/abs/1802.04434)" in theory
    assert "Arguments:\n\n- `momentum`: in [0, 1)" in stores
    assert "{py:method} is_capable(capability: str) -> bool" in stores  # which is static: there is no self to leave out
    assert "{py:exception} DatasetError" in texts["datasets"]
    assert "- `UserWarning`: a device has not used a parameter" in stores
    assert "It is a {py:obj}`Store <gluonbook.kvstore.Store>`." in stores
    assert "by the names of a PyTorch `state_dict`, in the order" in texts["modules"]  # no link to where one is
    assert "{py:obj}`checkpoint.clear(folder) <gluonbook.checkpoint.clear>`" in training
    assert "[`gluonbook/training/loop.py`](https://example.org/blob/main/src/gluonbook/training/loop.py)" in training
    for file in re.findall(r"blob/main/([^)]+)\)", "".join(texts.values())):
        assert (BOOK.root / file).is_file(), file


def test_no_page_is_empty_and_what_has_none_of_its_own_stands_with_the_single_modules(offer, texts):
    pages = {page.key.partition("/")[2] for page in BOOK.pages if page.folder == offered.FOLDER}
    assert pages == set(texts)
    without = Offer(offer.package, [], {"training", "modules"})
    assert set(without.pages) == {"training", "modules"}
    assert "gluonbook.gossip" in without.pages["modules"]


def test_of_these_pages_the_list_alone_is_printed():
    printed = [chapter.key for part in BOOK.parts for chapter in part.chapters]
    assert [key for key in printed if key.startswith("package/")] == ["package/index"]


CODE = '''"""Sums of vectors, and what is left of them."""

from gluonbook.sums.adding import Sum, total

__all__ = ["Sum", "total"]
'''
ADDING = '''"""Adding."""


def total(x: list[float], *, start: float = 0.0) -> float:
    """The sum of x, of shape (n,):

        s = start + Σ_i x_i

    `Sum` keeps it. Not *all*, and not x_1 or <x> for $2 or $3.

    Raises:
        ValueError: x is empty.
    """


class Sum:
    """A sum that grows.

    Args:
        start: what it begins with.
    """

    def __init__(self, start: float) -> None:
        self.start = start

    def add(self, x: float) -> None:
        """Add x to it, as `total` does."""


def _hidden() -> None:
    """Of no concern to others."""
'''


@pytest.fixture
def with_package(small_book) -> Callable[[str], None]:
    """The small book, with a package of one room, its pages, and a chapter with a cell."""

    def write(cell: str) -> None:
        for name, text in {"": '"""A package."""\n', "sums/": CODE}.items():
            small_book.write(f"src/gluonbook/{name}__init__.py", text)
        small_book.write("src/gluonbook/sums/adding.py", ADDING)
        settings = small_book.root / "_config.yml"
        settings.write_text(settings.read_text().replace("sphinx_page]", "sphinx_page, gluonbook.book.sphinx_package]"))
        small_book.notebook("adds", cell)
        for room in ("index", "sums"):
            filler = "Words of a page. " * 20
            text = f"{filler}\n\n```{{include}} ../../_build/generated/package/{room}.md\n```\n"
            small_book.write(f"chapters/package/{room}.md", f"# List\n\n{text}" if room == "index" else text)
        toc = small_book.root / "_toc.yml"
        below = "      - file: chapters/package/index\n        sections:\n          - file: chapters/package/sums\n"
        toc.write_text(toc.read_text() + below)

    return write


CELL = "if False:\n    from gluonbook.sums import total\n    total([1.0])"


def parsed(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.slow
def test_a_chapter_leads_to_what_it_takes_and_the_page_says_it_all(with_package, small_book):
    with_package(CELL)
    html = build(small_book.book).parent
    (foot,) = parsed(html / "adds.html").select(".gb-taken")
    assert foot.get_text() == "From the package: sums.total."
    assert foot.a["href"] == "package/sums.html#gluonbook.sums.total"
    page = parsed(html / "package/sums.html")
    entry = page.find(id=foot.a["href"].partition("#")[2]).parent
    assert "sums.total(x: list[float], *, start: float = 0.0) → float" in entry.dt.get_text()
    said = " ".join(entry.dd.get_text().split())
    assert "s = start + Σ_i x_i" in said and "ValueError: x is empty." in said
    assert "Not all, and not x_1 or <x> for $2 or $3." in said
    assert entry.dd.find("a", string="Sum")["href"] == "#gluonbook.sums.Sum"
    assert page.find(id="gluonbook.sums.Sum.add") is not None
    assert "_hidden" not in page.get_text()
    links = parsed(html / "package/index.html").select("article a[href]")
    assert "sums.html" in {link["href"] for link in links}


@pytest.mark.slow
def test_a_changed_docstring_is_a_changed_site(with_package, small_book):
    from gluonbook.book import site

    with_package(CELL)
    build(small_book.book)
    assert site.fresh(small_book.book)
    small_book.write("src/gluonbook/unused.py", '"""New."""\n')
    assert site.fresh(small_book.book) is None


@pytest.mark.slow
def test_a_page_without_a_room_fails_the_build(with_package, small_book):
    with_package(CELL)
    toc = small_book.root / "_toc.yml"
    toc.write_text(toc.read_text() + "          - file: chapters/package/rests\n")
    small_book.write("chapters/package/rests.md", "# Rests\n")
    with pytest.raises(BuildFailed, match=r"chapters/package/rests: the package has no such room"):
        build(small_book.book)
