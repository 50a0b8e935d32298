"""The one page that lies on top of a bundle: what a participant needs and does, and the plan of the day."""

from __future__ import annotations

import html
import platform
from collections.abc import Sequence
from pathlib import Path
from string import Template

from bs4 import BeautifulSoup

from gluonbook.book import agendas
from gluonbook.book.chapters import Book
from gluonbook.machine import facts
from gluonbook.storage.text import read_text


def sheet(book: Book, site: Path, pythons: Sequence[str], data: Sequence[str], date: str) -> str:
    """The page as HTML, which prints on one sheet; `site` is the built site that will lie beside it as `site/`."""
    template = Template(read_text(Path(__file__).with_name("sheet.html")))
    return template.substitute(
        title=html.escape(book.settings["title"]),
        processor=html.escape(platform.machine()),
        pythons=_listed(pythons, "or"),
        memory=f"{agendas.MEMORY:g}",
        plans="\n".join(_plan(day, site) for day in book.agendas),
        data=_listed(["the digits (inside scikit-learn)", *data], "and"),
        date=date,
        commit=facts.commit(),
    )


def _plan(day: agendas.Agenda, site: Path) -> str:
    lines = [f"<li><time>{day.clock(number)}</time>{_what(step, site)}</li>" for number, step in enumerate(day.steps)]
    lines.append(f"<li><time>{day.clock(len(day.steps))}</time>End</li>")
    return f"<section><h3>{html.escape(day.title)}</h3><ol>\n" + "\n".join(lines) + "\n</ol></section>"


def _what(step: agendas.Step, site: Path) -> str:
    if not step.chapter:
        return html.escape(step.what)
    page = BeautifulSoup((site / f"{step.chapter}.html").read_text(encoding="utf-8"), "html.parser")
    heading = page.find("h1")
    title = heading.find(string=True, recursive=False) if heading else step.chapter
    return f'<a href="site/{step.chapter}.html">{html.escape(str(title).strip())}</a>'


def _listed(words: Sequence[str], last: str) -> str:
    *before, end = words
    return html.escape(f"{', '.join(before)} {last} {end}" if before else end)
