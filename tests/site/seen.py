"""Pages of HTML as the tests see them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path


class Seen(HTMLParser):
    """What a page refers to, and the names that one can point at in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.leads_to = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.names |= {value for value in (values.get("id"), values.get("name")) if value}
        if tag == "meta" and (values.get("http-equiv") or "").lower() == "refresh":
            self.leads_to = (values.get("content") or "").partition("url=")[2]
        self.links += [values[name] for name in ("href", "src") if values.get(name)]
