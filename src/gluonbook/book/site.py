"""Build the site from the executed chapters, strictly, and look at what was written."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from jupyter_book.sphinx import build_sphinx
from jupyter_cache import get_cache

from gluonbook.book import claims_table, freshness
from gluonbook.book.chapters import chapters, root
from gluonbook.book.execute import Executed, cache_folder, execute

SHORTEST_PAGE = 200  # characters of text in a page's article; less than that is no page


class BuildFailed(RuntimeError):
    """The book cannot be built; the message lists every reason that was found."""


def build() -> Path:
    """Execute what is not fresh, write the site, check it; returns its first page.

    Raises:
        BuildFailed: a chapter fails or is unclean, Sphinx warns, or a page is not as it must be.
    """
    cache = cache_folder()  # once: a file that is edited meanwhile belongs to the next build
    results = execute(folder=cache)
    _refuse([f"{result.chapter.name}: {problem}" for result in results for problem in result.problems])
    build_folder = root() / "_build"
    html = build_folder / "html"
    stored = len(get_cache(cache).list_cache_records())
    _generate(build_folder / "generated", results)
    status = build_sphinx(
        sourcedir=str(root()),
        outputdir=str(html),
        noconfig=True,  # there is no conf.py: the settings are in _config.yml
        path_config=str(root() / "_config.yml"),
        confoverrides={
            "nb_execution_mode": "cache",
            "nb_execution_cache_path": str(cache),
            "gluonbook_generated": str(build_folder / "generated"),
            "gluonbook_tooling": freshness.tooling(root()),
            "latex_individualpages": False,  # jupyter-book wants to be told
        },
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if len(get_cache(cache).list_cache_records()) > stored:
        raise BuildFailed("Sphinx has executed a chapter by itself: it does not find what was executed before")
    if status:
        # Sphinx does not repeat the warnings of a page it has already read: the next build starts afresh.
        shutil.rmtree(build_folder / ".doctrees", ignore_errors=True)
        raise BuildFailed("Sphinx warns or fails; see its messages above")
    _write_notebooks(html, results)
    _refuse(look_at(html))
    return html / f"{chapters()[0].name}.html"


def look_at(html: Path) -> list[str]:
    """What is wrong with the written pages: missing, empty, images without a text, terminal codes in them."""
    problems = []
    for chapter in chapters():
        page = html / f"{chapter.name}.html"
        if not page.is_file():
            problems.append(f"{chapter.name}: no page was written")
            continue
        text = page.read_text()
        article = Article(text)
        if len(article.text) < SHORTEST_PAGE:
            problems.append(f"{chapter.name}: the page is empty ({len(article.text)} characters of text)")
        problems += [f"{chapter.name}: no alternative text for the image {image}" for image in article.without_alt]
        if match := re.search(r"\x1b|&#27;|\[\d+(;\d+)*m", text):
            problems.append(f"{chapter.name}: the page shows a terminal code: {match[0]!r}")
    return problems


def _generate(folder: Path, results: list[Executed]) -> None:
    """What pages take in from the executed chapters: the table of claims, and where and when each was executed."""
    folder.mkdir(parents=True, exist_ok=True)
    provenance = {result.chapter.name: result.provenance() for result in results}
    _write(folder / "claims.md", claims_table.markdown(claims_table.collect(results)))
    _write(folder / "executed.json", json.dumps(provenance, indent=1))


def _write(file: Path, text: str) -> None:
    """Leaves an unchanged file alone, so that Sphinx sees no news in it."""
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def _write_notebooks(html: Path, results: list[Executed]) -> None:
    """Beside each page its notebook, with outputs, for the page's download link."""
    for result in results:
        nbformat.write(result.notebook, html / f"{result.chapter.name}.ipynb")


def _refuse(problems: list[str]) -> None:
    if problems:
        raise BuildFailed("\n\n".join(problems))


class Article(HTMLParser):
    """What stands inside a page's <article>: its text, and its images that say nothing to those who do not see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.without_alt: list[str] = []
        self._depth = 0
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._depth += tag == "article"
        if self._depth and tag == "img":
            image = {name: value or "" for name, value in attrs}
            # Where nobody has said what an image shows, docutils says the name of its file.
            if re.fullmatch(r"\s*|.*\.(svg|png|jpe?g|gif)", image.get("alt", "")):
                self.without_alt.append(image.get("src", "?"))

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "article"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.text += data
