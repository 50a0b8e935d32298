"""Files for a test, by their names below a folder."""

from __future__ import annotations

from pathlib import Path


def written(root: Path, files: dict[str, str]) -> Path:
    """The folder `root`, in which these files now are."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())
