"""Build the site from the executed chapters, strictly, and look at what was written."""

from __future__ import annotations

import glob
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import nbformat
import yaml
from bs4 import BeautifulSoup

from gluonbook.book import (
    claims_table,
    concordance,
    exercises_list,
    freshness,
    notebooks,
    notes,
    offered,
    package_pages,
    slides,
    what_has_run,
    words,
    workshop_pages,
)
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.execute import execute
from gluonbook.book.executions import Executed, Executions, merged
from gluonbook.book.sphinx import build_sphinx
from gluonbook.storage import locks

# Of MathJax's 24 MB, what pages with TeX need: the rest reads other notations, or draws and speaks in other ways.
MATHJAX_KEPT = ("tex-chtml.js", "input/tex/extensions/*", "output/chtml/fonts/woff-v2/*")
TOC = "_toc.yml"  # with numbers before the captions of the parts that teach
SHORTEST_PAGE = 200  # characters of text in a page's article; less than that is no page


class BuildFailed(RuntimeError):
    """The book cannot be built; the message lists every reason that was found."""


def build(book: Book) -> Path:
    """Execute what is not fresh, write the site, check it; returns its first page.

    The site is written whole or not at all: Sphinx's own memory of what has changed does not see everything that a page
    shows (titles in the side bar, style sheets, outputs), and does not repeat its warnings.

    Raises:
        BuildFailed: a chapter fails or is unclean, Sphinx warns, or a page is not as it must be.
    """
    folder = book.built
    folder.mkdir(exist_ok=True)
    with alone(folder / ".lock"):
        results = execute(book)
        _refuse([f"{result.chapter.name}: {problem}" for result in results for problem in result.problems])
        stamp, html, state = folder / "site.stamp", folder / "html", _state(book, results)
        if not (stamp.exists() and stamp.read_text(encoding="utf-8") == state):
            stamp.unlink(missing_ok=True)
            _write_site(book, html, results)
            _refuse(look_at(html, book.pages))
            stamp.write_text(state, encoding="utf-8")
    return html / f"{book.chapters[0].name}.html"


def fresh(book: Book) -> Path | None:
    """The folder of the site, if it shows what `build` would write now; nothing is executed or written."""
    stamp = book.built / "site.stamp"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == _state(book, Executions(book).fresh()):
        return stamp.with_name("html")
    return None


def _state(book: Book, results: list[Executed]) -> str:
    outputs = [[result.outputs(), result.provenance()] for result in results]
    return freshness.digest(book.root, freshness.site_files(book.root), outputs)


def _write_site(book: Book, html: Path, results: list[Executed]) -> None:
    for old in (html, html.with_name(".doctrees"), html.with_name("jupyter_execute")):
        shutil.rmtree(old, ignore_errors=True)
    generated = html.with_name("generated")
    _generate(book, generated, results)
    folder = html.with_name("cache")
    cache = merged(results, folder)
    known = {record.pk for record in cache.list_cache_records()}
    status = build_sphinx(
        sourcedir=str(book.root),
        outputdir=str(html),
        noconfig=True,  # there is no conf.py: the settings are in _config.yml
        path_config=str(book.root / "_config.yml"),
        confoverrides={
            "nb_execution_mode": "cache",
            "nb_execution_cache_path": str(folder),
            # jupyter-book excludes what is in no table of contents, too, but looks for it with glob: not in "[1]".
            "include_patterns": [glob.escape(f"{page.name}.md") for page in book.pages],
            "gluonbook_generated": str(generated),
            "external_toc_path": str(generated / TOC),
            "latex_individualpages": False,  # jupyter-book wants to be told
        },
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    # What Sphinx has executed, nobody has looked at.
    unseen = [record.uri for record in cache.list_cache_records() if record.pk not in known]
    if unseen:
        changed = ", ".join(os.path.relpath(file, book.root) for file in unseen)
        raise BuildFailed(f"{changed} has changed while the book was being built: run this again")
    if status:
        raise BuildFailed("Sphinx warns or fails; see its messages above")
    _trim(html / "_static/mathjax", MATHJAX_KEPT)
    for result in results:  # beside each page its notebook, with outputs, for the page's download link
        nbformat.write(notebooks.with_results(result.notebook), html / f"{result.chapter.name}.ipynb")
    slides.write(book.chapters, html)


def _shows(book: Book, text: str) -> bool:
    """Whether a page includes a text that names chapters, and so is made only for a book that has them."""
    return any(f"generated/{text}.md" in page.text() for page in book.pages)


def _trim(folder: Path, kept: tuple[str, ...]) -> None:
    """Remove all files but those that the patterns name, and the folders that this empties."""
    keep = {file for pattern in kept for file in folder.glob(pattern)}
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies in a folder comes before it
        if path.is_file() and path not in keep:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def look_at(html: Path, chapters: Iterable[Chapter]) -> list[str]:
    """What is wrong with the written pages: missing, empty, images without a text, terminal codes in them."""
    problems = []
    for chapter in chapters:
        page = html / f"{chapter.name}.html"
        if not page.is_file():
            problems.append(f"{chapter.name}: no page was written")
            continue
        shown = page.read_text(encoding="utf-8")
        article = Article(shown)
        if len(article.text) < SHORTEST_PAGE:
            problems.append(f"{chapter.name}: the page is empty ({len(article.text)} characters of text)")
        problems += [f"{chapter.name}: no alternative text for the image {image}" for image in article.without_alt]
        if re.search(r"\x1b|&#27;", shown):
            problems.append(f"{chapter.name}: the page shows a terminal code")
    return problems


def _generate(book: Book, folder: Path, results: list[Executed]) -> None:
    """What Sphinx is given besides the pages: the texts that these include, the numbered parts, and provenance."""
    try:
        texts = {**dict(_texts(book, results)), **_of_the_package(book, folder)}
    except ValueError as error:
        raise BuildFailed(str(error)) from error
    for name, text in texts.items():
        file = folder / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    provenance = {result.chapter.name: result.provenance() for result in results}
    (folder / "executed.json").write_text(json.dumps(provenance, indent=1), encoding="utf-8")
    (folder / TOC).write_text(yaml.safe_dump(book.numbered_toc, sort_keys=False), encoding="utf-8")


def _texts(book: Book, results: list[Executed]) -> Iterator[tuple[str, str]]:
    """Each text that is made from the chapters, in MyST Markdown, by the name under which a page includes it."""
    claims = claims_table.collect(results)
    yield "claims", claims_table.markdown(claims, places=True)
    if _shows(book, "concordance"):
        ids = [claim.id for _, claim in claims]
        yield "concordance", concordance.markdown(concordance.read(book.root), book.chapters, ids)
    if _shows(book, "words"):
        yield "words", words.markdown(words.read(book.root), book)
    yield "instructor_notes", notes.markdown(book.parts)
    yield "checkpoints", workshop_pages.checkpoints(book.chapters, book.times)
    yield "what_has_run", what_has_run.markdown(book, book.outcomes)
    for day in book.agendas:
        yield f"agenda_{day.name}", workshop_pages.agenda(day, book.times)
    if _shows(book, "modules"):
        yield "modules", workshop_pages.modules(book.modules, book.chapters, book.times)
    for folder, text in exercises_list.markdown(book.chapters).items():
        yield f"exercises/{folder}", text


def _of_the_package(book: Book, folder: Path) -> dict[str, str]:
    """The texts of the pages on the package; where each chapter's names stand on them is written to the folder."""
    pages = {page.name for page in book.looked_up if page.folder == package_pages.FOLDER}
    if not pages:  # a book that has none
        return {}
    offer = offered.of(book)
    texts = package_pages.markdown(offer, book.sources)
    if empty := pages - {f"chapters/{package_pages.FOLDER}/{name}" for name in texts}:
        raise ValueError(f"_toc.yml: {', '.join(sorted(empty))}: the package has no such room, or offers nothing in it")
    folder.mkdir(parents=True, exist_ok=True)
    taken = {chapter.name: package_pages.taken(offer, chapter) for chapter in book.running}
    (folder / "taken.json").write_text(json.dumps(taken, indent=1), encoding="utf-8")
    return {f"{package_pages.FOLDER}/{name}": text for name, text in texts.items()}


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One build at a time: a second one says that it waits, and does."""

    def busy() -> None:
        print("another build is running here; waiting for it", flush=True)

    with locks.alone(lock, seconds=math.inf, busy=busy):
        yield


def _refuse(problems: list[str]) -> None:
    if problems:
        raise BuildFailed("\n\n".join(problems))


@final
class Article:
    """What stands inside a page's <article>: its text, and its images that say nothing to those who do not see them."""

    def __init__(self, page: str) -> None:
        parsed = BeautifulSoup(page, "html.parser")
        self.text = " ".join(" ".join(article.get_text() for article in parsed.select("article")).split())
        # Where nobody has said what an image shows, docutils says the name of its file.
        unsaid = re.compile(r"\s*|.*\.(svg|png|jpe?g|gif)")
        images = [image for image in parsed.select("article img") if unsaid.fullmatch(str(image.get("alt", "")))]
        self.without_alt = [str(image.get("src", "?")) for image in images]
