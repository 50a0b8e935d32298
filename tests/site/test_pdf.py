"""The book as a PDF: the small one, printed; of the real one, where it is fresh, the document that would be printed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from chromium import installed_browser
from fontTools.ttLib import TTFont
from kinds import NOTEBOOK
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from typer.testing import CliRunner

from gluonbook.book import pdf
from gluonbook.book.__main__ import app
from gluonbook.book.chapters import Book, Chapter, Part
from gluonbook.book.one_page import Imprint, document

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TITLE = "Gluon, One Bit at a Time"


def printed(work: Callable[[], Path]) -> Path:
    """In a thread of its own: in this one, the browser of other tests may be running already."""
    installed_browser()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


@pytest.fixture(scope="session")
def file(small_html: Path) -> Path:
    """The small book, built twice, as `make pdf` does when it is called again."""
    book = Book(small_html.parents[1])
    printed(lambda: pdf.build(book))
    return printed(lambda: pdf.build(book))


@pytest.fixture(scope="session")
def reader(file: Path) -> PdfReader:
    return PdfReader(file)


@pytest.fixture(scope="session")
def texts(reader: PdfReader) -> list[str]:
    """What each page says, without its spaces and line ends, which a PDF does not know."""
    return [squeezed(page.extract_text()) for page in reader.pages]


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def links(*pages: PageObject) -> list[DictionaryObject]:
    return [link.get_object() for page in pages for link in page.get("/Annots", ())]


def test_every_link_leads_to_a_place_in_it_or_to_another_site(file, reader):
    assert pdf.look_at(file) == []
    inside = [link["/Dest"] for link in links(*reader.pages) if "/Dest" in link]
    outside = {link["/A"]["/URI"] for link in links(*reader.pages) if "/A" in link}
    assert {"/chapters-kinds", "/chapters-kinds--equation-sign-step", "/chapters-kinds--two-bars"} <= set(inside)
    assert any(place.startswith("/chapters-back_matter-bibliography--") for place in inside)
    assert "https://github.com/gluon-one-bit/book" in outside


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"/Dest": NameObject("/gone")}, "a link leads to /gone, which is nowhere"),
        ({"/A": DictionaryObject({NameObject("/URI"): TextStringObject("file:///x.html")})}, "leads to file:///x.html"),
        ({"/A": DictionaryObject({NameObject("/URI"): TextStringObject("x.html")})}, "leads to x.html"),
    ],
)
def test_a_broken_link_is_found(file, tmp_path, change, problem):
    writer = PdfWriter(clone_from=file)
    number, link = next((n, link) for n, page in enumerate(writer.pages, 1) for link in links(page) if "/Dest" in link)
    del link["/Dest"]
    link.update({NameObject(name): value for name, value in change.items()})
    writer.write(tmp_path / "broken.pdf")
    (found,) = pdf.look_at(tmp_path / "broken.pdf")
    assert found.startswith(f"page {number}: ")
    assert found.endswith(problem)


def outline(entries: list) -> list:
    return [outline(entry) if isinstance(entry, list) else entry.title for entry in entries]


def test_bookmarks_nest_as_part_chapter_section(reader):
    versions = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    start, pages = ["The walk"], ["A page of each kind", ["Summary", "Exercises"], "Claims", "Changelog", versions]
    solutions = ["A page of each kind"]
    pages += ["Bibliography", ["How to cite this book"]]
    expected = ["Contents", "Start", start, "Pages", pages, "Solutions", solutions]
    assert outline(reader.outline) == expected


def test_bookmarks_and_contents_name_the_page_where_a_chapter_begins(reader, texts):
    (contents,) = (text for text in texts if text.startswith("2Contents"))
    chapters = reader.outline[4]
    for entry in (entry for entry in chapters if not isinstance(entry, list)):
        number = reader.get_destination_page_number(entry)
        assert squeezed(entry.title) in texts[number]
        assert f"{squeezed(entry.title)}{number + 1}" in contents


def test_every_page_but_the_first_has_its_number(reader):
    for number, page in enumerate(reader.pages, 1):
        head = page.extract_text().splitlines()[:2]  # what stands in the margins comes first
        assert (str(number) in head) == (number > 1), head


def test_long_lines_are_whole(texts):
    text = "".join(texts)
    (code,) = (line for line in NOTEBOOK.splitlines() if line.startswith("wide ="))
    assert len(code) > 100
    assert squeezed(code) in text
    assert squeezed("a long line of output " * 12) in text


def test_a_solution_is_printed_and_its_page_named(texts):
    text = "".join(texts)
    (at,) = (number for number, text in enumerate(texts, 1) if "andthissentencewashidden" in text)
    assert f"Solutiononpage{at}" in text
    assert "Solutiononpage000" not in text


def test_the_head_of_a_page_of_solutions_names_the_chapter_that_asks(reader, texts):
    (at,) = (number for number, text in enumerate(texts) if "andthissentencewashidden" in text)
    assert reader.pages[at].extract_text().splitlines()[0] == "Solutions A page of each kind"  # its margin comes first


def test_nothing_is_printed_that_only_a_screen_can_use(texts):
    text = "".join(texts)
    for what in ("(.ipynb)", "Copytoclipboard", "Ctrl+K", "Suggestedit", "undefined"):
        assert what not in text, what


def test_all_fonts_are_embedded(reader):
    seen = set()
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            font = font.get_object()
            seen.add(font.get("/BaseFont", font["/Subtype"]))
            if font["/Subtype"] != "/Type3":  # which consists of drawings
                (inner,) = font["/DescendantFonts"]
                assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(inner.get_object()["/FontDescriptor"])
    assert any("STIXGeneral" in name for name in seen)
    assert any("DejaVuSansMono" in name for name in seen)
    strange = {name for name in seen if not re.search("STIXGeneral|DejaVuSans|/Type3", name)}
    assert not strange, "a sign that the book's fonts lack is in whatever font this machine has"


def test_it_is_tagged_and_its_figures_have_their_texts(reader):
    top = reader.trailer["/Root"]
    assert top["/MarkInfo"]["/Marked"].value is True
    assert top["/Lang"] == "en"
    texts = [node.get("/Alt", "") for node in structure(top["/StructTreeRoot"]) if node["/S"] == "/Figure"]
    assert all(texts)
    assert any("2 horizontal bars in seconds" in text for text in texts)
    assert any("2 drones fly up and down" in text for text in texts), "the strip of a moving picture"
    assert any(r"\mathrm{sign}(g)" in text for text in texts), "formulas have their TeX"


def structure(node: DictionaryObject) -> Iterator[DictionaryObject]:
    children = node.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        child = child.get_object()
        if isinstance(child, DictionaryObject) and "/S" in child:
            yield child
            yield from structure(child)


def test_it_says_what_it_is(reader, texts):
    assert reader.metadata.title == TITLE
    assert reader.metadata.author == "The book's contributors"
    assert "inthequickprofile" in texts[0]
    assert "MXNet1.9.1" in texts[0]


def test_the_site_s_first_page_offers_it_once(file, small_html):
    page = small_html / "chapters/start.html"
    parsed = BeautifulSoup(page.read_text(), "html.parser")
    assert len(parsed.select(".gb-pdf")) == 1
    (link,) = parsed.select("article .gb-pdf a")
    assert (page.parent / link["href"]).resolve() == file.resolve()
    assert f"({len(PdfReader(file).pages)} pages, " in link.parent.text


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], Path]:
    """Print a book of one page with this in it."""
    parts = [Part("", (Chapter(name="start", path=tmp_path, runs=False),))]
    (tmp_path / "html/_static").mkdir(parents=True)
    # formulas that need not be set, for the page says that they are
    set_already = "<script>window.MathJax = {startup: {promise: Promise.resolve(), document: {math: []}}}</script>"
    for file in (ROOT / "chapters/_static/print.css", ROOT / "chapters/images/logo.svg"):
        shutil.copy(file, tmp_path / "html/_static")
    (tmp_path / "html/_static/pygments.css").touch()

    def write(body: str) -> Path:
        text = f"<article><h1 id='top'>Start</h1>{set_already}{body}</article>"
        (tmp_path / "html/start.html").write_text(text)
        target = tmp_path / "small.pdf"
        printed(lambda: pdf.write(tmp_path / "html", tmp_path / "pdf", parts, Imprint("T", "A"), target))
        return target

    return write


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<div style='width: 900px'>Wide words</div>", "runs off the page: Wide words"),
        ("<img src='gone.svg' alt='Gone'>", "is not shown: file:///.*gone.svg"),
        ("<p><a href='#gone'>lost</a></p>", "links of the book lead nowhere: #start--gone"),
    ],
)
def test_what_a_reader_would_miss_is_refused_and_no_pdf_is_left(page, tmp_path, body, problem):
    with pytest.raises(ValueError, match=problem):
        page(body)
    assert not (tmp_path / "small.pdf").exists()


def test_a_wide_table_is_made_to_fit(page):
    file = page("<table><tr>" + "<td>averylongword</td>" * 12 + "</tr></table>")
    assert squeezed(PdfReader(file).pages[-1].extract_text()).count("averylongword") == 12


def said(file: Path) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(file).pages]


def at(pages: list[str], word: str) -> list[int]:
    """The pages on which a word stands that ends with a number."""
    return [number for number, page in enumerate(pages) if re.search(rf"{word}(?!\d)", page)]


def test_a_formula_its_number_and_the_sentence_before_it_are_on_one_page(page):
    one = "<p>before{0}</p><div class='math' style='height: {1}px'><span class='eqno'>N{0}</span>{2}</div>"
    formula = "<mjx-container><mjx-math>formula{}</mjx-math></mjx-container>"
    pages = said(page("".join(one.format(n, 40 + n % 7, formula.format(n)) for n in range(60))))
    for n in range(60):
        assert at(pages, f"before{n}") == at(pages, f"formula{n}") == at(pages, f"N{n}"), n
        assert len(at(pages, f"N{n}")) == 1, n


@pytest.mark.parametrize(
    "box",
    [
        "<p>{1} {1}</p><p>begin{0} {1} end{0}</p>",
        "<ul><li>begin{0} {1} end{0}</li></ul>",
        "<dl><dt>begin{0}</dt><dd>{1} {1} {1} end{0}</dd></dl>",
        "<div class='admonition'><p>begin{0} {1}</p><p>{1} end{0}</p></div>",
    ],
)
def test_what_is_short_is_on_one_page(page, box):
    pages = said(page("".join(box.format(n, "word " * (33 + n % 3)) for n in range(90))))
    for n in range(90):
        assert at(pages, f"begin{n}") == at(pages, f"end{n}"), n


def test_a_long_table_leaves_no_row_alone(page):
    table = "<div style='height: {}px'></div><table><thead><tr><th>head</th></tr></thead><tbody>{}</tbody></table>"
    rows = ["".join(f"<tr><td>row{n}</td></tr>" for n in range(20 * k, 20 * k + 20)) for k in range(40)]
    pages = said(page("".join(table.format(37 * k % 400, rows[k]) for k in range(40))))
    for k in range(40):
        first, second, third, *_, last_but_two, last_but_one, last = (at(pages, f"row{20 * k + n}") for n in range(20))
        assert first == second == third, k
        assert last_but_two == last_but_one == last, k


def test_a_line_of_code_is_not_broken_where_smaller_letters_help(page):
    whole, longer = "x" * 40 + " = " + "y" * 70, "z" * 60 + " = " + "z" * 70
    lines = PdfReader(page(f"<pre>{whole}</pre><pre>{longer}</pre>")).pages[-1].extract_text().splitlines()
    assert whole in lines
    assert longer not in lines


def test_a_name_in_a_table_is_not_broken(page):
    cell = "<td><code>net.save_parameters(file)</code></td><td>" + "some words " * 9 + "</td>"
    lines = PdfReader(page(f"<table><tr>{cell * 2}</tr></table>")).pages[-1].extract_text().split()
    assert lines.count("net.save_parameters(file)") == 2


def test_a_bookmark_has_the_spaces_of_a_title_of_two_lines(page):
    title = "A title of so many words that no line on a page of this size can hold all of them"
    reader = PdfReader(page(f"<h2>{title}</h2>"))
    assert title in str(outline(reader.outline))


def test_without_a_browser_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(pdf.site, "build", lambda book: pytest.fail("this takes its time, and for nothing"))
    done = CliRunner().invoke(app, ["pdf"])
    assert done.exit_code == 1
    assert "none of chromium, " in done.output
    assert "'apt install chromium' brings one" in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_site_that_cannot_be_built_is_not_printed(monkeypatch):
    def fails(book: Book) -> Path:
        raise pdf.site.BuildFailed("a chapter raises")

    monkeypatch.setattr(pdf, "browser", lambda: "")
    monkeypatch.setattr(pdf.site, "build", fails)
    done = CliRunner().invoke(app, ["pdf"])
    assert done.exit_code == 1
    assert "The book was not printed:\n\na chapter raises" in done.output


@pytest.fixture(scope="module")
def whole(html, tmp_path_factory) -> tuple[Path, str]:
    """The folder of the whole book's document, and the document."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, document(html, folder, Book(html.parents[1]).parts, Imprint(TITLE, ""))


def test_the_fonts_of_the_whole_book_have_all_its_signs(whole):
    files = {unquote(urlsplit(address).path) for address in re.findall(r'url\("(file:[^"]+)"\)', whole[1])}
    known = set().union(*(TTFont(file).getBestCmap() for file in files))
    parsed = BeautifulSoup(whole[1], "html.parser")
    for other in parsed.select(".math, script, style"):
        other.decompose()
    assert {sign for sign in parsed.get_text() if not sign.isspace() and ord(sign) not in known} == set()


def test_the_document_of_the_whole_book_holds_every_page(html, whole):
    printed = Book(html.parents[1])
    parsed = BeautifulSoup(whole[1], "html.parser")
    names = [chapter.name.replace("/", "-") for chapter in printed.chapters]
    assert [article["id"] for article in parsed.select("article.gb-chapter")] == names
    for image in parsed.find_all("img"):
        assert image["src"].startswith("data:") or (whole[0] / image["src"]).is_file(), image["src"]
    hidden = sum((html / f"{c.name}.html").read_text().count('class="solution') for c in printed.chapters)
    assert len(parsed.select("#solutions .solution")) == len(parsed.select(".gb-to-solution")) == hidden > 0
