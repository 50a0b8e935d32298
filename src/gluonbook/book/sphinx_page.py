"""A Sphinx extension for two things that MyST-NB does not do.

Under each title it says how long the page takes to read and to run, where and when it was executed, and offers the
notebook; and it takes the alternative text of an image from the output itself (`plots` writes it there), not only from
the cell's metadata.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from gluonbook.doctor.report import duration

WORDS_A_MINUTE = 180  # a reader of a technical text, who looks at the code too


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("gluonbook_generated", "_build/generated", "env")
    app.connect("doctree-read", _count_words)
    app.connect("html-page-context", _under_the_title)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


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


def _count_words(app: Sphinx, doctree: nodes.document) -> None:
    words = sum(len(node.astext().split()) for node in doctree.findall(nodes.Text))
    app.env.metadata[app.env.docname]["gluonbook_words"] = words


def _under_the_title(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    file = Path(app.srcdir, app.config.gluonbook_generated, "executed.json")
    provenance = json.loads(file.read_text()).get(page) if file.exists() else None
    if doctree is None or provenance is None:
        return
    line = describe(provenance, app.env.metadata[page].get("gluonbook_words", 0), Path(page).name)
    context["body"] = re.sub(r"(</h1>)", lambda match: match[1] + line, context["body"], count=1)


def describe(provenance: dict, words: int, name: str) -> str:
    """The line under a title, as HTML."""
    machine, versions = provenance["machine"], provenance["versions"]
    minutes, runs = max(1, round(words / WORDS_A_MINUTE)), duration(provenance["seconds"])
    return (
        f'<p class="gb-page-info">Reads in about {minutes} min · runs in {runs} '
        f"({provenance['profile']} profile, {machine['cpu']}, {machine['cores']} cores, MXNet {versions['mxnet']}, "
        f"{provenance['date']}) · "
        f'<a href="{name}.ipynb" download>notebook (.ipynb)</a></p>'
    )
