"""The packages that a lock pins, as `scripts/lock.sh` writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from packaging.requirements import Requirement

from gluonbook.storage.text import read_text


@final
@dataclass(frozen=True)
class Pinned:
    """One entry of a lock: the requirement, and the hashes that its files may have."""

    requirement: Requirement
    hashes: tuple[str, ...]

    def line(self) -> str:
        """For a requirements file, without the marker."""
        options = "".join(f" --hash={one}" for one in self.hashes)
        return f"{self.requirement.name}{self.requirement.specifier}{options}"

    def applies(self, python: Mapping[str, str] | None = None) -> bool:
        """Whether an interpreter needs it: this one, or that with these variables of a marker (PEP 508)."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate(None if python is None else dict(python))


def read(lock: Path) -> list[Pinned]:
    """The entries of a lock, for all interpreters."""
    text = read_text(lock).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [Pinned(Requirement(line.split(" --hash=")[0]), tuple(re.findall(r"--hash=(\S+)", line))) for line in lines]
