"""The words of the trade, and the book's own: what each means in a sentence or two, and where it is explained.

They are written down in `chapters/back_matter/words.yml`, in the order of the alphabet. An entry *says* what its *term*
means, in MyST Markdown; *also* lists other names of it, *symbol* is what the book writes for it, in TeX, and
*where* lists places, as `concordance` has them. An entry that says nothing sends to another, which it names in *see*.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import yaml

from gluonbook.book.chapters import Book
from gluonbook.book.concordance import Places
from gluonbook.storage.text import read_text

FILE = "chapters/back_matter/words.yml"
_LINK = re.compile(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`")  # to an entry, by one of its names
_NO_PROSE = re.compile(r"\{\w+\}`[^`]*`|`[^`]*`|\$[^$]*\$")


@final
@dataclass(frozen=True)
class Entry:
    """One word.

    Raises:
        ValueError: it neither says what it means, and names a place where the book explains it, nor sends to another.
    """

    term: str
    says: str = ""
    where: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    symbol: str = ""
    see: str = ""

    def __post_init__(self) -> None:
        own = self.says and self.where
        if own if self.see else not own:
            raise ValueError(f"{self.term!r} needs either 'says' and 'where', or 'see'")
        if self.see and (self.says or self.where or self.also or self.symbol):
            raise ValueError(f"{self.term!r} sends to {self.see!r}, and has nothing else to say")

    @property
    def names(self) -> tuple[str, ...]:
        return (self.term, *self.also)


def read(root: Path) -> tuple[Entry, ...]:
    """The words of the book in the folder `root`.

    Raises:
        ValueError: the file is not understood.
    """
    try:
        return tuple(_entry(entry) for entry in yaml.safe_load(read_text(root / FILE)))
    except (AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{FILE}: {type(error).__name__}: {error}") from error


def problems(entries: Sequence[Entry], book: Book) -> list[str]:
    """What is wrong: names that repeat, entries out of order, links that lead nowhere, and links that are missing.

    A word that stands further down the page is a link where an entry uses it.
    """
    known = {name: entry for entry in entries for name in entry.names}
    found = [f"two entries are called {name!r}" for name in _twice(entries)]
    for before, after in zip(entries, entries[1:]):
        if _key(before) > _key(after):
            found.append(f"{after.term!r} comes before {before.term!r} in the alphabet")
    for number, entry in enumerate(entries):
        linked = set(_LINK.findall(entry.says)) | ({entry.see} if entry.see else set())
        found += [f"{entry.term!r} names {link!r}, which is no entry" for link in sorted(linked - set(known))]
        to = {known[link].term for link in linked if link in known}
        prose = _NO_PROSE.sub(" ", entry.says)
        for later in entries[number + 1 :]:
            used = [name for name in later.names if re.search(rf"\b{re.escape(name)}(e?s)?\b", prose, re.IGNORECASE)]
            if used and later.term not in to:
                found.append(f"{entry.term!r} uses {used[0]!r} without a link to it")
        if entry.see in known and known[entry.see].see:
            found.append(f"{entry.term!r} sends to {entry.see!r}, which sends on")
        try:
            _links(entry, book)
        except ValueError as error:
            found.append(f"{entry.term!r}: {error}")
    return found


def markdown(entries: Sequence[Entry], book: Book) -> str:
    """The words as MyST Markdown: a glossary, to which `{term}` leads from every page.

    A place on a page that lies in the book's folder, and that its table of contents leaves out, is left out.

    Raises:
        ValueError: see `problems`.
    """
    if wrong := problems(entries, book):
        raise ValueError(f"{FILE}: " + "; ".join(wrong))
    names = sum(len(entry.names) for entry in entries)
    shown = "\n\n".join(_shown(entry, book) for entry in entries)
    return f"{names} words in {len(entries)} entries.\n\n````{{glossary}}\n{shown}\n````\n"


def _shown(entry: Entry, book: Book) -> str:
    if entry.see:
        return f"{entry.term}\n  See {{term}}`{entry.see}`."
    tail = [f"Symbol ${entry.symbol}$."] if entry.symbol else []
    if links := _links(entry, book):
        tail.append(f"In {links}.")
    paragraphs = [entry.says, *([" ".join(tail)] if tail else [])]
    return "\n".join(entry.names) + "\n" + "\n\n".join(f"  {paragraph}" for paragraph in paragraphs)


def _links(entry: Entry, book: Book) -> str:
    """Where the word is explained, on the pages that the book shows."""
    shown = {chapter.key for chapter in book.chapters}
    places = [place for place in entry.where if _page(place) in shown or not _exists(book.root, _page(place))]
    return Places(book.chapters).links(places)


def _page(place: str) -> str:
    return re.split("#| § ", place, maxsplit=1)[0]


def _exists(root: Path, key: str) -> bool:
    return (root / "chapters" / f"{key}.md").is_file()


def _key(entry: Entry) -> str:
    """What decides the order: letters and digits, in lower case."""
    return re.sub(r"[^a-z0-9]+", " ", entry.term.lower())


def _twice(entries: Sequence[Entry]) -> Iterator[str]:
    counts = Counter(name.lower() for entry in entries for name in entry.names)
    return (name for name, count in counts.items() if count > 1)


def _entry(entry: dict) -> Entry:
    lists = {name: tuple(entry[name]) for name in ("where", "also") if name in entry}
    return Entry(**{**entry, **lists})
