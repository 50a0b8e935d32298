"""What can be said of the site without a browser: links that resolve, notebooks that run, settings in one place."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from subprocess import run
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from seen import Seen

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text())


def broken(page: Path, link: str, pages) -> bool:
    """Whether a link points at a file, or at a place in one, that does not exist; links to other sites never do."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
    if not target.is_file():
        return True
    return target in pages and bool(parts.fragment) and unquote(parts.fragment) not in pages[target].names


def test_links_inside_the_site_resolve(pages):
    assert not [(page.name, link) for page, seen in pages.items() for link in seen.links if broken(page, link, pages)]


def test_pages_that_lead_on_lead_to_a_page(signposts, html):
    assert html / "index.html" in signposts
    for file, target in signposts.items():
        assert (file.parent / target).is_file(), target


@pytest.mark.parametrize("link", ["nowhere.html", "kinds.html#nowhere", "#nowhere", "../kinds.html"])
def test_a_broken_link_is_found(link, pages, html):
    page = next(file for file in pages if file.parent == html / "chapters")
    names = {file.stem: file for file in pages}
    if "kinds" not in names:
        link = link.replace("kinds", "intro")
    assert broken(page, link, pages)
    assert not broken(page, page.name, pages)


def test_no_page_takes_a_script_a_style_or_a_font_from_elsewhere(html):
    for file in [*html.rglob("*.html"), *html.rglob("*.css")]:
        text = file.read_text()
        for pattern in ('src="http', 'src="//', "url(http", "url(//", '@import "http', "unpkg.com", "cdn."):
            assert pattern not in text, (file.name, pattern)


def test_downloads_are_valid_notebooks(html, pages):
    downloads = sorted({link for seen in pages.values() for link in seen.links if link.endswith(".ipynb")})
    assert downloads
    for file in html.rglob("*.ipynb"):
        nbformat.validate(nbformat.read(file, as_version=4))


def test_a_download_executes_anywhere(html, tmp_path):
    files = [file for file in html.rglob("*.ipynb") if "_sources" not in file.parts]
    notebooks = [nbformat.read(file, as_version=4) for file in files]
    shortest = min(notebooks, key=lambda notebook: sum(cell.cell_type == "code" for cell in notebook.cells))
    for cell in shortest.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(shortest, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any(cell.get("outputs") for cell in shortest.cells)


def test_mathjax_is_trimmed_to_what_pages_use(html):
    folder = html / "_static/mathjax"
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert (folder / "tex-chtml.js").is_file()
    assert size < 3e6
    assert {path.name for path in folder.iterdir()} == {"tex-chtml.js", "input", "output"}


def test_buttons_lead_to_the_repository_that_the_settings_name(pages):
    repository = SETTINGS["repository"]
    address, branch = repository["url"], repository["branch"]
    launched = [seen for seen in pages.values() if any("mybinder.org" in link for link in seen.links)]
    assert launched
    for seen in launched:
        (edit,) = {link for link in seen.links if "/edit/" in link}
        assert edit.startswith(f"{address}/edit/{branch}/chapters/")
        assert any(link.startswith(f"{address}/issues/new") for link in seen.links)
        (binder,) = {link for link in seen.links if "mybinder.org" in link}
        assert f"{address.split('github.com/')[1]}/{branch}?urlpath=lab/tree/chapters/" in binder


def test_the_repository_s_address_stands_in_one_place():
    address = SETTINGS["repository"]["url"]
    sources = [ROOT / "_toc.yml", *(ROOT / "chapters").rglob("*.md"), *(ROOT / "src").rglob("*.py")]
    assert not [file.name for file in sources if address in file.read_text()]


def test_a_hub_of_one_s_own_gets_a_button(small_html):
    (hub,) = {link for link in Seen(small_html / "chapters/kinds.html").links if "hub.example.org" in link}
    assert "/hub/user-redirect/git-pull?repo=" in hub
    assert "chapters/kinds.md" in hub


def test_moved_pages_still_lead_somewhere(pages, html):
    chapters = {entry["file"] for part in toc()["parts"] for entry in part["chapters"]} | {toc()["root"]}
    for old, new in SETTINGS["sphinx"]["config"]["redirects"].items():
        assert old not in chapters
        assert os.path.normpath(Path(old).parent / new).removesuffix(".html") in chapters


def toc() -> dict:
    return yaml.safe_load((ROOT / "_toc.yml").read_text())


def test_the_first_page_lists_all_parts_and_chapters_with_minutes(pages, html):
    first = next(page for page in pages if page.name in ("intro.html", "start.html"))
    parsed = BeautifulSoup(first.read_text(), "html.parser")
    walk = " ".join(place.get_text() for place in parsed.select(".gb-card, .gb-parts:not(.gb-card *)"))
    listed = {link.split("#")[0] for page, seen in pages.items() if page == first for link in seen.links}
    own = (page for page in pages if first.parent in page.parents and not page.name.endswith(".slides.html"))
    others = {str(page.relative_to(first.parent)) for page in own} - {first.name}
    assert others <= listed
    looked_up = {page for page in others if page.startswith("package/") and page != "package/index.html"}
    assert walk.count("reads in") + walk.count("to look things up in") > len(others - looked_up)
    assert not any(page in walk for page in looked_up)
    assert "runs in" in walk


def test_the_changelog_is_a_page(pages):
    (page,) = (page for page in pages if page.name == "changelog.html")
    title, _, sentence, *_ = (ROOT / "CHANGELOG.md").read_text().splitlines()
    parsed = BeautifulSoup(page.read_text(), "html.parser")
    assert title == f"# {parsed.select_one('article h1').find(string=True)}"
    assert sentence in parsed.select_one("article").get_text()


def test_the_site_is_published_as_make_builds_it_with_the_pdf():
    workflow = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())
    assert workflow[True] == {"push": {"branches": [SETTINGS["repository"]["branch"]]}, "workflow_dispatch": None}
    steps = workflow["jobs"]["build"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make book", "make pdf"]
    (upload,) = (step for step in steps if "upload-pages-artifact" in step.get("uses", ""))
    assert upload["with"]["path"] == "_build/html"
    assert workflow["jobs"]["publish"]["needs"] == "build"
    assert workflow["jobs"]["publish"]["permissions"] == {"pages": "write", "id-token": "write"}


def test_binder_installs_the_lock():
    """As `make setup` does: the lock as it stands, since packages ask for others that it leaves out on purpose."""
    assert (ROOT / ".binder/runtime.txt").read_text().strip() == "python-3.11"
    assert not (ROOT / ".binder/requirements.txt").exists()  # Binder would install it, and what it asks for
    script = ROOT / ".binder/postBuild"
    assert script.stat().st_mode & 0o111
    install, *_ = (line for line in script.read_text().splitlines() if line.startswith("pip install"))
    told = run([sys.executable, "-m", *install.split(), "--dry-run", "--no-index"], cwd=ROOT, capture_output=True)
    assert not told.returncode, told.stderr.decode()
