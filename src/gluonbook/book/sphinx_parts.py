"""The parts of the book on a page: as cards with a picture each, and as a list, with the minutes that they take.

A picture is a figure of a chapter, named by its label: the very file that the chapter shows, with the same text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, cast, final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from gluonbook.book.agendas import Agenda
from gluonbook.book.chapters import Book, Part
from gluonbook.book.times import duration

WORDS_A_MINUTE = 180  # a reader of a technical text, who looks at the code too
_LOG = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    """The directives `part-card` and `parts`."""
    app.add_directive("part-card", CardDirective)
    app.add_directive("parts", PartsDirective)
    app.add_node(Card)
    app.add_node(Parts)
    app.connect("doctree-resolved", _fill)


def executed(app: Sphinx) -> dict[str, dict]:
    """Where and when each page was executed, by name; pages without cells are not in it."""
    file = Path(app.srcdir, app.config.gluonbook_generated, "executed.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def minutes(words: int) -> int:
    """How long so many words take to read, one minute at least."""
    return max(1, round(words / WORDS_A_MINUTE))


@final
class Card(nodes.General, nodes.Element):
    """Where a card will stand: only when all pages are read are titles, minutes and pictures known."""


@final
class Parts(nodes.General, nodes.Element):
    """Where the list of parts will stand."""


@final
class CardDirective(SphinxDirective):
    """``part-card``: a part, named by the folder of its chapters, or the page of the workshop, with a few words on it.

    The option `picture` is the label of a figure. A part shows its minutes and chapters, the workshop its agendas.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"picture": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # it depends on all other pages
        card = Card(about=self.arguments[0], picture=self.options.get("picture"))
        self.set_source_info(card)
        self.state.nested_parse(self.content, self.content_offset, card)
        return [card]


@final
class PartsDirective(SphinxDirective):
    """``parts``: the parts that have no card on the page, and their chapters, each with the minutes that it takes."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        return [Parts()]


def _fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    cards, lists = list(doctree.findall(Card)), list(doctree.findall(Parts))
    if not cards and not lists:
        return
    book = Book(Path(app.srcdir))
    _, *parts = book.parts
    for card in cards:
        card.replace_self(nodes.container("", *_card(app, page, card, book), classes=["gb-card"]))
    shown = {card["about"] for card in cards}
    for place in lists:
        left = [_part(app, page, part) for part in parts if _folder(part) not in shown]
        place.replace_self(_list([nodes.list_item("", caption, *chapters) for caption, chapters in left]))


def _card(app: Sphinx, page: str, card: Card, book: Book) -> list[nodes.Node]:
    """What a card shows: a picture, a title with the words that it was given, and a list."""
    about = card["about"]
    parts = {_folder(part): part for part in book.parts[1:]}
    if about in parts:
        caption, below = _part(app, page, parts[about])
    elif about in app.env.titles:
        caption = nodes.paragraph("", "", nodes.strong("", "", _link(app, page, about)), _takes(app, [about]))
        below = _list([nodes.list_item("", nodes.paragraph("", "", _day(app, day))) for day in book.agendas])
    else:
        _LOG.warning("there is no part and no page %r; parts are %s", about, ", ".join(parts), location=card)
        return []
    words = nodes.container("", caption, *card.children, classes=["gb-card-text"])
    return [*_picture(app, page, card), words, *below]


def _list(items: list[nodes.list_item]) -> list[nodes.bullet_list]:
    """One list of them, or none at all."""
    return [nodes.bullet_list("", *items, classes=["gb-parts"])] if items else []


def _folder(part: Part) -> str:
    """Where its chapters lie; the back matter and what comes before the parts are listed by it, too."""
    return part.chapters[-1].name.rpartition("/")[0]


def _picture(app: Sphinx, page: str, card: Card) -> list[nodes.Node]:
    """The picture of a card, and a link to where it is from."""
    label = card["picture"]
    if label is None:
        return []
    name, place = cast(StandardDomain, app.env.get_domain("std")).anonlabels.get(label, ("", ""))
    images: list[nodes.image] = []
    if name:
        figures = (node for node in app.env.get_doctree(name).findall(nodes.Element) if place in node["ids"])
        images = [image for figure in figures for image in figure.findall(nodes.image)]
    found = sorted(images, key=lambda image: not image["uri"].endswith(".svg"))  # of an output in several forms
    if not found:
        _LOG.warning("there is no figure %r with a picture", label, location=card)
        return []
    # Without its names and sizes: those belong to the figure in its chapter.
    image = nodes.image(**{key: found[0][key] for key in ("uri", "candidates", "alt") if key in found[0]})
    source = nodes.paragraph("", "", nodes.Text("Picture: "), _link(app, page, name, place), classes=["gb-card-source"])
    return [nodes.container("", image, source, classes=["gb-card-picture"])]


def _part(app: Sphinx, page: str, part: Part) -> tuple[nodes.paragraph, list[nodes.bullet_list]]:
    names = [chapter.name for chapter in part.chapters]
    caption = nodes.paragraph("", "", nodes.strong("", part.title), _takes(app, names))
    entries = (nodes.paragraph("", "", _link(app, page, name), _takes(app, [name])) for name in names)
    return caption, _list([nodes.list_item("", entry) for entry in entries])


def _link(app: Sphinx, page: str, name: str, place: str = "") -> nodes.reference:
    address = app.builder.get_relative_uri(page, name) + (f"#{place}" if place else "")
    return nodes.reference("", "", nodes.inline("", app.env.titles[name].astext()), refuri=address, internal=True)


def _takes(app: Sphinx, names: list[str]) -> nodes.Text:
    """The minutes of some pages: to read, and to run where they run. Nobody reads a list with a minute of words."""
    read = sum(minutes(app.env.metadata[name].get("gluonbook_words", 0)) for name in names)
    if read <= 1 and all(app.env.metadata[name].get("gluonbook_looked_up") for name in names):
        return nodes.Text(" · to look things up in")
    spoken = duration(60 * read) if read > 1 else "1 min"
    return nodes.Text(f" · reads in {_unbroken(spoken)}" + _runs(app, names, ", runs in"))


def _day(app: Sphinx, day: Agenda) -> nodes.Text:
    return nodes.Text(f"{day.title}: {day.minutes}\xa0min" + _runs(app, day.chapters, ", its cells run in"))


def _runs(app: Sphinx, names: Iterable[str], said: str) -> str:
    """How long those of the pages run that do, after a few words."""
    known = executed(app)
    seconds = [known[name]["seconds"] for name in names if name in known]
    return f"{said} {_unbroken(duration(sum(seconds)))}" if seconds else ""


def _unbroken(words: str) -> str:
    """The words on one line: a number, and its unit."""
    return words.replace(" ", "\xa0")
