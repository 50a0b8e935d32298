"""The pages on what the package offers, in MyST Markdown: a page for each room, made from the docstrings.

Sphinx's domain for Python gets them, so that each name can be searched for, linked to, and found in `objects.inv`.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from typing import final

import griffe

from gluonbook.book.chapters import Chapter
from gluonbook.book.offered import FOLDER, MODULES, Entry, Offer, bases, docstring
from gluonbook.book.uses import NAME, of_chapter

_VALUE = 60  # characters of a constant that are shown
_CODE = re.compile(r"(``.+?``|`[^`]*`)", re.DOTALL)
_NAMED = re.compile(r"^`([A-Za-z_][\w.]*)(\([^`]*\))?`$")
_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5})\b")
_STARS = {
    griffe.ParameterKind.var_positional: "*",
    griffe.ParameterKind.var_keyword: "**",
}


def markdown(offer: Offer, repository: str) -> dict[str, str]:
    """The text of each page, by the name of its room, and of `index`, their list.

    Args:
        repository: where the sources can be read: "https://…/blob/main"; no links to them if it is empty.
    """
    texts = {room: _page(offer, room, modules, repository) for room, modules in offer.pages.items()}
    rooms = "\n".join(_row(offer, room, modules) for room, modules in offer.pages.items())
    return {**texts, "index": f"{rooms}\n"}


def taken(offer: Offer, chapter: Chapter) -> list[tuple[str, str, str]]:
    """What a chapter takes from the package: the name, the page and the place on it, in the order of the names.

    Of a module that is imported as a whole it is the names behind its dot, if there are such in the cells.
    """
    names = of_chapter(chapter.text()).names
    deepest = [name for name in names if not any(other.startswith(f"{name}.") for other in names)]
    code = "\n".join(cell.source for cell in chapter.notebook().cells if cell.cell_type == "code")
    found: set[str] = set()
    for name in deepest:
        behind = re.findall(rf"\b{re.escape(name.rpartition('.')[2])}\.(\w+)", code) if offer.module(name) else []
        known = {known for one in behind if (known := offer.known(f"{name}.{one}"))}
        found |= known or {known for known in [offer.known(name)] if known}
    return [
        (name.partition(".")[2], f"chapters/{FOLDER}/{offer.page(name)}", _anchor(offer, name))
        for name in sorted(found, key=str.lower)
    ]


def _anchor(offer: Offer, name: str) -> str:
    return name if name in offer.entries else f"module-{name}"


def _row(offer: Offer, room: str, modules: list[str]) -> str:
    page = f"/chapters/{FOLDER}/{room}"
    if room == MODULES:
        names = ", ".join(f"{{py:obj}}`{module.partition('.')[2]} <{module}>`" for module in modules)
        return f"- {{doc}}`{page}`: {names}."
    first = docstring(offer.module(f"{NAME}.{room}")).split("\n\n")[0]
    return f"- {{doc}}`{page}`: {_Prose(offer, f'{NAME}.{room}').inline(_one_line(first))}"


def _page(offer: Offer, room: str, modules: list[str], repository: str) -> str:
    whole = f"{NAME}.{room}"
    title = "# Single modules" if room == MODULES else f"# `{whole}`"
    parts = [title]
    if room != MODULES and whole not in modules:  # a room that is used by its modules alone
        parts.append(_Prose(offer, whole).text(docstring(offer.module(whole))))
    for module in modules:
        parts += [] if module == whole else [f"## `{module}`"]
        parts += [f":::{{py:module}} {module}\n:::", _Prose(offer, module).text(docstring(offer.module(module)))]
        parts += [_Written(offer, entry, repository).text() for entry in offer.members(module)]
    return "\n\n".join(parts) + "\n"


@final
class _Prose:
    """Text of docstrings, as Markdown: formulas and code apart, what it names linked."""

    def __init__(self, offer: Offer, module: str, own: str = "") -> None:
        self.offer = offer
        self.module = module
        self.own = own  # the entry whose text this is, which needs no link to itself

    def text(self, written: str) -> str:
        return "\n\n".join(
            _block(part) if indented else self.inline(part) for indented, part in _parts(written.strip("\n"))
        )

    def inline(self, written: str) -> str:
        pieces = _CODE.split(written)  # text and code in turns
        return "".join(_NAMED.sub(self._linked, piece) if n % 2 else _plain(piece) for n, piece in enumerate(pieces))

    def _linked(self, match: re.Match[str]) -> str:
        name = match[1]
        for full in (f"{self.own}.{name}", f"{self.module}.{name}", f"{NAME}.{name}", name):
            found = self.offer.known(full)
            if found and found != self.own:
                return f"{{py:obj}}`{match[0].strip('`')} <{found}>`"
        return match[0]


@final
class _Written:
    """One entry, with its methods."""

    def __init__(self, offer: Offer, entry: Entry, repository: str) -> None:
        self.offer = offer
        self.entry = entry
        self.repository = repository
        self.prose = _Prose(offer, entry.module, entry.name)

    def text(self) -> str:
        thing = self.entry.thing
        if isinstance(thing, griffe.Class):
            return self._class(thing)
        if isinstance(thing, griffe.Function):
            return self._directive("function", _signature(self.entry.short, thing), [*self._body(thing), self._code()])
        return self._directive("data", self.entry.short, [*self._body(thing), self._code()], {"value": _value(thing)})

    def _class(self, thing: griffe.Class) -> str:
        kind = "exception" if _is_exception(thing) else "class"
        methods = [self._method(member) for member in _members(thing)]
        body = [*self._body(thing), *self._bases(thing), self._code(), *methods]
        return self._directive(kind, _class_signature(self.entry.short, thing), body, fence=":" * 5)

    def _method(self, thing: griffe.Function | griffe.Attribute) -> str:
        if isinstance(thing, griffe.Attribute):
            options = {"type": str(thing.annotation)} if thing.annotation else {}
            return self._directive("property", thing.name, self._body(thing), options, fence=":" * 4)
        flags = {flag: "" for flag in ("classmethod", "staticmethod") if flag in thing.labels}
        own = 0 if "staticmethod" in flags else 1
        return self._directive("method", _signature(thing.name, thing, own), self._body(thing), flags, fence=":" * 4)

    def _directive(
        self, kind: str, signature: str, body: list[str], options: dict[str, str] | None = None, fence: str = ":::"
    ) -> str:
        head = [f"{fence}{{py:{kind}}} {signature}", *(f":{name}: {value}" for name, value in (options or {}).items())]
        return "\n".join(head) + "\n\n" + "\n\n".join(filter(None, body)) + f"\n{fence}"

    def _body(self, thing: griffe.Object) -> list[str]:
        sections = thing.docstring.parsed if thing.docstring else []
        return [self._section(section) for section in sections]

    def _section(self, section: griffe.DocstringSection) -> str:
        if section.kind is griffe.DocstringSectionKind.text:
            return self.prose.text(section.value)
        if section.kind is griffe.DocstringSectionKind.returns:
            return f"Returns: {self._list_of_returned(section)}"
        if section.kind is griffe.DocstringSectionKind.raises:
            rows = [(str(one.annotation), one.description) for one in section.value]
            return self._rows("Raises:", rows)
        title = {"parameters": "Arguments:", "attributes": "Attributes:"}[section.kind.value]
        return self._rows(title, [(one.name, one.description) for one in section.value])

    def _list_of_returned(self, section: griffe.DocstringSection) -> str:
        return self.prose.inline(" ".join(_one_line(one.description) for one in section.value))

    def _rows(self, title: str, rows: list[tuple[str, str]]) -> str:
        told = (f"- {self.prose.inline(f'`{name}`')}: {self.prose.inline(_one_line(text))}" for name, text in rows)
        return f"{title}\n\n" + "\n".join(told)

    def _bases(self, thing: griffe.Class) -> list[str]:
        known = [found for path in bases(thing) if (found := self.offer.known(path))]
        links = (f"{{py:obj}}`{name.rpartition('.')[2]} <{name}>`" for name in known)
        return [f"It is a {' and a '.join(links)}."] if known else []

    def _code(self) -> str:
        file = self.entry.thing.relative_package_filepath.as_posix()
        return f"Code: [`{file}`]({self.repository}/src/{file})" if self.repository else f"Code: `{file}`"


def _parts(written: str) -> Iterator[tuple[bool, str]]:
    """Paragraphs, and blocks that are set in by four spaces, as Markdown has code; a block may have empty lines."""
    indented, lines = False, []
    for paragraph in re.split(r"\n\s*\n", written):
        deep = all(line.startswith("    ") for line in paragraph.split("\n"))
        if deep and indented:
            lines.append(paragraph)
            continue
        if lines:
            yield indented, "\n\n".join(lines)
        indented, lines = deep, [paragraph]
    yield indented, "\n\n".join(lines)


def _block(written: str) -> str:
    code = textwrap.dedent(written)
    try:
        ast.parse(code)
        language = "python"
    except SyntaxError:  # a formula, or a line for a shell
        language = "text"
    return f"```{language}\n{code}\n```"


def _plain(text: str) -> str:
    """Text without what Markdown would take for HTML or a formula of TeX, and with links to papers."""
    return _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", re.sub(r"[<$]", r"\\\g<0>", text))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _signature(name: str, thing: griffe.Function, skipped: int = 0) -> str:
    returned = f" -> {thing.returns}" if thing.returns else ""
    return f"{name}({_parameters(list(thing.parameters)[skipped:])}){returned}"


def _class_signature(name: str, thing: griffe.Class) -> str:
    if any(str(base).endswith("NamedTuple") for base in thing.bases):
        return f"{name}({', '.join(_field(one) for one in thing.attributes.values() if one.annotation)})"
    parameters = list(thing.parameters)[1:]
    return f"{name}({_parameters(parameters)})" if parameters else name


def _field(attribute: griffe.Attribute) -> str:
    default = f" = {attribute.value}" if attribute.value else ""
    return f"{attribute.name}: {attribute.annotation}{default}"


def _parameters(parameters: list[griffe.Parameter]) -> str:
    written, stars = [], False
    for one in parameters:
        if one.kind is griffe.ParameterKind.keyword_only and not stars:
            written.append("*")
        stars |= one.kind in (griffe.ParameterKind.keyword_only, griffe.ParameterKind.var_positional)
        annotation = f": {one.annotation}" if one.annotation else ""
        variable = one.kind in _STARS
        default = "" if one.default is None or variable else f"{' = ' if annotation else '='}{_default(one)}"
        written.append(f"{_STARS.get(one.kind, '') if one.kind else ''}{one.name}{annotation}{default}")
    return ", ".join(written)


def _default(one: griffe.Parameter) -> str:
    """As it is written; but of a constant its value, which whoever calls the function need not look up."""
    module = one.function.module if one.function else None
    if module and isinstance(one.default, griffe.ExprName):
        constant = module.members.get(one.default.name)
        if isinstance(constant, griffe.Attribute):
            return _value(constant)
    return str(one.default)


def _members(thing: griffe.Class) -> Iterator[griffe.Function | griffe.Attribute]:
    """The methods and properties that a class itself describes for others."""
    for member in thing.members.values():
        if member.name.startswith("_") or member.is_alias or not member.docstring:
            continue
        if isinstance(member, griffe.Function):
            yield member
        if isinstance(member, griffe.Attribute) and "property" in member.labels:
            yield member


def _is_exception(thing: griffe.Class) -> bool:
    names = [str(base) for base in thing.bases]
    return any(name.endswith(("Error", "Exception", "Warning")) for name in names)


def _value(thing: griffe.Attribute) -> str:
    return textwrap.shorten(_one_line(str(thing.value)), _VALUE, placeholder=" …")
