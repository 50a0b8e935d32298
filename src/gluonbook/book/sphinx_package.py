"""A Sphinx extension: at the foot of each chapter, what it takes from the package, with links to its description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", _at_the_foot)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _at_the_foot(app: Sphinx, doctree: nodes.document, page: str) -> None:
    taken = _taken(app).get(page)
    sections = list(doctree.findall(nodes.section))
    if not taken or not sections:
        return
    line = nodes.paragraph("", "From the package: ", classes=["gb-taken"])
    for number, (name, where, place) in enumerate(taken):
        address = f"{app.builder.get_relative_uri(page, where)}#{place}"
        line += [nodes.Text(", ")] if number else []
        line += nodes.reference("", "", nodes.literal("", name), refuri=address, internal=True)
    line += nodes.Text(".")
    sections[0] += line


def _taken(app: Sphinx) -> dict[str, list[tuple[str, str, str]]]:
    """What each chapter takes: names, pages, and places on them; see `package_pages.taken`."""
    file = Path(app.srcdir, app.config.gluonbook_generated, "taken.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
