"""Which files of a data set are on this machine, where they belong, and whether they are sound. No network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook import checks, paths
from gluonbook.datasets.errors import DatasetError
from gluonbook.datasets.manifest import File, Info, info

VARIABLE = "GLUONBOOK_DATA"


@final
@dataclass(frozen=True)
class FileStatus:
    """One file on this machine: `state` is "present", "missing" or "damaged", `detail` says what the damage is."""

    name: str
    path: Path  # where it is, or where it belongs
    state: str
    size: int  # bytes on disk
    detail: str = ""


@final
@dataclass(frozen=True)
class Status:
    """A data set on this machine: the form that `load` would take, and its files."""

    name: str
    form: str
    files: tuple[FileStatus, ...]

    @property
    def state(self) -> str:
        """The worst state of its files: "damaged", "missing" or "present"."""
        states = {file.state for file in self.files}
        return next((state for state in ("damaged", "missing") if state in states), "present")

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its files are or belong; empty where it needs none."""
        return tuple(dict.fromkeys(file.path.parent for file in self.files))

    def __str__(self) -> str:
        where = f"{self.size / 1e6:.1f} MB in {' and '.join(map(str, self.folders))}" if self.files else "needs no file"
        lines = [f"{self.name}: {self.state}, {self.form}, {where}"]
        for file in self.files:
            if file.state != "present":
                lines.append(f"  {file.name}: {file.detail or file.state}")
        return "\n".join(lines)


def status(name: str, verify: bool = True) -> Status:
    """What of a data set is on this machine, without any network; `verify=False` looks at names only, not at hashes.

    Raises:
        ValueError: there is no such data set.
        DatasetError: `GLUONBOOK_DATA` names no folder.
    """
    form, files = choose(info(name))
    return Status(name, form, tuple(look(file, path, verify) for file, path in files))


def choose(entry: Info) -> tuple[str, list[tuple[File, Path]]]:
    """The form to use, and where each of its files is or belongs.

    A form that is whole in the user's folder goes first, then one that is whole in that folder and the cache together,
    then the manifest's first, which can be downloaded.
    """
    default, files = next(iter(entry.forms.items()))
    if not files:
        return default, []
    own, cache = user_folder(), paths.data_folder()
    searches = ([own], [own, cache]) if own else ([cache],)
    for folders in searches:
        for form, files in entry.forms.items():
            found = [(file, _find(folders, entry.name, file)) for file in files]
            if all(path.is_file() for _, path in found):
                return form, found
    return default, [(file, _find(searches[-1], entry.name, file)) for file in entry.forms[default]]


def _find(folders: list[Path], name: str, file: File) -> Path:
    """Where a file is, or its place in the last folder where it is in none."""
    candidates = [folder / name / file.name for folder in folders]
    return next((path for path in candidates if path.is_file()), candidates[-1])


def look(file: File, path: Path, verify: bool) -> FileStatus:
    """Whether a file is at `path`; with `verify`, also whether it is sound."""
    if not path.is_file():
        return FileStatus(file.name, path, "missing", 0)
    detail = file.damage(path.read_bytes()) if verify else ""
    return FileStatus(file.name, path, "damaged" if detail else "present", path.stat().st_size, detail)


def user_folder() -> Path | None:
    """The folder that `GLUONBOOK_DATA` names, None where it is not set; raises DatasetError if there is none."""
    setting = os.environ.get(VARIABLE)
    if not setting:
        return None
    try:
        folder = checks.path(VARIABLE, setting)
    except ValueError as error:
        raise DatasetError(str(error)) from None
    if not folder.is_dir():
        raise DatasetError(
            f"{VARIABLE} is set to {setting!r}, which is not a folder; "
            f"let it name an existing folder that holds <data set>/<file>, or unset it"
        )
    return folder
