"""Slides: what a chapter marks is on them, in its order, and nothing on them needs a network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from gluonbook.book import slides
from gluonbook.book.__main__ import app
from gluonbook.book.site import build

pytestmark = pytest.mark.slow

SCRIPTS_AND_STYLES = ("slides.css", "slides.js", "formulas.js")  # the book's own
WORDS = "Words around the cells, enough of them to count as a page. " * 6
CHAPTER = f"""---
jupytext:
  text_representation: {{extension: .md, format_name: myst}}
kernelspec: {{display_name: Python 3, name: python3}}
---

# Sums & more

```{{admonition}} What you will be able to do
:class: tip
Add. **Predict** nothing yet.
```

{WORDS}

## First {{braces}}

```{{math}}
:label: two
1 + 1 = 2
```

**Predict:** what is {{eq}}`two`?

```{{code-cell}} ipython3
:tags: [slide]

print("a result")
```

```{{code-cell}} ipython3
print("not shown")
```

```{{code-cell}} ipython3
---
mystnb:
  figure: {{name: picture, caption: A picture of two bars.}}
---
from gluonbook import plots
plots.bars({{"a": 1.0, "b": 2.0}}, xlabel="seconds")
```

## Summary

- One thing to remember.

## Exercises

```{{exercise-start}} One and one
:label: one-and-one
```
What is $1 + 1$?
```{{exercise-end}}
```

````{{solution-start}} one-and-one
:class: dropdown
````
The answer, with **Predict** in it.
````{{solution-end}}
````
"""


@pytest.fixture
def deck(small_book) -> BeautifulSoup:
    small_book.write(
        "_config.yml",
        "title: Small\nonly_build_toc_files: true\nexclude_patterns: [_build]\n"
        "parse: {myst_enable_extensions: [dollarmath, amsmath]}\n"
        "sphinx:\n  extra_extensions: [gluonbook.book.sphinx_page, sphinx_exercise, sphinx-mathjax-offline]\n",
    )
    small_book.page("sums", CHAPTER)
    return BeautifulSoup((build(small_book.book).parent / "sums.slides.html").read_text(), "html.parser")


def test_what_is_marked_is_shown_in_its_order(small_book, deck):
    shown = [" ".join(slide.get_text().split()) for slide in deck.select(".gb-slide")]
    assert len(shown) == 7
    box, formula, question, cell, figure, summary, exercise = shown
    assert box.startswith("Sums & more") and "Add." in box and "The chapter" in box
    assert formula.startswith("First {braces}") and "1 + 1 = 2" in formula
    assert "what is (1)?" in question
    assert 'print("a result")' in cell and cell.count("a result") == 2
    assert "A picture of two bars." in figure and deck.select_one(".gb-slide figure img")["alt"].startswith("2 horiz")
    assert "One thing to remember." in summary
    assert exercise.startswith("Exercises") and "One and one" in exercise
    whole = " ".join(shown)
    assert "not shown" not in whole and "The answer" not in whole
    assert [slide["aria-label"] for slide in deck.select(".gb-slide")][:2] == ["Slide 1 of 7", "Slide 2 of 7"]
    assert "7 / 7" in exercise
    assert not list((small_book.root / "_build/html/chapters").glob("start*slides*")), "no cells, no summary, no slides"


def test_all_that_they_load_lies_in_the_site(small_book, deck):
    pages = small_book.root / "_build/html/chapters"
    loaded = [tag.get("href") or tag.get("src") for tag in deck.select("link[href], script[src], img[src]")]
    assert any("mathjax" in name for name in loaded) and any("pygments" in name for name in loaded)
    for name in loaded:
        assert not re.match(r"[a-z]+:|//", name), name
        if Path(name).name not in SCRIPTS_AND_STYLES:  # they belong to the real book, see the next test
            assert (pages / name.split("?")[0]).is_file(), name


def test_links_lead_to_the_chapter(small_book, deck):
    pages = small_book.root / "_build/html/chapters"
    for link in deck.select("a[href]"):
        name, _, anchor = link["href"].partition("#")
        assert name and (pages / name).is_file(), link
        if anchor:
            assert f'id="{anchor}"' in (pages / name).read_text(), link


def test_the_style_and_the_keys_belong_to_the_book_and_fetch_nothing(book):
    for name in SCRIPTS_AND_STYLES:
        text = (book.root / "chapters/_static" / name).read_text()
        assert text and "http" not in text and "@import" not in text and "url(" not in text


def test_every_chapter_that_is_taught_has_slides(book):
    decked = {chapter.name for chapter in book.chapters if slides.has_slides(chapter)}
    assert {name for agenda in (*book.agendas, *book.modules) for name in agenda.chapters} <= decked


def test_the_command_says_where_they_are(small_checkout):
    small_checkout.notebook("sum", "print(1 + 1)")
    path = small_checkout.root / "chapters/sum.md"
    path.write_text(path.read_text() + "\n## Summary\n\n- Two.\n")
    done = CliRunner().invoke(app, ["slides"])
    assert done.exit_code == 0, done.output
    file = small_checkout.root / "_build/html/chapters/sum.slides.html"
    assert str(file) in done.output and "Two." in file.read_text()
