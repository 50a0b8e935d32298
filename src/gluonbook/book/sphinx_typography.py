"""Typography of prose, for all pages: what a line may not part, and signs that are not what was typed.

A browser ends a line between a formula and the comma behind it; they are put into one span, of class `gb-joined`, which
the style sheets keep on one line. A number stays with its per cent. A hyphen before a number that follows nothing is a
minus, also where a cell has printed it. And a title that asks a question ends the sentence that it ends.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

_NO_PROSE = (
    nodes.FixedTextElement,
    nodes.literal,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    addnodes.desc_signature,
)
_MINUS = re.compile(r"(?<![\w.)\]/–−-])-(?=\.?\d)")
_PER_CENT = re.compile(r"(?<=\d) (?=%)")
_CLOSING = re.compile(r"[,.;:!?)\]…’”%–-]+")


def setup(app: Sphinx) -> None:
    """Set each page as soon as its references are resolved."""
    app.connect("doctree-resolved", lambda app, doctree, page: set_prose(doctree))


def set_prose(element: nodes.Element) -> None:
    """Change what is prose in a page, or in an element of it: signs in its text, and spans around formulas."""
    if isinstance(element, _NO_PROSE):
        return
    line: list[nodes.Node] = []
    for child in element.children:
        if isinstance(child, nodes.Text):
            line += _set(child.astext(), line)
            continue
        if isinstance(child, nodes.Element):
            set_prose(child)
        line.append(child)
    if line != element.children:
        element.children = []
        element.extend(line)


def _set(words: str, line: list[nodes.Node]) -> list[nodes.Text]:
    """The text that stands behind a line's other parts; of these, the last may take in how the text begins."""
    before = line[-1] if line else None
    words = _PER_CENT.sub("\xa0", _MINUS.sub("−", words))
    if before is not None and before.astext()[-1:].isdigit() and words.startswith(" %"):
        words = f"\xa0{words[1:]}"
    if isinstance(before, nodes.reference) and before.astext().endswith(("?", "!")):
        words = re.sub(r"^\.(?!\.)", "", words)
    closing = _CLOSING.match(words) if isinstance(before, nodes.math) else None
    if closing and before is not None:
        line[-1] = nodes.inline("", "", before, nodes.Text(closing[0]), classes=["gb-joined"])
        words = words[closing.end() :]
    return [nodes.Text(words)] if words else []
