"""A new chapter touches its own files, the table of contents and the bibliography, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml

from gluonbook.book.chapters import Book
from gluonbook.book.freshness import states
from gluonbook.book.site import Article
from small_books import FRONT, unlinked

pytestmark = pytest.mark.slow
KEY = "convnets/sums"
MODULE = '''"""The exercises of `convnets/sums`."""

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Mistake
from gluonbook.exercises.numeric import Number

exercises = Exercises(__name__)
check = exercises.check

for number, name in enumerate(("one-and-one", "two-and-two", "three-and-three"), 1):
    mistake = Mistake(3 * number, hint="That is one summand too many.")
    exercises.add(Number(name, 2 * number, [mistake], otherwise="Count them."))
'''
EXERCISE = """```{{exercise-start}} Number {number}
:label: {name}
```
What is ${number} + {number}$?
```{{exercise-end}}
```

```{{code-cell}} ipython3
:tags: [exercise]

{imported}check("{name}", ...)
```

````{{solution-start}} {name}
:class: dropdown
````
Twice as much.

```{{code-cell}} ipython3
:tags: [solution]

check("{name}", 2 * {number})
```
````{{solution-end}}
````
"""
IMPORT = "from gluonbook.exercises.convnets.sums import check\n\n"
TEXT = f"""{FRONT}# Sums that are new

```{{admonition}} What you will be able to do
Add, as {{cite}}`newcomer2026sums` does.
```

{"Words around the cells, enough of them to count as a page. " * 6}

```{{code-cell}} ipython3
from gluonbook.claims import claim
claim("new-sum", "Two is more than one", 1 + 1, "> 1")
```

## Summary

- One and one is two.

## Exercises

{EXERCISE.format(number=1, name="one-and-one", imported=IMPORT)}
{EXERCISE.format(number=2, name="two-and-two", imported="")}
{EXERCISE.format(number=3, name="three-and-three", imported="")}
"""
NOTES = "Say\n: Add them.\n\nStumble\n: Carrying.\n\nSkip\n: Nothing. Not in our agendas.\n"
FIRST_PAGE = f"{FRONT}# A first page\n\n{'Words before the parts, enough to count. ' * 6}\n\n```{{parts}}\n```\n"
REFERENCE = "\n@misc{newcomer2026sums, author = {Newcomer, A.}, title = {Sums}, year = {2026}}\n"
# What the tests of the book ask of every chapter, but for those that execute all of them.
ASKED = ("test_chapters", "test_workshop_pages", "test_exercises_list", "test_sizes", "test_uses", "test_front_matter")
OF_OTHER_BOOKS = "is_built or shows_each"
# Of the book's own pages, those that lean on no chapter; the words are shown without links to those that are not there.
KEPT = ("chapters/setup", "words", "claims", "what_has_run", "changelog", "bibliography", "chapters/convnets/exercises")


@pytest.fixture(scope="module")
def copy(book, tmp_path_factory) -> Path:
    """A copy of the repository without what was built."""
    ignored = shutil.ignore_patterns(".git", ".venv*", "_build", "notebooks", "__pycache__", ".*_cache", "wheelhouse")
    root = tmp_path_factory.mktemp("copy") / "book"
    return Path(shutil.copytree(book.root, root, symlinks=True, ignore=ignored))


@pytest.fixture(scope="module")
def before(copy) -> dict[str, str]:
    """The states of the chapters in the copy, before anything was added."""
    book = Book(copy)
    return states(book, book.running)


@pytest.fixture(scope="module")
def added(copy, before) -> Book:
    """That copy with a chapter more."""
    toc = yaml.safe_load((copy / "_toc.yml").read_text())
    (part,) = (part for part in toc["parts"] if part.get("caption") == "ConvNets")
    part["chapters"].insert(1, {"file": f"chapters/{KEY}"})
    (copy / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False))
    (copy / f"chapters/{KEY}.md").write_text(TEXT)
    (copy / f"chapters/{KEY}.notes.md").write_text(NOTES)
    (copy / f"src/gluonbook/exercises/{KEY}.py").write_text(MODULE)
    with (copy / "chapters/references.bib").open("a") as file:
        file.write(REFERENCE)
    return Book(copy)


def python_of(root: Path, folder: Path) -> Path:
    """A Python that has this one's packages, and the `gluonbook` of the copy `root`: kernels heed no PYTHONPATH."""
    venv.create(folder, symlinks=True)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(packages, "copy.pth").write_text(f"{root / 'src'}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return folder / "bin/python"


def run(python: Path, folder: Path, *words: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))}
    done = subprocess.run(
        [python, *words], cwd=folder, env=inherited, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def test_no_other_chapter_is_executed_again_for_it(added, before):
    after = states(added, added.running)
    assert after.pop(f"chapters/{KEY}")
    assert after == before


def test_it_has_its_place_and_its_part_keeps_its_number(added):
    (part,) = (part for part in added.parts if part.caption == "ConvNets")
    assert part.number == 2
    assert part.chapters[1].key == KEY
    assert part.chapters[1].teaches


@pytest.mark.timeout(1200)
def test_the_tests_of_the_book_ask_no_more_of_it(added, tmp_path):
    python = python_of(added.root, tmp_path / "venv")
    files = [f"tests/book/{name}.py" for name in ASKED] + ["tests/exercises/test_exercises.py"]
    # Nothing that waits for an executed book; and of what is asked chapter by chapter, what is asked of this one.
    chosen = ("-m", "not slow", "-k", f"(sums or not [) and not ({OF_OTHER_BOOKS})")
    assert run(python, added.root, "-c", "import gluonbook; print(gluonbook.__file__)").startswith(str(added.root))
    run(python, added.root, "-m", "pytest", "--no-cov", "-q", "-p", "no:cacheprovider", *files, *chosen)


@pytest.mark.timeout(1200)
def test_the_site_is_built_with_it(added, tmp_path):
    """From a table of contents that is cut down to it and to pages that lean on no chapter."""
    root = Path(shutil.copytree(added.root, tmp_path / "book", symlinks=True))
    toc = yaml.safe_load((root / "_toc.yml").read_text())
    for part in toc["parts"]:
        part["chapters"] = [page for page in part["chapters"] if page["file"].endswith((KEY, *KEPT))]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    (root / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False))
    (root / "chapters/intro.md").write_text(FIRST_PAGE)  # the book's own shows figures of other chapters
    there = {toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])}
    for page in (root / f"{name}.md" for name in there):
        page.write_text(unlinked(page.read_text(), there))
    python = python_of(root, tmp_path / "venv")
    run(python, root, "-m", "gluonbook.book", "build")
    html = root / "_build/html/chapters"
    page = (html / f"{KEY}.html").read_text()
    assert "Two is more than one" in page and "Newcomer" in page
    assert page.count("Solved:") == 3 and page.count("Open:") == 3
    assert (html / f"{KEY}.ipynb").is_file() and (html / f"{KEY}.slides.html").is_file()
    assert "Sums that are new" in (html / "convnets/exercises.html").read_text()
    assert "new-sum" in (html / "back_matter/claims.html").read_text()
    assert 'id="term-epoch"' in (html / "back_matter/words.html").read_text()
    first = Article((html / "intro.html").read_text()).text
    assert "1 · ConvNets" in first and "Sums that are new · reads in" in first
