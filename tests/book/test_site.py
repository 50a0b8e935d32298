"""The strict build: what is wrong with a page fails it, and fails it again the next time."""

from __future__ import annotations

import json
import re
import shutil
import weakref

import nbformat
import pytest
from bs4 import BeautifulSoup
from docutils import nodes, utils
from typer.testing import CliRunner

from cells import rows
from gluonbook.book import outcomes, site
from gluonbook.book.__main__ import app
from gluonbook.book.outcomes import Outcome
from gluonbook.book.site import Article, BuildFailed, build, look_at
from gluonbook.book.sphinx_page import LookedUp, as_list_of_parameters, words_to_read

pytestmark = pytest.mark.slow

CLAIM = """
    from gluonbook.claims import claim
    claim("two", "Two is more than one", 2, "> 1")
"""
FIGURE = """
    from gluonbook import plots
    plots.bars({"a": 1.0, "b": 2.0}, xlabel="seconds")
"""


def test_a_report_says_what_ran_and_what_did_not(small_checkout):
    small_checkout.notebook("measured", CLAIM)
    assert CliRunner().invoke(app, ["report"]).exit_code == 0
    report = (small_checkout.root / "_build/report-quick.md").read_text()
    assert "0 of 1 chapters have results" in report
    assert ["chapters/measured", "no result", "", "", "not yet run"] in rows(report)
    build(small_checkout.book)
    CliRunner().invoke(app, ["report"])
    report = (small_checkout.root / "_build/report-quick.md").read_text()
    assert "1 of 1 chapters have results, in the profile quick" in report
    assert "- devices: cpu(0)" in report and ["two", "2", "chapters/measured"] in rows(report)


def test_what_folds_the_pages_under_a_page_has_a_name(small_book):
    for name in ("outer", "inner"):
        small_book.page(name, f"# The {name} page\n\n" + "Words that make a page of it. " * 10)
    nested = "      - file: chapters/outer\n        sections:\n          - file: chapters/inner\n"
    small_book.write(
        "_toc.yml",
        f"format: jb-book\nroot: chapters/start\nparts:\n  - caption: Pages\n    chapters:\n{nested}",
    )
    page = BeautifulSoup(build(small_book.book).read_text(), "html.parser")
    assert [fold["aria-label"] for fold in page.select("nav summary")] == ["Pages under The outer page"]


def test_the_parameters_of_a_long_signature_are_a_list_and_no_definitions():
    term = "<dl><dt>term</dt><dd>its definition</dd></dl>"
    one, other = ('<dd{}><em class="sig-param">' + name + "</em>,</dd>\n" for name in "ab")
    body = term + "<dt>f(<dl>\n" + one.format("") + other.format("") + "</dl>)</dt>" + term
    role = ' role="listitem"'
    listed = term + '<dt>f(<dl role="list">\n' + one.format(role) + other.format(role) + "</dl>)</dt>" + term
    assert as_list_of_parameters(body) == listed


def test_pages_carry_outputs_claims_alternative_texts_and_notebooks(small_book):
    small_book.notebook("measured", CLAIM, FIGURE)
    machine = {"os": "Some Linux", "cpu": "Some CPU", "cores": 2, "memory": 8.0, "gpus": []}
    told = Outcome(
        "chapters/measured", "full", machine, "2026-01-01", "c0ffee", "aa", seconds=9.0, stopped="a <b> | *c*"
    )
    outcomes.keep(small_book.root, [told], {"chapters/measured"})
    small_book.page("ran", "# Ran\n\n```{include} ../_build/generated/what_has_run.md\n```\n\n" + "Words. " * 60)
    small_book.page("table", "# Claims\n\n```{include} ../_build/generated/claims.md\n```\n\n" + "Words. " * 60)
    page = build(small_book.book)
    assert page == small_book.root / "_build/html/chapters/start.html"
    html = page.parent
    measured = (html / "measured.html").read_text()
    assert "Two is more than one" in measured
    assert "2 horizontal bars in seconds: a 1, b 2. The longest is b." in measured
    assert "quick profile" in measured
    assert 'href="measured.ipynb"' in measured
    assert "Two is more than one" in (html / "table.html").read_text()
    assert (
        "stopped after 9 s and 0 claims: a <b> | *c*, on M1, 2026\N{NON-BREAKING HYPHEN}01\N{NON-BREAKING HYPHEN}01"
        in Article((html / "ran.html").read_text()).text
    )
    notebook = nbformat.read(html / "measured.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert sum(len(cell.get("outputs", [])) for cell in notebook.cells) == 2
    provenance = json.loads((small_book.root / "_build/generated/executed.json").read_text())
    assert provenance["chapters/measured"]["profile"] == "quick"


def test_a_cell_that_raises_fails_the_build(small_book):
    small_book.notebook("broken", "1 / 0")
    with pytest.raises(BuildFailed, match=r"(?s)chapters/broken.*ZeroDivisionError"):
        build(small_book.book)
    assert not (small_book.root / "_build/html").exists()


def test_the_command_exits_with_an_error_and_no_traceback(small_checkout):
    small_checkout.notebook("broken", "1 / 0")
    result = CliRunner().invoke(app, ["build"])
    assert result.exit_code == 1
    assert "The book was not built" in str(result.exception)


def test_a_mistyped_profile_is_one_message(monkeypatch):
    monkeypatch.setenv("GLUONBOOK_PROFILE", "fast")
    result = CliRunner().invoke(app, ["build"])
    assert result.exit_code == 1
    assert "'fast'; the profiles are" in str(result.exception)


def test_a_warning_of_sphinx_fails_every_build_until_it_is_mended(small_book):
    small_book.page("dangling", "# Dangling\n\n" + "Words. " * 60 + "\n\n{doc}`/chapters/nowhere`\n")
    for _ in range(2):
        with pytest.raises(BuildFailed, match="Sphinx"):
            build(small_book.book)
    small_book.page("dangling", "# Mended\n\n" + "Words. " * 60)
    build(small_book.book)


def test_an_image_without_a_text_fails_the_build(small_book):
    small_book.notebook("blind", "from gluonbook import plots", "fig, ax = plots.axes()\nfig")
    with pytest.raises(BuildFailed, match="no alternative text"):
        build(small_book.book)


def test_sphinx_never_executes_by_itself(small_book, monkeypatch):
    small_book.notebook("sum", "print(1 + 1)")
    monkeypatch.setattr(site, "execute", lambda book: [])
    with pytest.raises(BuildFailed, match="changed while"):
        build(small_book.book)
    monkeypatch.undo()
    build(small_book.book)  # and it has left nothing behind that would spoil this


def test_nothing_is_written_when_nothing_has_changed(small_book, monkeypatch):
    small_book.notebook("sum", "print(1 + 1)")
    page = build(small_book.book)
    monkeypatch.setattr(site, "build_sphinx", None)
    assert build(small_book.book) == page


def test_a_site_is_fresh_until_a_page_changes(small_book):
    assert site.fresh(small_book.book) is None
    small_book.notebook("sum", "print(1 + 1)")
    page = build(small_book.book)
    assert site.fresh(small_book.book) == page.parents[1]
    small_book.page("text", "# Text\n\n" + "Words. " * 60)
    assert site.fresh(small_book.book) is None


def test_parts_list_their_chapters_with_minutes(small_book):
    small_book.notebook("sum", "print(1 + 1)")
    small_book.page("text", "# Some Text\n\n" + "Words. " * 900)
    small_book.page("start", "# Start\n\n" + "Words. " * 60 + "\n\n```{parts}\n```\n")
    text = Article(build(small_book.book).read_text()).text
    assert re.search(r"Pages · reads in 6 min, runs in \d+ s", text)
    assert re.search(r"The page sum · reads in 1 min, runs in \d+ s", text)
    assert "Some Text · reads in 5 min" in text
    assert "Some Text · reads in 5 min, runs" not in text, "it has no cells"


def test_no_word_of_a_drawing_a_tag_or_a_script_is_to_be_read():
    page = utils.new_document("page")
    page += nodes.paragraph("", "Three words here.")
    page += nodes.raw("", "<p class='a b'>Two more</p><svg><g id='a'>\n<text>none</text></g></svg>", format="html")
    page += nodes.raw("", "<button type='button'>Play</button><script>let a = 1; run(a)</script>", format="html")
    assert words_to_read(page) == 3 + 2 + 1


def test_what_stands_behind_the_mark_is_looked_up():
    page = utils.new_document("page")
    below = nodes.section(
        "", nodes.paragraph("", "Three more words."), LookedUp(), nodes.paragraph("", "A long table.")
    )
    page += [nodes.paragraph("", "Two words."), below, nodes.section("", nodes.paragraph("", "Another section."))]
    assert words_to_read(page) == 2 + 3


def test_minutes_are_those_of_prose_and_not_of_what_is_looked_up(small_book):
    looked_up = "```{looked-up}\n```\n\n"
    small_book.page("table", "# A Table\n\n" + "Words. " * 360 + f"\n\n{looked_up}" + "## All\n\n" + "Row. " * 1800)
    small_book.page("words", f"# All Words\n\nOne page.\n\n{looked_up}" + "Row. " * 1800)
    small_book.page("start", "# Start\n\n" + "Words. " * 60 + "\n\n```{parts}\n```\n")
    page = build(small_book.book)
    first = Article(page.read_text()).text
    assert "A Table · reads in 2 min" in first
    assert "All Words · to look things up in" in first
    assert "Row. Row." in Article((page.parent / "table.html").read_text()).text


def test_a_card_shows_a_part_with_its_words_its_minutes_and_the_picture_of_a_chapter(small_book):
    small_book.page("text", "# Some Text\n\n" + "Words. " * 900)
    small_book.notebook("part/sum", "print(1 + 1)")
    square = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    figure = "---\nmystnb:\n  figure: {name: nine, caption: A square.}\n  image: {alt: Nine by nine.}\n---\n"
    small_book.notebook("part/drawn", figure + f"from IPython.display import SVG\nSVG({square!r})")
    cards = "```{part-card} chapters/part\n:picture: nine\nAll about *sums*.\n```\n\n"
    cards += "```{part-card} chapters/text\nRead it.\n```\n\n"
    small_book.page("start", "# Start\n\n" + "Words. " * 60 + f"\n\n{cards}```{{parts}}\n```\n")
    page = build(small_book.book)
    parsed = BeautifulSoup(page.read_text(), "html.parser")
    part, text = parsed.select(".gb-card")
    assert re.search(r"Pages · reads in 7\smin, runs in \d+\ss\s+All about sums\.", part.get_text())
    assert re.search(r"The page part/sum · reads in 1\smin, runs in \d+\ss", part.get_text())
    (image,) = part.select("img")
    assert image["alt"] == "Nine by nine." and (page.parent / image["src"]).is_file()
    (source,) = part.select(".gb-card-source a")
    assert source["href"] == "part/drawn.html#nine" and source.get_text() == "The page part/drawn"
    assert "Some Text · reads in 5\xa0min" in text.get_text() and "Read it." in text.get_text()
    assert not text.select("img")
    assert len(parsed.select(".gb-parts")) == 1, "no part is left for the list"


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("```{part-card} chapters/elsewhere\nWords.\n```", "no part and no page 'chapters/elsewhere'"),
        ("```{part-card} chapters/text\n:picture: nowhere\nWords.\n```", "no figure 'nowhere' with a picture"),
    ],
)
def test_a_card_of_nothing_fails_the_build(small_book, capfd, card, said):
    small_book.page("text", "# Some Text\n\n" + "Words. " * 60)
    small_book.page("start", "# Start\n\n" + "Words. " * 60 + f"\n\n{card}\n")
    with pytest.raises(BuildFailed):
        build(small_book.book)
    assert said in capfd.readouterr().err


def test_a_build_that_was_cut_off_is_done_again(small_book, monkeypatch):
    small_book.notebook("sum", "print(1 + 1)")
    build(small_book.book)
    page = small_book.page("text", "# Text\n\n" + "Words. " * 60)
    sphinx = site.build_sphinx

    def killed(**settings):
        sphinx(**settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(site, "build_sphinx", killed)
    with pytest.raises(KeyboardInterrupt):
        build(small_book.book)
    monkeypatch.setattr(site, "build_sphinx", sphinx)
    page.write_text(page.read_text().replace("# Text", "# Another title"))
    build(small_book.book)
    assert "Another title" in (small_book.root / "_build/html/chapters/start.html").read_text(), "in the side bar"


def test_sphinx_does_not_meet_what_else_lives_in_this_process(small_book):
    """An extension asks each living object for its class, which a reference to one that is gone does not answer."""
    gone = weakref.proxy(type("Gone", (), {})())
    small_book.notebook("sum", "print(1 + 1)")
    build(small_book.book)
    with pytest.raises(ReferenceError):
        isinstance(gone, int)


def test_removed_chapters_and_old_styles_leave_the_site(small_book):
    small_book.notebook("one", "print(1)")
    small_book.notebook("two", "print(2)")
    html = build(small_book.book).parents[1]
    (html / "_static/old.css").write_text("a")
    small_book.pages.remove("two")
    (small_book.root / "chapters/two.md").unlink()
    small_book.notebook("one", "print(1)")
    build(small_book.book)
    assert not list(html.rglob("two*"))
    assert not (html / "_static/old.css").exists()


def test_other_outputs_of_the_same_cells_reach_the_page(small_book):
    small_book.notebook("clock", "import time", "print('at', time.time_ns())")
    html = build(small_book.book).parent
    before = (html / "clock.html").read_text()
    shutil.rmtree(small_book.root / "_build/executed")
    build(small_book.book)
    assert (html / "clock.html").read_text() != before


def test_two_claims_of_one_name_fail_the_build(small_book):
    small_book.notebook("one", CLAIM)
    small_book.notebook("two", CLAIM)
    with pytest.raises(BuildFailed, match="more than once: two"):
        build(small_book.book)


def test_a_claim_s_sentence_is_text_and_no_markup(small_book):
    sentence = "<script>alert(1)</script> | *a* $x$\\n{doc}`b`"
    small_book.notebook(
        "hostile",
        f"""
        from gluonbook.claims import claim
        claim("hostile", "{sentence}", 2, "> 1")
    """,
    )
    small_book.page("table", "# Claims\n\n```{include} ../_build/generated/claims.md\n```\n\n" + "Words. " * 60)
    table = (build(small_book.book).parent / "table.html").read_text()
    assert "<script>alert" not in table
    assert "*a* $x$ {doc}`b`" in table


def test_brackets_in_prose_are_no_terminal_codes(small_book):
    small_book.page("prose", "# Prose\n\nWindows of [5m, 10m]. " + "Words. " * 60)
    build(small_book.book)


def test_missing_empty_and_coloured_pages_are_found(small_book, tmp_path):
    for name in ("missing", "empty", "coloured"):
        small_book.page(name, "# Title\n")
    html = tmp_path / "html"
    (html / "chapters").mkdir(parents=True)
    text = "<article>" + "words " * 100 + "</article>"
    (html / "chapters/start.html").write_text(text)
    (html / "chapters/empty.html").write_text("<nav>" + "words " * 100 + "</nav><article>few</article>")
    (html / "chapters/coloured.html").write_text(text + "\x1b[31m")
    missing, empty, coloured = look_at(html, small_book.book.chapters)
    assert "missing: no page" in missing
    assert "empty" in empty
    assert "terminal code" in coloured


def test_an_article_is_its_text_and_its_silent_images():
    article = Article('<p>not</p><article>two <b>words</b><img src="a" alt=" "><img src="b" alt="b"></article>no')
    assert article.text == "two words"
    assert article.without_alt == ["a"]
