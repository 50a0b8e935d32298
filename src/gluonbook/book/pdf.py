"""The whole book as a PDF: the site's pages as one document, printed by the machine's own Chromium, and looked at.

It lies in the site, whose first page then offers it. No chapter is executed for it.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter

from gluonbook.book import one_page, site
from gluonbook.book.chapters import Book, Part
from gluonbook.book.executions import Executions
from gluonbook.book.one_page import PAGE_OF, Imprint
from gluonbook.machine import facts

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TEXT_WIDTH = 620  # CSS pixels: A4 less the margins of print.css
PRINTS = 4  # so often at most, until the page numbers that are printed are those of the printed pages

# Formulas, tables and code that are too wide become smaller, broad pictures larger. What is short stays whole, on the
# next page if need be: of three lines Chromium leaves one alone, whatever `widows` says. Returned is what runs off.
_FIT = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const room = (box, ...sides) =>
    sides.reduce((left, side) => left - parseFloat(getComputedStyle(box)[side]), box.clientWidth);
  const space = ({parentElement: box}) => room(box, "paddingRight");
  for (const formula of all("div.math mjx-container")) {
    const share = space(formula) / formula.querySelector("mjx-math").getBoundingClientRect().width;
    if (share < 1) formula.style.fontSize = `${100 * share * .99}%`;
  }
  for (const image of all(".gb-figure img"))
    image.classList.toggle("gb-broad", image.naturalWidth > 2.5 * image.naturalHeight);
  document.body.classList.add("gb-unwrapped");
  const shares = all("pre").map(code => {
    const longest = new Range();
    longest.selectNodeContents(code);
    return [code, room(code, "paddingLeft", "paddingRight") / longest.getBoundingClientRect().width];
  });
  document.body.classList.remove("gb-unwrapped");
  for (const [code, share] of shares)
    if (share < 1 && share > .75)
      code.style.fontSize = `${share * .99 * parseFloat(getComputedStyle(code).fontSize)}px`;
  for (const table of all("table")) {
    const share = space(table) / table.getBoundingClientRect().width;
    if (share < 1) table.style.fontSize = `${Math.max(.8, share) * 100}%`;
    if (table.getBoundingClientRect().width > space(table) + 1) table.style.overflowWrap = "anywhere";
  }
  for (const [kinds, height] of [["p, li", 80], ["pre, table, dd, .admonition", 320], [".solution", 480]])
    for (const box of all(kinds)) box.classList.toggle("gb-short", box.offsetHeight < height);
  for (const text of all("p:has(+ * pre)"))
    text.classList.toggle("gb-leads", !/[.?!)]$/.test(text.textContent.trim()));
  return all("body *")
    .filter(element => !element.closest("mjx-assistive-mml"))
    .filter(element => element.getBoundingClientRect().right > document.body.clientWidth + 1)
    .map(element => `runs off the page: ${element.textContent.trim().slice(0, 80)}`);
}"""
# For those who do not see it, a formula in a PDF is a figure whose text is its TeX. Its glyphs belong to no text of the
# document, and what holds none is left out of the PDF: a word joiner, which is not seen, stands in for them.
_DESCRIBE = """() => {
  for (const formula of window.MathJax ? MathJax.startup.document.math : []) {
    formula.typesetRoot.setAttribute("role", "img");
    formula.typesetRoot.setAttribute("aria-label", formula.math.trim());
    formula.typesetRoot.append("\\u2060");
  }
}"""
_BROKEN = """() => [
  ...[...document.images].filter(image => !image.naturalWidth).map(image => `is not shown: ${image.src}`),
  ...[...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map(error => `is no formula: ${error.textContent}`),
]"""
_NUMBER = """([name, pages]) => {
  for (const place of document.querySelectorAll(`[${name}]`)) place.textContent = pages[place.getAttribute(name)];
}"""


class NoBrowser(RuntimeError):
    """There is nothing to print with; the message says what to install."""


def browser() -> str:
    """The machine's Chromium, or Chrome.

    Raises:
        NoBrowser: neither is installed, or Playwright, which tells it what to do, does not run.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise NoBrowser(
            f"no browser here: none of {', '.join(BROWSERS)} is installed ('apt install chromium' brings one)"
        )
    if complaint := _complaint_of_playwright():
        raise NoBrowser(
            f"Playwright, which tells the browser what to do, does not run here: {complaint} "
            "('apt install libatomic1' brings what a small Debian lacks)"
        )
    return found


@cache
def _complaint_of_playwright() -> str:
    """The last line of what it says if it does not start; it is a program of its own, with libraries of the system."""
    tried = subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, encoding="utf-8")
    said = (tried.stderr or tried.stdout).strip().splitlines() or [f"exit status {tried.returncode}"]
    return said[-1] if tried.returncode else ""


def build(book: Book) -> Path:
    """Build the site where it is not fresh, print it, look at the result, offer it on the site's first page.

    Raises:
        NoBrowser: there is nothing to print with.
        BuildFailed: the site cannot be built; or something is missing in the PDF, runs off its pages, or leads nowhere.
    """
    browser()  # before anything takes its time
    first = site.build(book)
    with site.alone(book.built / ".lock"):
        settings = book.settings
        imprint = Imprint(settings["title"], settings.get("author", ""), tuple(_imprint(book)))
        file = book.built / "html" / f"{re.sub(r'[^a-z0-9]+', '-', imprint.title.lower()).strip('-')}.pdf"
        try:
            write(book.built / "html", book.built / "pdf", book.parts, imprint, file)
        except ValueError as error:
            raise site.BuildFailed(str(error)) from error
        _offer(first, file)
    return file


def write(html_folder: Path, folder: Path, parts: Iterable[Part], imprint: Imprint, file: Path) -> None:
    """Print the site of these parts in `html_folder` to `file`; what comes in between is left in `folder`.

    Raises:
        ValueError: something is missing, runs off the page, or leads nowhere; the message lists it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document, printed = folder / "book.html", folder / "book.pdf"
    document.write_text(one_page.document(html_folder, folder, parts, imprint), encoding="utf-8")
    with _opened(document) as page:
        _print(page, printed)
    writer = PdfWriter(printed, incremental=True)
    writer.add_metadata({"/Author": imprint.author})
    writer.write(printed)
    if problems := look_at(printed):
        raise ValueError("\n".join(problems))
    printed.replace(file)


def look_at(file: Path) -> list[str]:
    """What is wrong with a PDF's links: those that lead nowhere inside it, or to a file of this machine."""
    reader = PdfReader(file)
    places = set(reader.named_destinations)
    problems = []
    for number, page in enumerate(reader.pages, 1):
        for annotation in page.get("/Annots", ()):
            link = annotation.get_object()
            action = link.get("/A", {})
            address, place = action.get("/URI"), link.get("/Dest", action.get("/D"))
            if address is not None and not str(address).startswith(("https://", "http://", "mailto:")):
                problems.append(f"page {number}: a link leads to {address}")
            if isinstance(place, str) and place not in places:
                problems.append(f"page {number}: a link leads to {place}, which is nowhere")
    return problems


def pages_of(file: Path) -> dict[str, int]:
    """The number of the page on which each place lies that a link leads to."""
    reader = PdfReader(file)
    references = {number: page.indirect_reference for number, page in enumerate(reader.pages, 1)}
    numbers = {reference.idnum: number for number, reference in references.items() if reference}
    pages = {name.removeprefix("/"): place.page for name, place in reader.named_destinations.items()}
    return {name: numbers[page.idnum] for name, page in pages.items() if page}


@contextmanager
def _opened(document: Path) -> Iterator[Page]:
    """The document in a browser without a network, all of it loaded, its formulas set, fitted to the page."""
    problems: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser())
        page = chromium.new_page(offline=True, viewport={"width": TEXT_WIDTH, "height": 900})
        page.on("requestfailed", lambda request: problems.append(f"is not there: {request.url}"))
        page.on("pageerror", lambda error: problems.append(f"raises: {error}"))
        page.emulate_media(media="print", color_scheme="light")
        page.goto(document.as_uri())
        if page.locator(".math").count():
            page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
            page.evaluate("MathJax.startup.promise.then(() => null)")
        page.evaluate("document.fonts.ready.then(() => null)")
        page.evaluate(_DESCRIBE)
        problems += page.evaluate(_BROKEN) + page.evaluate(_FIT)
        if problems:
            raise ValueError("\n".join(dict.fromkeys(problems)))
        yield page
        chromium.close()


def _print(page: Page, file: Path) -> None:
    """Print until the page numbers of the contents are right: where a place lies is known only afterwards."""
    said: dict[str, int] = {}
    for _ in range(PRINTS):
        page.pdf(path=file, outline=True, tagged=True, prefer_css_page_size=True, print_background=True)
        pages = pages_of(file)
        if pages == said:
            return
        page.evaluate(_NUMBER, [PAGE_OF, pages])
        said = pages
    raise ValueError("the pages do not settle: printing the page numbers moves the places that they name")


def _imprint(book: Book) -> Iterator[str]:
    """When, where and from what the book was made."""
    results = Executions(book).fresh()
    if results:
        newest = max(results, key=lambda result: result.date)
        yield html.escape(
            f"Executed on {newest.date} in the {newest.profile} profile, on {newest.machine['cpu']} with "
            f"{newest.machine['cores']} cores, Python {newest.versions['python']}, MXNet {newest.versions['mxnet']}."
        )
    repository = book.settings.get("repository", {}).get("url")
    source = f'<a href="{html.escape(repository)}">{html.escape(repository)}</a>' if repository else ""
    yield f"Source: {', '.join(filter(None, [source, f'commit {facts.commit()}']))}."
    if book.settings.get("copyright"):
        yield html.escape(f"© {book.settings['copyright']}.")


def _offer(first: Path, file: Path) -> None:
    """A link to the PDF under the title of the site's first page."""
    size = f"{len(PdfReader(file).pages)} pages, {file.stat().st_size / 1e6:.0f} MB"
    up = "../" * len(first.relative_to(file.parent).parent.parts)
    line = f'<p class="gb-page-info gb-pdf"><a href="{up}{file.name}">The whole book as a PDF</a> ({size})</p>'
    text = re.sub(r'<p class="gb-page-info gb-pdf">.*?</p>', "", first.read_text(encoding="utf-8"))
    before, article, after = text.partition("<article")  # the theme has the title a second time, in its head
    after = re.sub(r'</h1>(<p class="gb-page-info">.*?</p>)?', lambda under: under[0] + line, after, count=1)
    first.write_text(before + article + after, encoding="utf-8")
