"""A Sphinx extension for what jupyter-book does not do.

Under each title it says how long the page takes to read and to run, where and when it was executed, and offers the
notebook; it takes the alternative text of an image from the output itself (`plots` writes it there), not only from the
cell's metadata; and it has the directives of `sphinx_parts`, which show the parts of the book with the same minutes,
and the typography of `sphinx_typography`.
The directive `looked-up` says that nobody reads through the rest of a page, such as a long table: it counts no minutes.
"""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import Any, final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gluonbook.book import sphinx_parts, sphinx_typography
from gluonbook.book.sphinx_parts import executed, minutes
from gluonbook.book.times import duration


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("gluonbook_generated", "_build/generated", "env")
    app.add_directive("looked-up", LookedUpDirective)
    app.add_node(LookedUp)
    app.connect("doctree-read", _count_words)
    app.connect("html-page-context", _under_the_title)
    app.connect("html-page-context", _without_misfits, priority=900)
    app.connect("html-page-context", _with_named_folds, priority=900)
    sphinx_parts.setup(app)
    sphinx_typography.setup(app)
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
class LookedUp(nodes.General, nodes.Element):
    """Where what there is to read on a page ends; it is gone as soon as the words are counted."""


@final
class LookedUpDirective(SphinxDirective):
    """``looked-up``: what stands behind it on its page is there to look something up."""

    def run(self) -> list[nodes.Node]:
        return [LookedUp()]


def words_to_read(doctree: nodes.document) -> int:
    """How many words there are to read before what is only looked up.

    Of HTML from cells those between tags count, and none of a drawing or a script.
    """
    found = doctree.findall(lambda node: isinstance(node, (nodes.Text, LookedUp)))
    return sum(len(_read(node).split()) for node in takewhile(lambda node: isinstance(node, nodes.Text), found))


def _read(node: nodes.Text) -> str:
    if not isinstance(node.parent, nodes.raw):
        return node.astext()
    return re.sub(r"(?s)<(svg|script|style)\b.*?</\1>|<[^>]*>", " ", node.astext())


def _count_words(app: Sphinx, doctree: nodes.document) -> None:
    marks = list(doctree.findall(LookedUp))
    about = app.env.metadata[app.env.docname]
    about["gluonbook_words"], about["gluonbook_looked_up"] = words_to_read(doctree), bool(marks)
    for mark in marks:
        mark.parent.remove(mark)


def _under_the_title(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    provenance = executed(app).get(page)
    if doctree is None or provenance is None:
        return
    line = describe(provenance, app.env.metadata[page].get("gluonbook_words", 0), Path(page).name)
    context["body"] = re.sub(r"(</h1>)", lambda match: match[1] + line, context["body"], count=1)


def _without_misfits(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Take out what jupyter-book and Sphinx put on every page, and what makes browsers and screen readers complain.

    Thebe, which no button of ours starts, declares its constants twice and names a script elsewhere; a list of
    citations has the role of a list, but its entries have roles of their own, now deprecated: it is a list of nothing;
    and the parameters of a long signature are definitions of no term.
    """
    context["script_files"] = [
        file
        for file in context["script_files"]
        if "thebe" not in f"{file} {getattr(file, 'attributes', {}).get('body', '')}".lower()
    ]
    if doctree is not None:
        context["body"] = as_list_of_parameters(re.sub(r' role="(doc-biblioentry|list)"', "", context["body"]))


def as_list_of_parameters(body: str) -> str:
    """The HTML of a page, in which the parameters of a signature are a list where each has a line of its own."""
    return re.sub(
        r'<dl>\s*<dd><em class="sig-param">.*?</dl>',
        lambda match: match[0].replace("<dl>", '<dl role="list">').replace("<dd>", '<dd role="listitem">'),
        body,
        flags=re.DOTALL,
    )


def _with_named_folds(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Name what folds the sidebar's pages under a page: the theme gives it an arrow, and a screen reader nothing."""
    if "generate_toctree_html" not in context:
        return
    listed = context["generate_toctree_html"]

    def named(*arguments: Any, **options: Any) -> Any:
        tree = listed(*arguments, **options)
        for entry in tree.select("li:has(> details)"):
            entry.select("summary")[0]["aria-label"] = f"Pages under {entry.select('a')[0].get_text(strip=True)}"
        return tree

    context["generate_toctree_html"] = named


def describe(provenance: dict, words: int, name: str) -> str:
    """The line under a title, as HTML."""
    machine, versions = provenance["machine"], provenance["versions"]
    runs = duration(provenance["seconds"])
    return (
        f'<p class="gb-page-info">Reads in about {minutes(words)} min · runs in {runs} '
        f"({provenance['profile']} profile, {machine['cpu']}, {machine['cores']} cores, MXNet {versions['mxnet']}, "
        f"{provenance['date']}) · "
        f'<a href="{name}.ipynb" download>notebook (.ipynb)</a></p>'
    )
