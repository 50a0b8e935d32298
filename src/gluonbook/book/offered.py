"""What the package offers to whoever takes it home, read off its files; nothing of it is imported.

Offered is what a room names in `__all__`; what chapters import besides, a module as a whole or names of one; what the
docstrings of all these call by its full name; and what classes among these are made from. Not offered is what builds
the book, looks at the machine or checks exercises.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Union, final

import griffe

from gluonbook.book.chapters import Book
from gluonbook.book.uses import BUILDERS, NAME, of_chapter

LEFT_OUT = (*BUILDERS, f"{NAME}.exercises", f"{NAME}.cli")
FOLDER = "package"  # of the pages about it, among the chapters
MODULES = "modules"  # the page of what lies in no room, or in one without a page
Thing = Union[griffe.Class, griffe.Function, griffe.Attribute]
_FULL_NAME = re.compile(rf"`({NAME}(?:\.\w+)+)`")


@final
@dataclass(frozen=True)
class Entry:
    """A function, class or constant, by the name under which it is imported."""

    name: str  # in full: "gluonbook.training.fit"
    thing: Thing

    @property
    def module(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def short(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def is_constant(self) -> bool:
        return isinstance(self.thing, griffe.Attribute)


def read(sources: Path) -> griffe.Module:
    """The package as its files below `sources` are now, with the docstrings in their sections."""
    quiet: griffe.GoogleOptions = {"warnings": False}  # Google's sections are a custom of ours, not a rule
    package = griffe.load(NAME, search_paths=[sources], docstring_parser="google", docstring_options=quiet)
    assert isinstance(package, griffe.Module)
    return package


def of(book: Book) -> Offer:
    """What the package in the checkout of a book offers."""
    used = [of_chapter(chapter.text()).names for chapter in book.running]
    rooms = {page.key.partition("/")[2] for page in book.looked_up if page.folder == FOLDER}
    return Offer(read(book.root / "src"), used, rooms)


@final
class Offer:
    """All entries of a package, whose chapters use these names (`uses.Uses.names` of each); some rooms have a page."""

    def __init__(self, package: griffe.Module, used: Iterable[frozenset[str]], rooms: Collection[str]) -> None:
        self.package = package
        self.rooms = rooms
        self._found: dict[str, set[str]] = {}  # what of each module
        inner = list(self._add_exports(package))
        self._exported = {entry.thing.canonical_path for entry in self._all()}
        for name in inner:
            self.add(name)
        for names in used:
            for name in names:
                self.add(name, alone=not any(other.startswith(f"{name}.") for other in names))
        self._add_named_in_full()

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """By their full names, in their order."""
        return {entry.name: entry for entry in sorted(self._all(), key=lambda entry: (entry.module, entry.is_constant))}

    @property
    def modules(self) -> list[str]:
        return sorted(self._found)

    @property
    def pages(self) -> dict[str, list[str]]:
        """The modules of each page, by the name of the room; the others are on one page, the last."""
        found: dict[str, list[str]] = {}
        for module in self.modules:
            found.setdefault(self.page(module), []).append(module)
        return dict(sorted(found.items(), key=lambda item: (item[0] == MODULES, item[0])))

    def page(self, module: str) -> str:
        """The page on which a module stands."""
        room = module.split(".")[1]
        return room if room in self.rooms else MODULES

    def members(self, module: str) -> list[Entry]:
        """The entries of one module."""
        return [entry for entry in self.entries.values() if entry.module == module]

    def known(self, name: str) -> str | None:
        """The full name of an entry, or of a module on the pages, for any name under which it can be imported."""
        if name in self._found or name in self.entries:
            return name
        thing = self._thing(name)
        return self._names.get(thing.canonical_path) if thing else None

    def add(self, name: str, alone: bool = True) -> None:
        """Offer a name, if it is one of ours; a module only if it is used `alone`, not for what is imported of it."""
        if not name.startswith(f"{NAME}.") or name.startswith(LEFT_OUT):
            return
        if module := self.module(name):
            if alone and name not in self._found:
                new = {member.name for member in _own(module) if member.canonical_path not in self._exported}
                self._found.update({name: new} if new else {})
        elif (thing := self._thing(name)) and thing.canonical_path not in self._exported:
            module_name, _, short = thing.canonical_path.rpartition(".")
            self._found.setdefault(module_name, set()).add(short)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {entry.thing.canonical_path: entry.name for entry in self.entries.values()}

    def _all(self) -> Iterator[Entry]:
        for module in self.modules:
            names = (f"{module}.{name}" for name in sorted(self._found[module], key=str.lower))
            yield from (Entry(name, thing) for name in names if (thing := self._thing(name)))

    def _add_exports(self, module: griffe.Module) -> Iterator[str]:
        """Offer what each room names; the modules among that are returned."""
        for room in module.modules.values():
            if room.exports and not room.path.startswith(LEFT_OUT):
                names = {f"{room.path}.{name}" for name in room.exports}
                inner = {name for name in names if self.module(name)}
                self._found[room.path] = {name.rpartition(".")[2] for name in names - inner}
                yield from inner
            elif not room.is_alias:
                yield from self._add_exports(room)

    def _add_named_in_full(self) -> None:
        """Until nothing is new: what is added may name more."""
        seen: set[str] = set()
        while new := set(self._named()) - seen:
            seen |= new
            for name in new:
                self.add(name)

    def _named(self) -> Iterator[str]:
        for module, names in list(self._found.items()):
            yield from _FULL_NAME.findall(docstring(self.module(module)))
            for name in list(names):
                if thing := self._thing(f"{module}.{name}"):
                    yield from _FULL_NAME.findall(docstring(thing))
                    yield from bases(thing)

    def module(self, name: str) -> griffe.Module | None:
        """A module of the package, offered or not; None where there is none."""
        found = self._get(name)
        return found if isinstance(found, griffe.Module) else None

    def _thing(self, name: str) -> Thing | None:
        found = self._get(name)
        return found if isinstance(found, (griffe.Class, griffe.Function, griffe.Attribute)) else None

    def _get(self, name: str) -> griffe.Object | None:
        try:
            found = self.package[name.removeprefix(f"{NAME}.")]
            found = found.final_target if isinstance(found, griffe.Alias) else found
        except (KeyError, griffe.AliasResolutionError):
            return None
        # A room may offer a function from the module of its name; then Python finds the function under that name.
        same = found.members.get(found.name) if isinstance(found, griffe.Module) else None
        offered = same and found.parent and found.name in (found.parent.exports or ())
        return same if offered and isinstance(same, griffe.Object) else found


def bases(thing: griffe.Object) -> list[str]:
    """What a class is made from, by full names; a docstring may leave arguments and errors to that."""
    made_from = thing.bases if isinstance(thing, griffe.Class) else []
    return [base if isinstance(base, str) else base.canonical_path for base in made_from]


def _own(module: griffe.Module) -> Iterator[griffe.Object]:
    """What a module defines for others: its functions and classes."""
    for member in module.members.values():
        if isinstance(member, (griffe.Class, griffe.Function)) and not member.name.startswith("_"):
            yield member


def docstring(thing: griffe.Object | None) -> str:
    """As it is written, without its indentation."""
    return thing.docstring.value if thing and thing.docstring else ""
