"""Slides of a chapter, made from its page: nothing is written twice, and nothing is fetched from a network.

What a chapter marks becomes a slide each, in its order: the box at its beginning, numbered equations and figures,
questions that begin with **Predict**, cells tagged `slide`, the summary, and the exercises. The slides lie beside the
page and use its style sheets, its images and its MathJax.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from copy import copy
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from gluonbook.book.chapters import Chapter

SUFFIX = ".slides.html"
_STYLES = ("theme", "pygments", "mystnb", "sphinx-book-theme", "pydata-sphinx-theme", "exercise", "proof", "book")
_PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light" data-mode="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
<link href="{up}_static/slides.css" rel="stylesheet">
<script defer src="{up}_static/formulas.js"></script>
<script defer src="{up}_static/slides.js"></script>
</head>
<body class="gb-slides">
<main class="tex2jax_ignore mathjax_ignore">
{slides}
</main>
</body>
</html>
"""


def has_slides(chapter: Chapter) -> bool:
    """Whether it is a chapter to teach from: one with cells and a summary."""
    return chapter.runs and "\n## Summary\n" in chapter.text()


def write(chapters: Iterable[Chapter], site: Path) -> list[Path]:
    """Write the slides of each chapter beside its page in `site`; returns the files."""
    files = []
    for chapter in filter(has_slides, chapters):
        file = site / f"{chapter.name}{SUFFIX}"
        page = (site / f"{chapter.name}.html").read_text(encoding="utf-8")
        file.write_text(slides(page, file.name.replace(SUFFIX, ".html"), chapter.name.count("/")), encoding="utf-8")
        files.append(file)
    return files


def slides(page: str, name: str, depth: int) -> str:
    """The slides of the page `name`, which lies so many folders below the root of the site."""
    parsed = BeautifulSoup(page, "html.parser")
    article = parsed.find("article")
    for mark in article.select(".headerlink, .gb-page-info"):
        mark.decompose()
    for link in article.select("a[href^='#']"):  # what it leads to may be on no slide
        link["href"] = name + link["href"]
    title = article.find("h1").get_text()
    shown = [_slide(heading, parts) for heading, parts in _marked(article, title, name)]
    numbered = [slide.format(number=number, of=len(shown)) for number, slide in enumerate(shown, 1)]
    return _PAGE.format(title=html.escape(title), head=_head(parsed), slides="\n".join(numbered), up="../" * depth)


def _marked(article: Tag, title: str, name: str) -> list[tuple[str, list[Tag]]]:
    """Each slide's heading, as text, and what it shows."""
    found: list[tuple[str, list[Tag]]] = []
    link = BeautifulSoup(f'<p class="gb-page"><a href="{html.escape(name)}">The chapter</a></p>', "html.parser").p
    for element in article.find_all(True):
        section = element.find_parent("section")
        if section is None or element.find_parent(class_="solution"):
            continue
        heading = section.find(["h2", "h3"], recursive=False)
        above = heading.get_text() if heading else title
        if _is_marked(element):
            first = [link] if not found else []
            found.append((above, [copy(element), *first]))
    return found


def _is_marked(element: Tag) -> bool:
    classes = set(element.get("class", ()))
    if "admonition" in classes:
        box = element.find(class_="admonition-title")
        return "exercise" in classes or (box is not None and box.get_text() == "What you will be able to do")
    if element.find_parent(class_="admonition") or element.find_parent(class_="tag_slide"):
        return False
    if "tag_slide" in classes or element.name == "figure":
        return True
    if "math" in classes:
        return element.find(class_="eqno") is not None
    if element.name == "ul":
        return element.parent.get("id", "").startswith("summary")
    question = element.find("strong") if element.name == "p" else None
    return question is not None and question.get_text().startswith("Predict")


def _slide(heading: str, parts: list[Tag]) -> str:
    inside = "".join(map(str, parts)).replace("{", "{{").replace("}", "}}")
    above = html.escape(heading).replace("{", "{{").replace("}", "}}")
    return (
        f'<section class="gb-slide" id="slide-{{number}}" tabindex="-1" aria-label="Slide {{number}} of {{of}}">\n'
        f"<h2>{above}</h2>\n{inside}\n"
        '<p class="gb-number">{number} / {of}</p>\n</section>'
    )


def _head(page: BeautifulSoup) -> str:
    """The page's own styles, and its MathJax with the settings; none of the theme's programs."""
    styles = [
        link
        for link in page.head.find_all("link", rel="stylesheet")
        if Path(link["href"].split("?")[0]).name.startswith(_STYLES)
    ]
    return "\n".join(map(str, [*styles, *mathjax(page)]))


def mathjax(page: BeautifulSoup) -> list[Tag]:
    """The scripts of a page that set its formulas: MathJax, and the settings for it."""
    return [
        script
        for script in page.find_all("script")
        if "mathjax" in script.get("src", "").lower() or "window.MathJax" in script.text
    ]
