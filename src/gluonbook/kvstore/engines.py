"""The engines that a store may run on, by name."""

from __future__ import annotations

from gluonbook.kvstore.link import Link, LocalLink
from gluonbook.kvstore.mpi import MPILink
from gluonbook.kvstore.pslite import PSLiteLink

ENGINES: dict[str, type[Link]] = {kind.engine: kind for kind in (LocalLink, MPILink, PSLiteLink)}
"""The links by the names of their engines."""


def connected(link: str | Link) -> Link:
    """The link of the engine with this name, made now; or the link that is given, as it is.

    Raises:
        ValueError: neither a link nor the name of an engine.
    """
    if isinstance(link, Link):
        return link
    if not isinstance(link, str) or link not in ENGINES:
        raise ValueError(f"link must be {', '.join(map(repr, ENGINES))} or a Link, got {link!r}")
    return ENGINES[link]()
