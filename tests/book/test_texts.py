"""Books as editors leave them: byte order marks, other line ends, other encodings."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupytext import TextFileContentsManager

from gluonbook.book import __main__ as commands
from gluonbook.book import concordance, exercises_list, notebooks, notes, site, slides, words, workshop_pages
from gluonbook.book.chapters import Book
from gluonbook.book.freshness import states
from small_books import TIMED, SmallBook

SPELLINGS = {
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "both": lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"),
    "CR": lambda data: data.replace(b"\n", b"\r"),
    "mixed": lambda data: data.replace(b"\n", b"\r\n", 7),
}
REFUSED = {
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "Latin 1": lambda data: data + "\nü".encode("latin-1"),
    "a null character": lambda data: data + b"\0",
}
# Which files a book reads, and what it makes of each.
READ = {
    "_toc.yml": lambda book: [chapter.name for chapter in book.chapters],
    "_config.yml": lambda book: book.settings,
    "chapters/part/sum.md": lambda book: (book.chapters[1].text(), book.running, book.chapters[1].timed),
    "chapters/part/sum.notes.md": lambda book: notes.markdown(book.parts),
    "chapters/back_matter/what_has_run.json": lambda book: (book.times, book.outcomes),
    "chapters/back_matter/agendas.json": lambda book: book.agendas,
    "chapters/back_matter/modules.json": lambda book: book.modules,
    "chapters/back_matter/concordance.yml": lambda book: concordance.read(book.root),
    "chapters/back_matter/words.yml": lambda book: words.read(book.root),
    "data/manifest.json": lambda book: list(states(book, book.running)),
    "src/gluonbook/code.py": lambda book: list(states(book, book.running)),
}
MACHINE = {"os": "any", "cpu": "one", "cores": 2, "memory": 8.0, "gpus": []}
OUTCOME = {"chapter": "chapters/part/sum", "profile": "quick", "machine": MACHINE, "date": "2026-01-01"}
OUTCOMES = [{**OUTCOME, "commit": "c0ffee", "text": "aa", "seconds": 2.0, "devices": ["cpu(0)"]}]
AGENDA = {"day": {"title": "A day", "start": "09:00", "steps": [{"chapter": "chapters/part/sum", "teach": 30}]}}
TALK = """- document: A talk
  about: Half an hour.
  sections:
    Sums:
      - says: one and one
        verdict: holds under a condition
        note: where two is a number
        where: [part/sum]
"""
JUPYTEXT = """notebook_metadata_filter = "jupytext,kernelspec,gluonbook"
[formats]
"notebooks/" = "ipynb"
"chapters/" = "md:myst"
"""


@pytest.fixture
def book(small_book) -> SmallBook:
    """One with a file of each kind."""
    small_book.write("jupytext.toml", JUPYTEXT)
    page = small_book.notebook("part/sum", 'print("Grüße", 1 + 1)', 'uses = "gluonbook.code"', front=TIMED)
    page.write_text(page.read_text(encoding="utf-8") + "\n## Summary\n\n- One and one.\n", encoding="utf-8")
    small_book.write("chapters/part/sum.notes.md", "Ask what 1 + 1 is.\n\n- Two.\n")
    small_book.write("chapters/back_matter/what_has_run.json", json.dumps(OUTCOMES, indent=1))
    small_book.write("chapters/back_matter/agendas.json", json.dumps(AGENDA, indent=1))
    small_book.write("chapters/back_matter/modules.json", json.dumps(AGENDA, indent=1))
    small_book.write("chapters/back_matter/concordance.yml", TALK)
    small_book.write("chapters/back_matter/words.yml", "- term: sum\n  says: One and one.\n  where: [part/sum]\n")
    (small_book.root / "chapters/images").mkdir()
    return small_book


def respell(file: Path, spelling) -> bytes:
    file.write_bytes(spelling(file.read_bytes()))
    return file.read_bytes()


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("file", READ)
def test_a_file_says_the_same_however_it_is_spelled(book, file, spelling):
    before = READ[file](book.book)
    respell(book.root / file, spelling)
    assert READ[file](book.book) == before


@pytest.mark.parametrize("encoding", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("file", READ)
def test_a_file_that_is_no_text_in_utf_8_is_named(book, file, encoding):
    respell(book.root / file, encoding)
    with pytest.raises(
        ValueError, match=rf"{file}.* is (in UTF-16: save it|not in UTF-8: byte 0x|no text: there is a null)"
    ):
        READ[file](book.book)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_chapter_is_the_same_for_whatever_is_made_of_it(book, spelling):
    def made() -> list:
        chapter = book.book.chapters[1]
        cells = [(cell.cell_type, cell.source) for cell in chapter.notebook().cells]
        texts = [
            chapter.title,
            workshop_pages.checkpoints([chapter], book.book.times),
            exercises_list.markdown([chapter]),
        ]
        return [cells, slides.has_slides(chapter), texts, notebooks.unstable(book.book), *cells_outright()]

    def cells_outright() -> list:
        return [nbformat.reads(text, 4).cells[0].source for text in notebooks.outright(book.book).values()]

    before = made()
    respell(book.root / "chapters/part/sum.md", spelling)
    assert made() == before


@pytest.mark.parametrize("character", "\x0b\x0c\x1c\x1d\x1e\x7f\x85\x08\u2028\u2029\ufffe", ids=ascii)
def test_characters_at_which_some_programs_break_lines_are_named(book, character):
    page = book.root / "chapters/part/sum.md"
    page.write_text(page.read_text(encoding="utf-8").replace("Words", f"Wor{character}ds", 1), encoding="utf-8")
    with pytest.raises(
        ValueError, match=rf"^chapters/part/sum: line 10 holds U\+{ord(character):04X}, a control character"
    ):
        _ = book.book.parts


class TestSync:
    """What flows between a chapter and its notebook, and what stays to the letter."""

    @pytest.fixture(autouse=True)
    def at_home(self, book, monkeypatch) -> None:
        monkeypatch.chdir(book.root)

    @pytest.mark.parametrize("spelling", [bytes, *SPELLINGS.values()], ids=["as it is", *SPELLINGS])
    @pytest.mark.parametrize("end", ["", "\n\n", "  ", "\t\n"], ids=ascii)
    def test_a_chapter_that_nobody_has_edited_stays_to_the_letter(self, book, spelling, end):
        page = book.root / "chapters/part/sum.md"
        page.write_text(page.read_text(encoding="utf-8").rstrip("\n") + end, encoding="utf-8")
        before = respell(page, spelling)
        for _ in range(2):
            notebooks.sync(book.book)
            assert page.read_bytes() == before
        assert "Grüße" in jupytext.read(book.root / "notebooks/part/sum.ipynb").cells[1].source

    @pytest.mark.parametrize(("name", "spelling"), SPELLINGS.items(), ids=SPELLINGS)
    def test_an_edit_of_the_notebook_keeps_the_spelling_of_the_chapter(self, book, name, spelling):
        page, notebook = book.root / "chapters/part/sum.md", book.root / "notebooks/part/sum.ipynb"
        respell(page, spelling)
        notebooks.sync(book.book)
        content = jupytext.read(notebook)
        content.cells[1].source = "print('Grüße', 2 + 2)"
        jupytext.write(content, notebook)
        stamp = page.stat().st_mtime + 10
        os.utime(notebook, (stamp, stamp))
        notebooks.sync(book.book)
        after = page.read_bytes()
        assert "print('Grüße', 2 + 2)".encode() in after
        assert after.startswith(b"\xef\xbb\xbf") == (name in ("byte order mark", "both"))
        pairs = after.count(b"\r\n")
        ends = {"\n": after.count(b"\n") - pairs, "\r\n": pairs, "\r": after.count(b"\r") - pairs}
        kept = {"CR LF": "\r\n", "both": "\r\n", "CR": "\r"}.get(name, "\n")
        assert [end for end, count in ends.items() if count] == [kept]
        assert book.book.chapters[1].timed

    def test_jupyterlab_is_given_chapters_whose_front_matter_it_sees(self, book, monkeypatch, capsys):
        page = book.root / "chapters/part/sum.md"
        plain = page.read_bytes()
        respell(page, SPELLINGS["byte order mark"])
        respell(book.root / "jupytext.toml", SPELLINGS["byte order mark"])
        monkeypatch.setattr(commands.Book, "here", lambda: book.book)
        given = []
        monkeypatch.setattr(os, "execve", lambda *words: given.append(words[-1]))
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
        monkeypatch.setenv("MXNET_CPU_WORKER_NTHREADS", "2")
        commands.lab()
        # Threads get along as in the book's build, unless the reader has said otherwise.
        assert (given[0]["OMP_WAIT_POLICY"], given[0]["MXNET_CPU_WORKER_NTHREADS"]) == ("PASSIVE", "2")
        named = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
        assert named == ["chapters/part/sum.md", "jupytext.toml"]
        assert page.read_bytes() == plain
        opened = TextFileContentsManager(root_dir=str(book.root)).get("notebooks/part/sum.ipynb", type="notebook")
        assert opened["content"].cells[0].source.startswith("# The page part/sum")

    def test_a_book_without_cells_has_nothing_to_sync(self, book):
        book.page("part/sum", "# Words alone\n")
        notebooks.sync(book.book)
        assert list(book.root.rglob("*.ipynb")) == []


def test_a_page_may_hold_what_a_cell_has_printed(book, tmp_path):
    chapter = book.book.chapters[1]
    page = tmp_path / "html" / f"{chapter.name}.html"
    page.parent.mkdir(parents=True)
    page.write_text("<article>" + "Some words and \0 and \u2028. " * 20 + "</article>", encoding="utf-8")
    assert site.look_at(tmp_path / "html", [chapter]) == []


@pytest.mark.slow
@pytest.mark.parametrize("spelling", [SPELLINGS["both"]], ids=["both"])
def test_a_book_is_built_from_files_that_are_all_spelled_so(book, monkeypatch, spelling):
    book.write("chapters/_static/book.css", "h1 { color: red; }\n")
    book.write("chapters/references.bib", "@misc{one, title = {Grüße}, author = {A. Author}, year = {2020}}\n")
    book.page("cited", "# Cited\n\nSee {cite}`one`.\n\n```{bibliography}\n```\n" + "Some words. " * 30)
    settings = book.root / "_config.yml"
    bibliography = "bibtex_bibfiles: [chapters/references.bib]\nhtml: {extra_css: []}\n"
    settings.write_text(settings.read_text(encoding="utf-8") + bibliography, encoding="utf-8")
    for file in book.root.rglob("*"):
        if file.is_file():
            respell(file, spelling)
    monkeypatch.chdir(book.root)
    notebooks.sync(book.book)
    page = site.build(book.book)
    assert page == site.build(book.book)
    built = {name: (page.parent / f"{name}.html").read_text(encoding="utf-8") for name in ("part/sum", "cited")}
    assert "Grüße 2" in built["part/sum"] and "Grüße" in built["cited"]
    assert (page.parent / "part/sum.slides.html").is_file()
    assert not any("\ufeff" in text for text in built.values())


@pytest.mark.slow
def test_a_chapter_that_changes_while_the_book_is_built_is_named(book, monkeypatch):
    execute = site.execute

    def executed_and_edited(book_: Book) -> list:
        results = execute(book_)
        page = book.root / "chapters/part/sum.md"
        page.write_text(page.read_text(encoding="utf-8").replace("1 + 1", "1 + 2"), encoding="utf-8")
        return results

    monkeypatch.setattr(site, "execute", executed_and_edited)
    with pytest.raises(site.BuildFailed, match=r"^chapters/part/sum\.md has changed while the book was being built"):
        site.build(book.book)
