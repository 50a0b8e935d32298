"""A book of one's own, small enough for a test."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Container
from pathlib import Path

from gluonbook.book.chapters import Book

FRONT = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, name: python3}
---

"""
TIMED = FRONT.replace("kernelspec", "gluonbook: {timed: true}\nkernelspec")
LINK_TO_PAGE = re.compile(r"{doc}`(?:[^`]*<)?/([^`>]+)>?`")


def unlinked(text: str, there: Container[str]) -> str:
    """The `text` of a page of the real book, with words in the place of each link to a page that is not `there`."""
    return LINK_TO_PAGE.sub(lambda link: link[0] if link[1] in there else "another chapter", text)


class SmallBook:
    """A checkout with pages of one's own and next to nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pages: list[str] = []
        for file, text in {
            "_config.yml": "title: Small\nonly_build_toc_files: true\nexclude_patterns: [_build]\n"
            "sphinx: {extra_extensions: [gluonbook.book.sphinx_page]}\n",
            "requirements/cpu.txt": "numpy==1.23.5\n",
            "data/manifest.json": "{}\n",
            "src/gluonbook/code.py": "ANSWER = 42\n",
        }.items():
            self.write(file, text)
        self.page("start", "# Start\n\n" + "Some text that says what this small book is about. " * 8)

    @property
    def book(self) -> Book:
        """The book as its files are now."""
        return Book(self.root)

    def write(self, file: str, text: str) -> Path:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def page(self, name: str, text: str) -> Path:
        """Add a page, or write it anew."""
        if name not in self.pages:
            self.pages.append(name)
        first, *others = self.pages
        chapters = "".join(f"      - file: chapters/{other}\n" for other in others)
        parts = f"parts:\n  - caption: Pages\n    chapters:\n{chapters}" if others else "parts: []\n"
        self.write("_toc.yml", f"format: jb-book\nroot: chapters/{first}\n{parts}")
        return self.write(f"chapters/{name}.md", text)

    def notebook(self, name: str, *cells: str, front: str = FRONT) -> Path:
        """Add a page with these cells of code."""
        body = "\n\n".join(f"```{{code-cell}} ipython3\n{textwrap.dedent(cell).strip()}\n```" for cell in cells)
        filler = "Words around the cells, enough of them to count as a page. " * 6
        return self.page(name, f"{front}# The page {name}\n\n{filler}\n\n{body}\n")
