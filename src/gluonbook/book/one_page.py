"""The whole site as one document, to be printed: a title page, the contents, the parts, and the solutions at the end.

It is put together from the pages that `site` has written, so that numbers, figures and results are those of the site.
Names that pages give to places are made unique, and every link between pages becomes a link inside the document.
"""

from __future__ import annotations

import html
import json
import os
import posixpath
import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import final
from urllib.parse import unquote, urlsplit

import matplotlib
from bs4 import BeautifulSoup, Tag

from gluonbook.book import slides
from gluonbook.book.chapters import Chapter, Part

# A machine may have no fonts at all, and the book should look the same everywhere: these come with matplotlib.
FONTS = {
    "Book Serif": "STIXGeneral{}.ttf",
    "Book Sans": "DejaVuSans{}.ttf",
    "Book Mono": "DejaVuSansMono{}.ttf",
}
_CUTS = {  # weight, style: how the files of either family are called
    ("normal", "normal"): ("", ""),
    ("normal", "italic"): ("Italic", "-Oblique"),
    ("bold", "normal"): ("Bol", "-Bold"),
    ("bold", "italic"): ("BolIta", "-BoldOblique"),
}
PAGE_OF = "data-page-of"  # an element that is to hold the number of the page on which the named place is printed
LEFT_OUT = ".headerlink, .gb-pdf, .gb-taken, a[download], #in-this-build"  # of no use on paper
SIGNS = {"✅": "✔"}  # what the fonts lack, and what they have instead
_DOCUMENT = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<title>{title}</title>
{head}
<style>
{style}
</style>
</head>
<body class="gb-print">
{body}
</body>
</html>
"""


@final
@dataclass(frozen=True)
class Imprint:
    """What stands on the title page; `lines` are HTML."""

    title: str
    author: str
    lines: tuple[str, ...] = ()


@final
@dataclass
class _Page:
    """A chapter on its way into the document."""

    chapter: Chapter
    part: str  # its title; none for the first page
    parsed: BeautifulSoup
    solutions: list[Tag] = field(default_factory=list)

    @property
    def article(self) -> Tag:
        return self.parsed.find("article")

    @property
    def slug(self) -> str:
        return _slug(self.chapter.name)

    @property
    def title(self) -> str:
        return self.article.find(class_="gb-h1").get_text()


def document(site: Path, folder: Path, parts: Iterable[Part], imprint: Imprint) -> str:
    """The document as HTML, for a file in `folder`, which takes styles, pictures and MathJax from `site`.

    Raises:
        ValueError: a link inside the book leads nowhere.
    """
    up = os.path.relpath(site, folder)
    pages = [_Page(chapter, part.title, _parse(site, chapter)) for part in parts for chapter in part.chapters]
    known = {page.chapter.name for page in pages}
    for page in pages:
        _clean(page)
        _name_places(page)
        _lead_links(page, known, up)
        _take_out_solutions(page)
    body = BeautifulSoup("".join(_body(pages, imprint, up)), "html.parser")
    places = {element["id"] for element in body.find_all(id=True)}
    nowhere = sorted({link["href"] for link in body.select("a[href^='#']")} - {f"#{place}" for place in places})
    if nowhere:
        raise ValueError("links of the book lead nowhere: " + ", ".join(nowhere))
    heads = [_running_head(page.slug, page.part, page.title) for page in pages]
    heads += [_running_head(f"solutions-{page.slug}", "Solutions", page.title) for page in pages if page.solutions]
    style = "\n".join([*_faces(), *heads])
    return _DOCUMENT.format(title=html.escape(imprint.title), head=_head(pages, up), style=style, body=body)


def _parse(site: Path, chapter: Chapter) -> BeautifulSoup:
    return BeautifulSoup((site / f"{chapter.name}.html").read_text(encoding="utf-8"), "html.parser")


def _slug(name: str) -> str:
    """A name that a PDF writes as it is."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def _clean(page: _Page) -> None:
    for mark in page.article.select(LEFT_OUT):
        before = mark.previous_sibling
        if isinstance(before, str) and before.endswith(" · "):
            before.replace_with(before.removesuffix(" · "))
        mark.decompose()
    for text in page.article.find_all(string=re.compile("|".join(SIGNS))):
        text.replace_with("".join(SIGNS.get(sign, sign) for sign in text))
    for hidden in page.article.find_all("details"):
        hidden["open"] = ""
    for image in page.article.select("a.image-reference"):  # leads to the picture that it shows
        image.unwrap()
    for figure in page.article.find_all("figure"):  # in a PDF, the picture in it is the figure that has the text
        figure.name = "div"
        figure["class"] = [*figure.get("class", ()), "gb-figure"]
    # The bookmarks are made of the headings: parts, chapters, sections.
    for heading in page.article.find_all(["h1", "h2", "h3", "h4", "h5"]):
        level = int(heading.name[1])
        heading["class"] = [*heading.get("class", ()), f"gb-h{level}"]
        heading.name = f"h{level + bool(page.part)}"


def _name_places(page: _Page) -> None:
    seen: set[str] = set()
    for element in page.article.find_all(id=True):
        place = f"{page.slug}--{_slug(element['id'])}"
        if place in seen:
            del element["id"]  # some directives give the same name twice; no link means the second
        else:
            seen.add(place)
            element["id"] = place
    page.article["id"] = page.slug


def _lead_links(page: _Page, known: set[str], up: str) -> None:
    """Links and pictures of one page, as they are to be in the document."""
    only_there: set[int] = set()  # cells that hold nothing but a link to what only the site has
    for image in page.article.find_all("img"):
        if not urlsplit(image["src"]).scheme:
            image["src"] = _from(page, image["src"], up)
    for link in page.article.find_all("a", href=True):
        address = urlsplit(link["href"])
        if address.scheme or address.netloc:
            continue
        path = posixpath.join(posixpath.dirname(page.chapter.name), unquote(address.path))
        target = posixpath.normpath(path).removesuffix(".html") if address.path else page.chapter.name
        if target not in known:
            cell = link.find_parent("td")
            if cell and cell.get_text(strip=True) == link.get_text(strip=True):
                only_there.add(id(cell))
            link.unwrap()
            continue
        fragment = _slug(unquote(address.fragment))
        place = _slug(target) + (f"--{fragment}" if fragment else "")
        link["href"] = f"#{place}"
        if _is_far(link, page, target):
            link.insert_after(BeautifulSoup(f'<span class="gb-far"> (p.\xa0{_page_of(place)})</span>', "html.parser"))
    for link in page.article.select("a.github"):  # which the theme has shortened
        link.string = link["href"]
    for table in page.article.find_all("table"):
        for head, *cells in zip(*(row.find_all(["th", "td"]) for row in table.find_all("tr"))):
            if cells and all(id(cell) in only_there for cell in cells):
                for cell in (head, *cells):
                    cell.decompose()


def _is_far(link: Tag, page: _Page, target: str) -> bool:
    """Whether it leads to another chapter, or from a solution back to it: on paper that is a page to look up.

    Not so a work that is cited, which the list of references has by its authors.
    """
    return not link.find_parent(class_="citation") and (
        link.find_parent(class_="solution") is not None
        if target == page.chapter.name
        else "bibliography" not in posixpath.basename(target)
    )


def _take_out_solutions(page: _Page) -> None:
    for solution in page.article.select(".solution"):
        link = f'<a href="#{solution["id"]}">Solution on page {_page_of(solution["id"])}</a>'
        solution.replace_with(BeautifulSoup(f'<p class="gb-to-solution">{link}</p>', "html.parser"))
        page.solutions.append(solution)


def _page_of(place: str) -> str:
    return f'<span class="gb-page" {PAGE_OF}="{html.escape(place)}">000</span>'


def _body(pages: list[_Page], imprint: Imprint, up: str) -> Iterable[str]:
    yield _title_page(imprint, up)
    yield _contents(pages)
    part = ""
    for page in pages:
        if page.part != part:
            part = page.part
            inside = _entries(other for other in pages if other.part == part)
            yield f'<section class="gb-part" id="part-{page.slug}"><h1>{html.escape(part)}</h1>\n{inside}</section>\n'
        article = copy(page.article)
        article["class"] = "gb-chapter"
        article["style"] = f"page: {page.slug}"
        yield str(article)
    if solved := [page for page in pages if page.solutions]:
        yield '<section class="gb-solutions" id="solutions">\n'
        for number, page in enumerate(solved):
            head = "" if number else '<h1 class="gb-h1">Solutions</h1>\n'
            head += f"<h2>{html.escape(page.title)}</h2>\n"
            solutions = "".join(map(str, page.solutions))
            yield f'<section style="page: solutions-{page.slug}">{head}{solutions}</section>\n'
        yield "</section>"


def _title_page(imprint: Imprint, up: str) -> str:
    lines = "\n".join(f"<p>{line}</p>" for line in imprint.lines)
    return (
        '<section class="gb-cover">\n'
        f'<img src="{html.escape(up)}/_static/logo.svg" alt="">\n'
        f'<p class="gb-booktitle">{html.escape(imprint.title)}</p>\n'
        f'<p class="gb-author">{html.escape(imprint.author)}</p>\n'
        f'<div class="gb-imprint">{lines}</div>\n</section>\n'
    )


def _contents(pages: list[_Page]) -> str:
    entries, part = [], ""
    for page in pages:
        if page.part != part:
            part = page.part
            entries.append(_entry(f"part-{page.slug}", part, "gb-of-part"))
        entries.append(_entry(page.slug, page.title, "" if part else "gb-of-part"))
    if any(page.solutions for page in pages):
        entries.append(_entry("solutions", "Solutions", "gb-of-part"))
    return f'<nav class="gb-contents"><h1 class="gb-h1">Contents</h1>\n<ul>{"".join(entries)}</ul></nav>\n'


def _entries(pages: Iterable[_Page]) -> str:
    return f'<ul class="gb-contents">{"".join(_entry(page.slug, page.title) for page in pages)}</ul>'


def _entry(place: str, title: str, kind: str = "") -> str:
    name = f'<span class="gb-name">{html.escape(title)}</span>'
    return f'<li class="{kind}"><a href="#{html.escape(place)}">{name}{_page_of(place)}</a></li>\n'


def _running_head(slug: str, part: str, title: str) -> str:
    # A string of JSON is one of CSS; in a page, it may not end the style sheet.
    left, right = (json.dumps(text, ensure_ascii=False).replace("<", r"\3c ") for text in (part, title))
    return f"@page {slug} {{ @top-left {{ content: {left}; }} @top-right {{ content: {right}; }} }}"


def _faces() -> list[str]:
    folder = Path(matplotlib.get_data_path(), "fonts/ttf")
    return [
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-style: {style}; '
        f'src: url("{(folder / file.format(names["DejaVu" in file])).as_uri()}"); }}'
        for family, file in FONTS.items()
        for (weight, style), names in _CUTS.items()
    ]


def _head(pages: list[_Page], up: str) -> str:
    """The styles, and MathJax with its settings where a page has formulas."""
    styles = [f'<link rel="stylesheet" href="{up}/_static/{name}.css">' for name in ("pygments", "print")]
    here, programs = next(((page, found) for page in pages if (found := slides.mathjax(page.parsed))), (None, []))
    for program in programs:
        if program.get("src"):
            program["src"] = _from(here, program["src"], up)
    return "\n".join(map(str, [*styles, *programs]))


def _from(page: _Page, address: str, up: str) -> str:
    """Where something lies that a page names, as seen from the document."""
    return posixpath.join(up, posixpath.normpath(posixpath.join(posixpath.dirname(page.chapter.name), address)))
