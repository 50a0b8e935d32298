"""The site that the browser tests look at, and the browser: the machine's own Chromium, or a word that it lacks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from chromium import installed_browser
from kinds import NOTEBOOK
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from seen import Seen

from gluonbook.book import site as book_site
from gluonbook.book.chapters import Book
from small_books import FRONT, SmallBook, unlinked

ROOT = Path(__file__).parents[2]
WALK = (ROOT / "chapters/intro.md").read_text().split("````{container} gb-walk\n")[1].split("````")[0]
START = f"""

````{{container}} gb-walk
{WALK}````

## The walk

```{{part-card}} chapters/kinds
:picture: two-bars
A page of *each* kind.
```

```{{parts}}
```
"""


@pytest.fixture(scope="session")
def html(request: pytest.FixtureRequest, book: Book) -> Path:
    """The folder of the real site where it is fresh; otherwise that of the small one."""
    return book_site.fresh(book) or request.getfixturevalue("small_html")


@pytest.fixture(scope="session")
def small_html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a book with one of each kind of thing, under the real book's settings, styles and scripts.

    Besides, one of its pages has moved, and its settings name a JupyterHub.
    """
    folder = tmp_path_factory.mktemp("book")
    small = SmallBook(folder)
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    settings["sphinx"]["config"]["redirects"] = {"chapters/moved": "start.html"}
    settings["launch_buttons"]["jupyterhub_url"] = "https://hub.example.org"
    small.write("_config.yml", yaml.safe_dump(settings))
    for name in ("CHANGELOG.md", "chapters/references.bib"):
        small.write(name, (ROOT / name).read_text())
    for name in ("_static", "_templates", "images"):
        shutil.copytree(ROOT / "chapters" / name, folder / "chapters" / name)
    small.page("start", "# Start\n\n" + "What this small book is about. " * 8 + START)
    small.page("kinds", FRONT + NOTEBOOK)
    small.page("claims", "# Claims\n\n```{include} ../_build/generated/claims.md\n```\n\n" + "Words. " * 60)
    for name in ("changelog", "bibliography"):
        small.page(f"back_matter/{name}", unlinked((ROOT / f"chapters/back_matter/{name}.md").read_text(), ()))
    return book_site.build(small.book).parents[1]


@pytest.fixture(scope="session")
def pages(html: Path) -> dict[Path, Seen]:
    """Every page of the site, parsed; not those that lead to another one at once."""
    return {file: seen for file, seen in _all_pages(html).items() if not seen.leads_to}


@pytest.fixture(scope="session")
def signposts(html: Path) -> dict[Path, str]:
    """The pages that lead to another one at once, and where to."""
    return {file: seen.leads_to for file, seen in _all_pages(html).items() if seen.leads_to}


def _all_pages(html: Path) -> dict[Path, Seen]:
    return {file: Seen(file) for file in sorted(html.rglob("*.html")) if "_static" not in file.relative_to(html).parts}


@pytest.fixture(scope="package")
def browser(html: Path, small_html: Path) -> Iterator[Browser]:
    # It asks for the sites, so that no chapter runs inside Playwright's loop.
    found = installed_browser()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found)
        yield chromium
        chromium.close()


@dataclass
class Visitor:
    """A reader's browser without a network, which notes what goes wrong and what would have left the site."""

    context: BrowserContext
    page: Page
    site: Path
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, browser: Browser, site: Path, **options: object) -> Visitor:
        context = browser.new_context(offline=True, **options)
        visitor = cls(context, context.new_page(), site)
        context.on("request", visitor._look_at_request)
        context.on("requestfailed", lambda request: visitor.complain(f"failed: {request.url}"))
        visitor.page.on("console", visitor._look_at_message)
        visitor.page.on("pageerror", lambda error: visitor.complain(f"raised: {error}"))
        return visitor

    def go(self, page: Path, query: str = "") -> Page:
        self.page.goto(page.as_uri() + query)
        if self.page.locator(".math").count():
            self.page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
            self.page.evaluate("MathJax.startup.promise.then(() => document.fonts.ready).then(() => null)")
        return self.page

    def complain(self, about: str) -> None:
        self.complaints.append(f"{self.page.url}: {about}")

    def _look_at_request(self, request: Request) -> None:
        if not request.url.startswith((self.site.as_uri(), "data:", "blob:")):
            self.complain(f"leaves the site: {request.url}")

    def _look_at_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complain(f"says: {message.text}")


@pytest.fixture
def visitor(browser: Browser, html: Path) -> Iterator[Visitor]:
    """A reader with a wide window, in light mode; at the end nothing may have gone wrong or have left the site."""
    yield from _visit(browser, html)


@pytest.fixture
def small_visitor(browser: Browser, small_html: Path) -> Iterator[Visitor]:
    """Such a reader of the small site."""
    yield from _visit(browser, small_html)


def _visit(browser: Browser, site: Path) -> Iterator[Visitor]:
    someone = Visitor.of(browser, site, viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield someone
    someone.context.close()
    assert not someone.complaints
