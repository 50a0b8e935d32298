"""The words of the trade: that the book's own page leads where its words are explained, and what is refused of any."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.site import BuildFailed, build
from gluonbook.book.words import FILE, Entry, markdown, problems, read
from small_books import SmallBook

BOOK = Book.here()
ENTRIES = read(BOOK.root)
NAMES = {name for entry in ENTRIES for name in entry.names}
MATH = re.compile(r"\$([^$]+)\$")
# Rows of the table of symbols that count something, or are a factor of many uses: they have no word.
NO_WORD = {"$d$, $i$", "$k$, $K$", "$n$, $N$", "$r^2$", "$f_0$, $f^*$", "$\\gamma$", "$\\rho$", "$v$"}
PAGE = "# Sums\n\nA *sum* is $s$.\n\n## One and one\n\nTwo summands.\n\n" + "Some words around them. " * 12
ADD = Entry("add", "Make a {term}`sum`.", where=("part/sums",))
SUM = Entry("sum", "What adding makes.", where=("part/sums § One and one",), also=("total",), symbol="s")


@pytest.fixture
def book(small_book: SmallBook) -> SmallBook:
    small_book.page("part/sums", PAGE)
    return small_book


def prose(text: str) -> str:
    """A page, or a part of one, without cells, formulas, stars and what only its links say."""
    without_cells = re.sub(r"^(`{3,})\{code-cell\}.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\{\w+(:\w+)?\}`[^`]*`|\$[^$]*\$", " ", without_cells).replace("*", "")


def section(page: Chapter, heading: str) -> str:
    """What stands under a heading, as far as the next one of its own rank."""
    found = re.search(rf"^(##+) {re.escape(heading)}$(.*?)(?=^\1 |^## |\Z)", page.text(), re.MULTILINE | re.DOTALL)
    return f"{heading}\n{found[2]}" if found else ""


def place(where: str) -> str:
    """The text of a place."""
    pages = {chapter.key: chapter for chapter in BOOK.chapters}
    key, _, heading = where.partition(" § ")
    return section(pages[key], heading) if heading else pages[key].text()


def test_the_books_own_is_in_order_and_each_link_of_it_leads_somewhere():
    assert problems(ENTRIES, BOOK) == []


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.where], ids=lambda entry: entry.term)
def test_a_word_stands_where_its_entry_leads(entry):
    for where in entry.where:
        text = prose(place(where)).lower()
        assert any(name.lower() in text for name in entry.names), where


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.symbol], ids=lambda entry: entry.term)
def test_a_symbol_stands_in_a_place_that_its_entry_leads_to(entry):
    assert any(entry.symbol in place(where) for where in entry.where)


def test_each_letter_of_the_table_of_symbols_has_its_word():
    rows = re.findall(r"^\| (\$[^|]+?) \|", place("signum/sgd_to_sign § Symbols").replace("\\|", ""), re.MULTILINE)
    written = {entry.symbol for entry in ENTRIES} | {found for entry in ENTRIES for found in MATH.findall(entry.says)}
    silent = [row for row in rows if not written & set(MATH.findall(row)) and row not in NO_WORD]
    assert len(rows) > 20
    assert silent == []


def test_every_link_to_a_word_of_the_page_is_to_one():
    """Sphinx asks no more, and asks only when all chapters have been executed."""
    for page in BOOK.pages:
        links = re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", page.text())
        assert [link for link in links if link not in NAMES] == [], page.name
        assert sorted(links) == sorted(set(links)), f"{page.name}: a word is a link where it comes first, and no more"


def test_the_first_page_and_the_first_part_lead_to_it():
    pages = {chapter.key: chapter.text() for chapter in BOOK.chapters}
    assert "{doc}`/chapters/back_matter/words`" in pages["intro"]
    assert sum("{term}`" in text for key, text in pages.items() if key.startswith("gluon/")) >= 3


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([SUM, ADD], "'add' comes before 'sum' in the alphabet"),
        ([ADD, SUM, replace(SUM, term="Total", also=())], "two entries are called 'total'"),
        ([ADD], "'add' names 'sum', which is no entry"),
        ([replace(ADD, says="Make sums."), SUM], "'add' uses 'sum' without a link to it"),
        ([replace(ADD, says="Make a Total."), SUM], "'add' uses 'total' without a link to it"),
        ([ADD, replace(SUM, where=("part/sum",))], "'sum': no page 'part/sum'"),
        (
            [ADD, replace(SUM, where=("part/sums § Two",))],
            "'sum': part/sums has 0 headings 'Two'; it must be one",
        ),
        ([ADD, SUM, Entry("summand", see="summary")], "'summand' names 'summary', which is no entry"),
        (
            [ADD, Entry("plus", see="summand"), SUM, Entry("summand", see="sum")],
            "'plus' sends to 'summand', which sends on",
        ),
    ],
)
def test_what_does_not_fit_is_named(book, entries, found):
    assert found in problems(entries, book.book)
    with pytest.raises(ValueError, match=re.escape(found)):
        markdown(entries, book.book)


@pytest.mark.parametrize("says", ["Make a {term}`total`.", "Make `sum` of $sum$.", "The {term}`whole <sum>` is a sum."])
def test_a_word_further_down_is_a_link_or_no_word(book, says):
    assert problems([replace(ADD, says=says), SUM], book.book) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"says": "Make a sum."},
        {"where": ("part/sums",)},
        {},
        {"see": "sum", "says": "Make a sum."},
        {"see": "sum", "symbol": "+"},
    ],
)
def test_an_entry_that_says_half_is_refused(entry):
    with pytest.raises(ValueError, match=r"^'add' "):
        Entry("add", **entry)


@pytest.mark.parametrize("text", ["[", "{}: 1", "- term: A", "- [1]", "3", "- {name: A}"])
def test_a_file_that_is_not_understood_is_named(small_book, text):
    small_book.write(FILE, text)
    with pytest.raises(ValueError, match=f"^{re.escape(FILE)}: "):
        read(small_book.root)


def test_an_entry_has_its_names_its_symbol_and_its_places(book):
    text = markdown([ADD, SUM, Entry("summand", see="sum")], book.book)
    assert text.startswith("4 words in 3 entries.\n")
    assert "\nadd\n  Make a {term}`sum`.\n\n  In {doc}`/chapters/part/sums`.\n" in text
    assert "\nsum\ntotal\n  What adding makes.\n\n  Symbol $s$. In {doc}`/chapters/part/sums`: [One and one](" in text
    assert "\nsummand\n  See {term}`sum`.\n" in text


def test_a_place_on_a_page_that_this_book_leaves_out_is_left_out(book):
    both = replace(ADD, where=("part/left", "part/sums"))
    only = replace(SUM, where=("part/left § One",), symbol="")
    with pytest.raises(ValueError, match="no page 'part/left'"):
        markdown([both, only], book.book)
    book.write("chapters/part/left.md", "# Left out\n")
    text = markdown([both, only], book.book)
    assert "In {doc}`/chapters/part/sums`." in text and "left" not in text
    assert text.endswith("sum\ntotal\n  What adding makes.\n````\n")


@pytest.mark.slow
def test_the_page_is_a_glossary_to_which_other_pages_lead(book, capfd):
    settings = book.root / "_config.yml"
    anchors = "sphinx_page], config: {myst_heading_anchors: 3}}"  # as in the book's own
    settings.write_text(settings.read_text().replace("sphinx_page]}", anchors))
    page = (BOOK.root / "chapters/back_matter/words.md").read_text(encoding="utf-8")
    book.page("back_matter/words", page)
    book.page("uses", "# Uses\n\n" + "Some words. " * 60 + "\n\nOf {term}`totals <total>`.\n")
    book.write(FILE, "- {term: add, says: 'Make a {term}`sum`.', where: [part/sums]}\n" + "- {term: sum, see: add}\n")
    with pytest.raises(BuildFailed):
        build(book.book)
    assert "total" in capfd.readouterr().err
    book.write(FILE, "- {term: sum, says: What adding makes., also: [total], where: ['part/sums § One and one']}\n")
    html = build(book.book).parent
    words = BeautifulSoup((html / "back_matter/words.html").read_text(), "html.parser")
    assert words.select_one("dt#term-total") and words.select_one("dd a[href='../part/sums.html#one-and-one']")
    uses = BeautifulSoup((html / "uses.html").read_text(), "html.parser")
    assert uses.select_one("article a[href='back_matter/words.html#term-total']").get_text() == "totals"
