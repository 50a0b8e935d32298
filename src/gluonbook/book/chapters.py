"""Which chapters there are, in which order, and what each one needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from myst_nb.core.read import is_myst_markdown_notebook

from gluonbook import paths
from gluonbook.profiles import digits_or


@dataclass(frozen=True)
class Chapter:
    """One page of `_toc.yml`, and what its front matter says under `gluonbook`."""

    name: str  # as in _toc.yml: "chapters/convnets/lenet"
    path: Path
    runs: bool  # whether it has cells to execute
    needs: tuple[str, ...] = ()  # the data set of the present profile, unless it is embedded
    timed: bool = False  # it measures time, or starts many processes: nothing runs beside it

    @property
    def short(self) -> str:
        """The name without the folder that all chapters share."""
        return self.name.split("/", 1)[1]


def root() -> Path:
    """The checkout that holds the book.

    Raises:
        FileNotFoundError: gluonbook is installed without the book around it.
    """
    folder = paths.checkout()
    if folder is None:
        raise FileNotFoundError("this command needs the book's checkout (a folder with _toc.yml and chapters/)")
    return folder


def chapters() -> list[Chapter]:
    """All pages of `_toc.yml` in reading order."""
    return [chapter for _, pages in parts() for chapter in pages]


def parts() -> list[tuple[str, list[Chapter]]]:
    """The parts of `_toc.yml`, each with its caption and pages; the first page of all comes first, without one."""
    toc = yaml.safe_load((root() / "_toc.yml").read_text())
    named = [("", [{"file": toc["root"]}])]
    named += [(part.get("caption", ""), part["chapters"]) for part in toc.get("parts", [])]
    if extra := {key for _, pages in named for page in pages for key in page} - {"file"}:
        raise ValueError(f"_toc.yml: a chapter has {', '.join(sorted(extra))}; this book knows 'file' alone")
    return [(caption, [_chapter(page["file"]) for page in pages]) for caption, pages in named]


def _chapter(name: str) -> Chapter:
    path = root() / f"{name}.md"
    text = path.read_text()
    front = _front_matter(text)
    own = front.get("gluonbook", {})
    unknown = set(own) - {"data", "timed"}
    if unknown:
        raise ValueError(f"{name}: front matter 'gluonbook' has {sorted(unknown)}; legal are 'data' and 'timed'")
    return Chapter(
        name=name,
        path=path,
        runs=is_myst_markdown_notebook(text),
        needs=_needs(name, own["data"]) if "data" in own else (),
        timed=bool(own.get("timed", False)),
    )


def _needs(name: str, data: str) -> tuple[str, ...]:
    try:
        paths.manifest_entry(data)
    except ValueError as error:
        raise ValueError(f"{name}: front matter 'gluonbook: data': {error}") from None
    taken = digits_or(data)
    return () if taken == "digits" else (taken,)


def _front_matter(text: str) -> dict:
    if not text.startswith("---\n"):
        return {}
    return yaml.safe_load(text.split("---\n", 2)[1]) or {}
