"""The document that is printed: every name is one of a kind, every link inside the book leads to one."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from gluonbook.book.chapters import Chapter, Part
from gluonbook.book.one_page import PAGE_OF, Imprint, document

PAGE = """<html><body><nav><button>Menu</button></nav><article class="bd-article">
<section id="same"><h1>{title}<a class="headerlink" href="#same">#</a></h1>
<p class="gb-page-info">Reads fast · <a href="x.ipynb" download>notebook (.ipynb)</a></p>
{body}</section></article></body></html>"""
IMPRINT = Imprint("A & B", "Somebody", ("Printed <code>here</code>.",))


class Site:
    """Pages written by hand, in the parts "One" and "Two"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: dict[str, list[Chapter]] = {"": [], "One": [], "Two": []}

    def page(self, part: str, name: str, body: str = "") -> None:
        file = self.folder / f"html/{name}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PAGE.format(title=f"The title of {Path(name).name}", body=body))
        self.parts[part].append(Chapter(name=name, path=file, runs=False))

    def document(self) -> BeautifulSoup:
        parts = [Part(caption, tuple(pages)) for caption, pages in self.parts.items()]
        text = document(self.folder / "html", self.folder / "pdf", parts, IMPRINT)
        return BeautifulSoup(text, "html.parser")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.page("", "chapters/start")
    return site


def test_links_between_pages_lead_to_the_place_that_they_mean(site):
    site.page(
        "One",
        "chapters/a/first",
        '<p><a href="../b/second.html#same">there</a> <a href="../b/second.html">page</a></p>',
    )
    site.page("Two", "chapters/b/second", '<p><a href="#same">here</a> <a href="../start.html#same">back</a></p>')
    parsed = site.document()
    titles = {
        link.text: parsed.find(id=link["href"][1:]).find(class_="gb-h1").text
        for link in parsed.select("article a[href]")
    }
    second, start = "The title of second", "The title of start"
    assert titles == {"there": second, "page": second, "here": second, "back": start}


def test_what_leads_to_another_chapter_names_its_page_on_paper(site):
    cited = '<div class="citation"><a href="b.html">back</a></div> <a href="bibliography.html#one">Somebody, 2026</a>'
    solution = '<div class="solution" id="s"><a href="#same">Exercise 1</a></div>'
    site.page("One", "chapters/a", f'<a href="b.html#same">far</a>, <a href="#same">near</a> {cited} {solution}')
    site.page("One", "chapters/b")
    site.page("One", "chapters/bibliography", '<p id="one"></p>')
    parsed = site.document()
    named = {link.text: link for link in parsed.select("a:has(+ .gb-far)")}
    assert set(named) == {"far", "Exercise 1"}
    page = named["far"].next_sibling.find(attrs={PAGE_OF: True})
    assert page[PAGE_OF] == named["far"]["href"][1:]
    assert "far (p.\xa0000), near" in parsed.find(id="chapters-a").text


def test_no_name_is_given_twice_not_even_by_one_page(site):
    site.page("One", "chapters/a", '<div id="twice"></div><div id="twice"></div><div id="a/b c"></div>')
    site.page("One", "chapters/b", '<div id="twice"></div>')
    names = [element["id"] for element in site.document().find_all(id=True)]
    assert len(names) == len(set(names))
    assert sum("twice" in name for name in names) == 2
    assert all(name.isascii() and not set(name) & set("/ %#") for name in names)  # a PDF would write them otherwise


@pytest.mark.parametrize("link", ["#gone", "start.html#gone"])
def test_a_link_that_leads_nowhere_is_refused_by_name(site, link):
    site.page("One", "chapters/a", f'<a href="{link}">lost</a>')
    with pytest.raises(ValueError, match=r"lead nowhere: #chapters-(a|start)--gone$"):
        site.document()


def test_links_elsewhere_stay_and_those_to_what_only_the_site_has_become_text(site):
    site.page("One", "chapters/a", '<a href="https://example.org/x">out</a> <a href="a.slides.html">slides</a>')
    article = site.document().find(id="chapters-a")
    assert [link["href"] for link in article.find_all("a")] == ["https://example.org/x"]
    assert "slides" in article.text


def test_a_column_of_what_only_the_site_has_is_left_out(site):
    rows = "".join(f"<tr><td>{n}</td><td><a href='{n}.slides.html'>slides</a></td><td>{n} s</td></tr>" for n in "ab")
    site.page("One", "chapters/a", f"<table><tr><th>of</th><th>slides</th><th>time</th></tr>{rows}</table>")
    table = site.document().find(id="chapters-a").find("table")
    assert [[cell.text for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")] == [
        ["of", "time"],
        ["a", "a s"],
        ["b", "b s"],
    ]


def test_a_sign_that_no_font_has_becomes_one_that_is_printed(site):
    site.page("One", "chapters/a", "<p>done: ✅</p>")
    assert "done: ✔" in site.document().text


def test_buttons_downloads_and_marks_beside_headings_are_left_out(site):
    site.page("One", "chapters/a")
    text = site.document().text
    assert "Menu" not in text
    assert "notebook" not in text
    assert "#" not in site.document().find("article").text
    assert "Reads fast\n" in text, "the dot before the download stays"


def test_headings_nest_as_part_chapter_section(site):
    site.page("One", "chapters/a", "<h2>A section</h2><h3>In it</h3>")
    site.page("Two", "chapters/b")
    headings = [(heading.name, heading.text) for heading in site.document().find_all(["h1", "h2", "h3", "h4"])]
    assert headings == [
        ("h1", "Contents"),
        ("h1", "The title of start"),
        ("h1", "One"),
        ("h2", "The title of a"),
        ("h3", "A section"),
        ("h4", "In it"),
        ("h1", "Two"),
        ("h2", "The title of b"),
    ]


def test_solutions_stand_at_the_end_and_each_is_named_where_it_was(site):
    solution = '<div class="solution dropdown" id="s"><p>Because.</p></div><p>After it.</p>'
    site.page("One", "chapters/a", solution)
    parsed = site.document()
    chapter = parsed.find(id="chapters-a")
    assert "Because." not in chapter.text
    link = chapter.find("a")
    assert link.text == "Solution on page 000"
    assert link.find(attrs={PAGE_OF: True})[PAGE_OF] == link["href"][1:]
    assert parsed.find(id=link["href"][1:]).text == "Because."
    assert parsed.find(id="solutions").find("h2").text == "The title of a"


def test_what_a_reader_would_have_to_open_is_open(site):
    site.page("One", "chapters/a", "<details><summary>More</summary>Text</details>")
    assert site.document().find("details").has_attr("open")


def test_pictures_are_taken_from_the_site_those_in_the_page_stay(site):
    site.page("One", "chapters/a", '<img src="../_images/p.svg" alt="P"><img src="data:image/png;base64,AA" alt="D">')
    pictures = [image["src"] for image in site.document().find("article", id="chapters-a").find_all("img")]
    assert pictures == ["../html/_images/p.svg", "data:image/png;base64,AA"]


def test_the_contents_name_every_part_and_page_and_ask_for_its_number(site):
    site.page("One", "chapters/a")
    entries = site.document().find("nav").find_all("a")
    assert [entry.find(class_="gb-name").text for entry in entries] == ["The title of start", "One", "The title of a"]
    assert [entry.find(class_="gb-page")[PAGE_OF] for entry in entries] == [entry["href"][1:] for entry in entries]


def test_the_title_page_says_what_it_is_told(site):
    cover = site.document().find(class_="gb-cover")
    assert "A & B" in cover.text
    assert "Somebody" in cover.text
    assert cover.find("code").text == "here"


def test_a_title_with_quotes_does_not_end_the_style_sheet(site):
    site.parts['Say "no" \\ </style>'] = []
    site.page('Say "no" \\ </style>', "chapters/a")
    style = site.document().find("style").text
    assert r'content: "Say \"no\" \\ ' in style
    assert style.rstrip().endswith("}")
