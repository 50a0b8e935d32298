"""The book in a folder of any name, through all that is made of it; the few names that cannot be are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gluonbook import launch
from gluonbook.book import __main__ as commands
from gluonbook.book import bundle, notebooks, one_page, site
from gluonbook.book.chapters import Book
from gluonbook.book.execute import _kernel_environment
from gluonbook.book.outputs import unclean
from gluonbook.datasets import local
from gluonbook.exercises import progress
from gluonbook.storage import folders
from repetitions import in_full
from small_books import SmallBook

ODD = {
    "blanks": " my  book ",
    "umlaut": "Bücher",
    "the same, decomposed": "Bu\u0308cher",
    "an emoji": "\U0001f4d8",
    "number sign": "#1",
    "per cent": "100% sure",
    "ampersand": "a&b",
    "apostrophe": "it's",
    "quotation marks": 'say "x"',
    "dollar": "$HOME ${x} `id` $(id)",
    "brackets": "[x](y){z}<b>",
    "Jinja": "{{ x }}{% if %}",
    "patterns": "a*b[!c]",
    "semicolon and bar": "a;b|c",
    "backslash": "a\\nb",
    "a line end": "a\nb",
    "a dash": "-n",
    "a dot at the end": "book.",
    "hidden": ".book",
    "tilde": "~",
    "colon": "a:b",
    "equals and comma": "a=b,c+d@e!f^g",
    "long": "l" * 150,
    "an environment": ".venv",
    "built": "_build",
    "as one of its own": "chapters",
    "as another of its own": "notebooks",
}
ALL_AT_ONCE = '-#1 100% & it\'s "x" $HOME `id` [x]{{ y }}<b>*;|\\n~=,+@!^ Bücher:\U0001f4d8.'
BARRED = {
    "escaped": "a%20b",
    "a branch": "feature%2fx",
    "question": "what?",
    "bytes": os.fsdecode(b"caf\xe9"),
}


@pytest.fixture
def folder(tmp_path, request, monkeypatch) -> Path:
    """A folder of that name, in which the test now is."""
    folder = tmp_path / request.param
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


one_name = pytest.mark.parametrize("folder", [ALL_AT_ONCE], ids=["all at once"], indirect=True)
each_name = pytest.mark.parametrize("folder", ODD.values(), ids=ODD, indirect=True)


def made(folder: Path) -> SmallBook:
    book = SmallBook(folder)
    book.write("jupytext.toml", '[formats]\n"notebooks/" = "ipynb"\n"chapters/" = "md:myst"\n')
    book.write("chapters/images/dot.svg", "<svg/>")
    page = book.notebook("part/sum", "from gluonbook import plots\nplots.bars({'a': 1.0, 'b': 2.0}, xlabel='s')")
    page.write_text(page.read_text(encoding="utf-8") + "\n## Summary\n\n- One.\n", encoding="utf-8")
    book.write("NOTES.md", "# No page of the book\n")
    return book


def pass_through_everything(folder: Path) -> None:
    book = made(folder)
    text = (folder / "chapters/part/sum.md").read_bytes()
    notebooks.sync(book.book)
    assert (folder / "notebooks/part/sum.ipynb").is_file() and (folder / "notebooks/images/dot.svg").is_file()
    assert (folder / "chapters/part/sum.md").read_bytes() == text
    html = site.build(book.book).parents[1]
    assert html == folder / "_build/html"
    assert site.fresh(book.book) == html, "it would be executed and built again"
    assert (html / "chapters/part/sum.slides.html").is_file()
    document = one_page.document(html, folder / "_build/pdf", book.book.parts, one_page.Imprint("A", "B", ()))
    assert "The page part/sum" in document
    subprocess.run(["git", "init", "--quiet"], check=True)
    assert "book/chapters/part/sum.md" in dict(bundle._repository(book.book))
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name], "something was made beside it"


@pytest.mark.slow
@one_name
def test_the_book_in_a_folder_of_such_a_name(folder):
    pass_through_everything(folder)


@pytest.mark.slow
@in_full("all names are tried at once")
@each_name
def test_the_book_in_a_folder_of_each_name(folder):
    pass_through_everything(folder)


def train(folder: Path) -> None:
    for name, text in {
        "job.py": "import sys, helper\nprint(sys.argv[1:])",
        "helper.py": "",
        "hosts": "localhost",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    for script, hosts, logs in [(folder / "job.py", folder / "hosts", folder / "logs"), ("job.py", None, "logs")]:
        done = launch.run([str(script), folder.name], 1, hosts=hosts, log_dir=logs, quiet=True)
        assert done.log() == f"{[folder.name]}\n"
        assert done.folder == folder / "logs"


@pytest.mark.slow
@one_name
def test_training_in_a_folder_of_such_a_name(folder):
    train(folder)


@pytest.mark.slow
@in_full("all names are tried at once")
@each_name
def test_training_in_a_folder_of_each_name(folder):
    train(folder)


@each_name
def test_data_progress_checkpoints_and_laboratory_in_a_folder_of_each_name(folder, monkeypatch):
    monkeypatch.setenv("GLUONBOOK_DATA", str(folder))
    monkeypatch.setenv("GLUONBOOK_PROGRESS", str(folder / "progress.json"))
    assert local.user_folder() == folder
    assert _kernel_environment(1, folder)["GLUONBOOK_DATA"] == str(folder)
    progress.add("part/chapter/exercise")
    assert list(progress.solved()) == ["part/chapter/exercise"]
    assert folders.read(folders.write(folder / "runs", 1, {"model": b"weights"})) == {"model": b"weights"}

    started = []
    monkeypatch.setattr(os, "execve", lambda *words: started.append(words))
    monkeypatch.setattr(commands.Book, "here", lambda: made(folder).book)
    commands.lab()
    ((program, words, _),) = started
    assert program == words[0] == sys.executable and "--ServerApp.root_dir=." in words
    assert Path.cwd() == folder and str(folder) not in "".join(words[1:]), "Jupyter is told no name at all"


@pytest.mark.parametrize("name", BARRED.values(), ids=BARRED)
@pytest.mark.parametrize("below", ["", "book"])
def test_a_name_with_which_the_book_cannot_be_built_is_refused_at_once(tmp_path, name, below):
    with pytest.raises(
        ValueError, match=r"^the book lies in '.*', where .* cannot be opened: take \?, % and what is not"
    ):
        Book(tmp_path / name / below)


@pytest.mark.parametrize("name", [name for key, name in BARRED.items() if key != "bytes"])
def test_so_is_such_a_name_of_a_chapter(small_book, name):
    small_book.notebook(f"{name}/sum", "1 + 1")
    with pytest.raises(ValueError, match=r"^a chapter lies in '.*', where .* cannot be opened: take \?, % and what"):
        _ = small_book.book.parts


@pytest.mark.parametrize(
    ("root", "text", "found"),
    [
        ("/book", "see /book/data", "/book"),
        ("/book", "/book", "/book"),
        ("/book", "images/book, /books, a/book-shop and x/book", None),
        ("/a (b)", "'/a (b)/c'", "/a (b)"),
        ("/a.b", "/axb", None),
    ],
)
def test_the_folder_of_the_book_is_found_in_outputs_and_no_other_word(root, text, found):
    from nbformat import v4

    cell = v4.new_code_cell(outputs=[v4.new_output("stream", name="stdout", text=text)])
    faults = unclean(v4.new_notebook(cells=[cell]), Path(root))
    assert faults == ([] if found is None else [f"cell 1 prints a folder: {found!r}"])
