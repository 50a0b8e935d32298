"""The book: its parts and chapters in reading order, its settings, and what each chapter needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, final

import yaml
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import TopmatterReadError, read_topmatter
from nbformat import NotebookNode

from gluonbook import paths
from gluonbook.book import agendas, outcomes
from gluonbook.book.times import RunTimes
from gluonbook.checks import flag
from gluonbook.profiles import digits_or
from gluonbook.storage.text import read_text

BACK_MATTER = "back_matter"  # the one folder whose pages teach nothing
_KINDS = {dict: "a mapping", list: "a list", str: "text"}  # what YAML makes, and what an author calls it
_Kind = TypeVar("_Kind", dict, list, str)
# What YAML refuses, or what `str.splitlines`, with which notebooks are read, takes for the end of a line.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")


@final
@dataclass(frozen=True)
class Chapter:
    """One page of `_toc.yml`, and what its front matter says under `gluonbook`."""

    name: str  # as in _toc.yml: "chapters/convnets/lenet"
    path: Path
    runs: bool  # whether it has cells to execute
    needs: tuple[str, ...] = ()  # the data set of the present profile, unless it is embedded
    timed: bool = False  # it measures time, or starts many processes: nothing runs beside it

    @property
    def key(self) -> str:
        """The name without the folder that all chapters share: "convnets/lenet"; no two chapters have the same."""
        return self.name.split("/", 1)[1]

    @property
    def folder(self) -> str:
        """The folder of its part: "convnets"; empty for a page that lies in none."""
        return self.key.rpartition("/")[0]

    @property
    def teaches(self) -> bool:
        """Whether it is one of the chapters proper, with exercises and notes for whoever teaches it."""
        return self.runs and self.folder not in ("", BACK_MATTER)

    @property
    def title(self) -> str:
        """Its first heading, in Markdown; its key where it has none, as a page that includes all of its text."""
        found = re.search(r"^# (.+)$", self.text(), re.MULTILINE)
        return found[1] if found else self.key

    def text(self) -> str:
        """What its file holds now."""
        return read_text(self.path)

    def notebook(self) -> NotebookNode:
        """Its cells as they are now, without outputs: those that Sphinx finds in it."""
        return read_myst_markdown_notebook(self.text(), add_source_map=True, path=self.path)


@final
@dataclass(frozen=True)
class Part:
    """A part of `_toc.yml`; what comes before all parts, the first page, is one without a caption."""

    caption: str
    chapters: tuple[Chapter, ...]
    number: int | None = None  # of those parts that teach, from 1 on

    @property
    def title(self) -> str:
        """The caption with the number before it: "2 · ConvNets"."""
        return f"{self.number} · {self.caption}" if self.number else self.caption


@final
@dataclass(frozen=True)
class Book:
    """The book in the folder `root`, as its files are when each is asked for the first time.

    Raises:
        ValueError: it cannot be built in a folder of that name.
    """

    root: Path

    def __post_init__(self) -> None:
        _refuse_names_that_lead_astray("the book", str(self.root))

    @classmethod
    def here(cls) -> Book:
        """The book in the checkout that this package runs from.

        Raises:
            FileNotFoundError: gluonbook is installed without the book around it.
            ValueError: the checkout lies in a folder of a name with which the book cannot be built.
        """
        root = paths.checkout()
        if root is None:
            raise FileNotFoundError("this command needs the book's checkout (a folder with _toc.yml and chapters/)")
        return cls(root)

    @property
    def built(self) -> Path:
        """The folder of all that is made from the book."""
        return self.root / "_build"

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of `_toc.yml` in reading order; the first page of all is one of its own.

        Raises:
            ValueError: `_toc.yml`, or the front matter of a chapter, has what this book does not know.
        """
        named = [("", [{"file": self._toc["root"]}])]
        named += [(part.get("caption", ""), part["chapters"]) for part in self._toc.get("parts", [])]
        parts: list[Part] = []
        for caption, pages in named:
            chapters = tuple(self._chapter(page["file"]) for page in pages)
            before = sum(part.number is not None for part in parts)
            parts.append(Part(caption, chapters, before + 1 if any(one.teaches for one in chapters) else None))
        return tuple(parts)

    @property
    def numbered_toc(self) -> dict[str, Any]:
        """`_toc.yml` for Sphinx, with the titles of the parts for their captions."""
        _, *behind_the_first_page = self.parts
        entries = self._toc.get("parts", [])
        titled = [
            {**entry, "caption": part.title} if part.title else entry
            for entry, part in zip(entries, behind_the_first_page)
        ]
        return {**self._toc, "parts": titled}

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """The pages that are read, in their order; see `looked_up` for the others."""
        return tuple(chapter for part in self.parts for chapter in part.chapters)

    @cached_property
    def looked_up(self) -> tuple[Chapter, ...]:
        """The pages below others (`sections` in `_toc.yml`), for looking something up: in no list, and not printed."""
        entries = [entry for part in self._toc.get("parts", []) for entry in part["chapters"]]
        found = tuple(self._chapter(page["file"]) for entry in entries for page in entry.get("sections", ()))
        if running := [page.name for page in found if page.runs]:
            raise ValueError(
                f"_toc.yml: {', '.join(running)} has cells, and nobody executes those of pages in sections"
            )
        return found

    @property
    def pages(self) -> tuple[Chapter, ...]:
        """All pages of the site."""
        return self.chapters + self.looked_up

    @property
    def running(self) -> tuple[Chapter, ...]:
        """The chapters that have cells to execute."""
        return tuple(chapter for chapter in self.chapters if chapter.runs)

    @property
    def teaching(self) -> tuple[Chapter, ...]:
        """The chapters proper; see `Chapter.teaches`."""
        return tuple(chapter for chapter in self.chapters if chapter.teaches)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What `_config.yml` says.

        Raises:
            ValueError: it is not understood.
        """
        settings = self._mapping("_config.yml")
        _must_be(str, "_config.yml: 'title'", settings.get("title"))
        _must_be(dict, "_config.yml: 'repository'", settings.get("repository", {}))
        return settings

    @property
    def sources(self) -> str:
        """Where the files of its repository can be read, by `_config.yml`; empty if that names none."""
        repository = self.settings.get("repository", {})
        return f"{repository['url']}/blob/{repository.get('branch', 'main')}" if repository.get("url") else ""

    @cached_property
    def times(self) -> RunTimes:
        """The execution times that are stored with the book."""
        return RunTimes.read(self.root)

    @cached_property
    def outcomes(self) -> tuple[outcomes.Outcome, ...]:
        """What has run where, as stored with the book."""
        return outcomes.read(self.root)

    @cached_property
    def modules(self) -> tuple[agendas.Agenda, ...]:
        """What one more day of a workshop can be put together from; none if it has no file of them."""
        return agendas.modules(self.root) if (self.root / agendas.MODULES).is_file() else ()

    @cached_property
    def agendas(self) -> tuple[agendas.Agenda, ...]:
        """The agendas of its workshops; none if it has no file of them."""
        return agendas.read(self.root) if (self.root / agendas.FILE).is_file() else ()

    @cached_property
    def _toc(self) -> dict[str, Any]:
        toc = self._mapping("_toc.yml")
        _must_be_page("'root'", toc.get("root"))
        for part in _must_be(list, "_toc.yml: 'parts'", toc.get("parts", [])):
            _must_be(dict, "_toc.yml: a part", part)
            for entry in _must_be(list, "_toc.yml: the 'chapters' of a part", part.get("chapters")):
                _must_be_entry(entry, {"file", "sections"})
                for below in _must_be(list, "_toc.yml: 'sections'", entry.get("sections", [])):
                    _must_be_entry(below, {"file"})
        return toc

    def _mapping(self, name: str) -> dict[str, Any]:
        try:
            return _must_be(dict, name, yaml.safe_load(read_text(self.root / name)))
        except yaml.YAMLError as error:
            raise ValueError(f"{name}: {error}") from error

    def _chapter(self, name: str) -> Chapter:
        _refuse_names_that_lead_astray("a chapter", name)
        path = self.root / f"{name}.md"
        written = read_text(path)
        if bad := _CONTROL.search(written):
            line = written.count("\n", 0, bad.start()) + 1
            raise ValueError(f"{name}: line {line} holds U+{ord(bad[0]):04X}, a control character: take it out")
        try:
            own = (read_topmatter(written) or {}).get("gluonbook") or {}
        except TopmatterReadError as error:
            raise ValueError(f"{name}: the front matter is not understood: {error}") from error
        said = f"{name}: front matter 'gluonbook'"
        if unknown := set(_must_be(dict, said, own)) - {"data", "timed"}:
            raise ValueError(f"{said} has {sorted(map(str, unknown))}; legal are 'data' and 'timed'")
        return Chapter(
            name=name,
            path=path,
            runs=is_myst_markdown_notebook(written),
            needs=self._needs(name, own["data"]) if "data" in own else (),
            timed=flag(f"{name}: front matter 'gluonbook: timed'", own.get("timed", False)),
        )

    def _needs(self, name: str, data: str) -> tuple[str, ...]:
        try:
            paths.manifest_entry(data, self.root / "data/manifest.json")
        except ValueError as error:
            raise ValueError(f"{name}: front matter 'gluonbook: data': {error}") from None
        taken = digits_or(data)
        return () if taken == "digits" else (taken,)


def _must_be(kind: type[_Kind], what: str, value: Any) -> _Kind:
    """`value`; raises ValueError that names it unless YAML has made a `dict`, a `list` or a `str` of it, as asked."""
    if not isinstance(value, kind):
        raise ValueError(f"{what} must be {_KINDS[kind]}, got {value!r}")
    return value


def _must_be_page(what: str, value: Any) -> None:
    if not isinstance(value, str) or "/" not in value:
        raise ValueError(f"_toc.yml: {what} must be a page in a folder, as 'chapters/intro', got {value!r}")


def _must_be_entry(entry: Any, known: set[str]) -> None:
    if extra := set(_must_be(dict, "_toc.yml: a chapter", entry)) - known:
        raise ValueError(
            f"_toc.yml: a chapter has {', '.join(sorted(map(str, extra)))}; "
            "this book knows 'file', and 'sections' with a 'file' each"
        )
    _must_be_page("the 'file' of a chapter", entry.get("file"))


def _refuse_names_that_lead_astray(what: str, path: str) -> None:
    """SQLAlchemy takes the path of a data base for a part of a URL, and SQLite takes UTF-8."""
    if re.search(r"\?|%[0-9A-Fa-f]{2}|[\ud800-\udfff]", path):
        raise ValueError(
            f"{what} lies in {path!r}, where the data base of executed chapters cannot be opened: "
            "take ?, % and what is not UTF-8 out of its names"
        )
