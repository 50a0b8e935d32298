"""A Sphinx extension for what jupyter-book does not do.

Under each title it says how long the page takes to read and to run, where and when it was executed, and offers the
notebook; its directive `parts` lists the parts and chapters of the book with the same minutes; and it takes the
alternative text of an image from the output itself (`plots` writes it there), not only from the cell's metadata.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gluonbook.book.chapters import Book
from gluonbook.book.times import duration

WORDS_A_MINUTE = 180  # a reader of a technical text, who looks at the code too


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("gluonbook_generated", "_build/generated", "env")
    app.connect("doctree-read", _count_words)
    app.connect("html-page-context", _under_the_title)
    app.connect("html-page-context", _without_misfits, priority=900)
    app.add_directive("parts", PartsDirective)
    app.add_node(Parts)
    app.connect("doctree-resolved", _fill_parts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@final
class AltText:
    """A renderer for MyST-NB: images whose output metadata holds an `alt`."""

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        alt = data.output_metadata.get(data.mime_type, {}).get("alt") if data.mime_type.startswith("image/") else None
        if alt is None:
            return None
        images = renderer.render_image(data)
        for image in images:
            image.setdefault("alt", alt)
        return images


@final
class Parts(nodes.General, nodes.Element):
    """Where the list of parts will stand: only when all pages are read are their titles and minutes known."""


@final
class PartsDirective(SphinxDirective):
    """``parts``: the parts of `_toc.yml` and their chapters, each with the minutes that it takes to read and to run."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # its text depends on all other pages
        return [Parts()]


def _fill_parts(app: Sphinx, doctree: nodes.document, page: str) -> None:
    for place in doctree.findall(Parts):
        _, *behind_the_first_page = Book(Path(app.srcdir)).parts
        parts = nodes.bullet_list(classes=["gb-parts"])
        for part in behind_the_first_page:
            names = [chapter.name for chapter in part.chapters]
            caption = nodes.paragraph("", "", nodes.strong("", part.title), nodes.Text(_takes(app, names)))
            chapters = nodes.bullet_list("", *(_chapter(app, page, name) for name in names))
            parts += nodes.list_item("", caption, chapters)
        place.replace_self(parts)


def _chapter(app: Sphinx, page: str, name: str) -> nodes.list_item:
    title = app.env.titles[name].astext()
    address = app.builder.get_relative_uri(page, name)
    link = nodes.reference("", "", nodes.inline("", title), refuri=address, internal=True)
    return nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(_takes(app, [name]))))


def _takes(app: Sphinx, names: list[str]) -> str:
    """The minutes of some pages: to read, and to run where they run."""
    executed = _executed(app)
    minutes = sum(_minutes(app.env.metadata[name].get("gluonbook_words", 0)) for name in names)
    seconds = [executed[name]["seconds"] for name in names if name in executed]
    return f" · reads in {_spoken(minutes)}" + (f", runs in {duration(sum(seconds))}" if seconds else "")


def _executed(app: Sphinx) -> dict[str, dict]:
    """Where and when each page was executed, by name; pages without cells are not in it."""
    file = Path(app.srcdir, app.config.gluonbook_generated, "executed.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _minutes(words: int) -> int:
    return max(1, round(words / WORDS_A_MINUTE))


def _spoken(minutes: int) -> str:
    return duration(60 * minutes) if minutes > 1 else "1 min"


def _count_words(app: Sphinx, doctree: nodes.document) -> None:
    words = sum(len(node.astext().split()) for node in doctree.findall(nodes.Text))
    app.env.metadata[app.env.docname]["gluonbook_words"] = words


def _under_the_title(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    provenance = _executed(app).get(page)
    if doctree is None or provenance is None:
        return
    line = describe(provenance, app.env.metadata[page].get("gluonbook_words", 0), Path(page).name)
    context["body"] = re.sub(r"(</h1>)", lambda match: match[1] + line, context["body"], count=1)


def _without_misfits(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Take out what jupyter-book and Sphinx put on every page, and what makes browsers and screen readers complain.

    Thebe, which no button of ours starts, declares its constants twice and names a script elsewhere; a list of
    citations has the role of a list, but its entries have roles of their own, now deprecated: it is a list of nothing.
    """
    context["script_files"] = [
        file
        for file in context["script_files"]
        if "thebe" not in f"{file} {getattr(file, 'attributes', {}).get('body', '')}".lower()
    ]
    if doctree is not None:
        context["body"] = re.sub(r' role="(doc-biblioentry|list)"', "", context["body"])


def describe(provenance: dict, words: int, name: str) -> str:
    """The line under a title, as HTML."""
    machine, versions = provenance["machine"], provenance["versions"]
    minutes, runs = _minutes(words), duration(provenance["seconds"])
    return (
        f'<p class="gb-page-info">Reads in about {minutes} min · runs in {runs} '
        f"({provenance['profile']} profile, {machine['cpu']}, {machine['cores']} cores, MXNet {versions['mxnet']}, "
        f"{provenance['date']}) · "
        f'<a href="{name}.ipynb" download>notebook (.ipynb)</a></p>'
    )
