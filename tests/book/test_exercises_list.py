"""The page of a part's exercises: all of them, as the chapters state them, each with a link that resolves."""

from __future__ import annotations

import re

import pytest

from gluonbook.book import site
from gluonbook.book.chapters import Book
from gluonbook.book.exercises_list import Exercise, markdown
from gluonbook.book.exercises_list import exercises as of
from gluonbook.book.site import BuildFailed, build
from gluonbook.exercises.catalogue import catalogue

WORDS = "Words around the exercises, enough of them to count as a page. " * 6
CHAPTER = f"""# Sums

{WORDS}

$$ 1 + 1 = 2 $$ (two)

```{{exercise-start}} One and *one*
:label: one-and-one
```
What is $1 + 1$? See {{eq}}`two`, or {{doc}}`start`.

```python
1 + 1
```
```{{exercise-end}}
```

````{{solution-start}} one-and-one
:class: dropdown
````
Two.
````{{solution-end}}
````

````{{exercise-start}} One more
:nonumber:
:label: one-more
````
And then?
````{{exercise-end}}
````
"""


@pytest.fixture
def book(small_book):
    small_book.write(
        "_config.yml",
        "title: Small\nonly_build_toc_files: true\nexclude_patterns: [_build]\n"
        "parse: {myst_enable_extensions: [dollarmath]}\n"
        "sphinx: {extra_extensions: [gluonbook.book.sphinx_page, sphinx_exercise]}\n",
    )
    small_book.page("sums", CHAPTER)
    return small_book


def test_a_chapter_s_exercises_are_read_as_they_stand(book):
    _, sums = book.book.chapters
    first, second = of(sums)
    assert first == Exercise(
        "One and *one*",
        "one-and-one",
        "What is $1 + 1$? See {eq}`two`, or {doc}`start`.\n\n```python\n1 + 1\n```",
    )
    assert second == Exercise("One more", "one-more", "And then?")


def test_the_page_shows_each_with_a_link_and_without_its_solution(book):
    book.page("all", f"# All\n\n{WORDS}\n\n```{{include}} ../_build/generated/exercises/chapters.md\n```\n")
    page = (build(book.book).parent / "all.html").read_text()
    article = site.Article(page).text
    assert "What is" in article and "And then?" in article and "Two." not in article
    assert 'href="sums.html#one-and-one"' in page and 'href="sums.html#one-more"' in page
    assert re.search(r"One and <em>one</em>", page)


@pytest.mark.parametrize(
    "line", [":label: one-more\n", " One more", "````{exercise-end}\n````\n"], ids=["label", "title", "end"]
)
def test_an_exercise_that_is_cut_short_fails_the_build(book, line):
    book.page("sums", CHAPTER.replace(line, "", 1))
    with pytest.raises(BuildFailed, match="chapters/sums: of 2 exercises 1 have"):
        build(book.book)


def test_every_exercise_of_the_book_is_on_the_page_of_its_part():
    known, listed = catalogue(), Book.here().chapters
    assert {chapter.key: tuple(one.label for one in of(chapter)) for chapter in listed if of(chapter)} == {
        chapter.key: known[chapter.key].names for chapter in listed if chapter.key in known
    }
    assert set(markdown(listed)) == {chapter.path.parent.name for chapter in listed if of(chapter)}
    for folder, text in markdown(listed).items():
        linked = re.findall(r"Answer it in the chapter: \{ref\}`(.+?)`", text)
        assert linked == [one.label for chapter in listed if chapter.path.parent.name == folder for one in of(chapter)]
        (page,) = (chapter for chapter in listed if chapter.key == f"{folder}/exercises")
        assert f"generated/exercises/{folder}.md" in page.path.read_text()
