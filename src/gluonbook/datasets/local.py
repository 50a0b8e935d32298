"""Which files of a data set are on this machine, where they belong, and whether they are sound. No network."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook import checks, paths
from gluonbook.datasets.errors import DatasetError
from gluonbook.datasets.manifest import File, Info, info
from gluonbook.storage.errors import StorageError, told

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
        DatasetError: `GLUONBOOK_DATA` names no folder, or one with something of the data set that cannot be read.
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
    own = user_folder()
    if own and (whole := _whole([own], entry)):
        return whole
    folders = [own, _cache()] if own else [_cache()]
    return _whole(folders, entry) or (default, [(file, _find(folders, entry.name, file)) for file in files])


def _whole(folders: list[Path], entry: Info) -> tuple[str, list[tuple[File, Path]]] | None:
    """The first form of which every file is in these folders."""
    for form, files in entry.forms.items():
        found = [(file, _find(folders, entry.name, file)) for file in files]
        if all(_is_there(path) for _, path in found):
            return form, found
    return None


def _find(folders: list[Path], name: str, file: File) -> Path:
    """Where a file is, or its place in the last folder where it is in none."""
    candidates = [folder / name / file.name for folder in folders]
    return next((path for path in candidates if _is_there(path)), candidates[-1])


def _is_there(path: Path) -> bool:
    """Whether something has this name, sound or not; what cannot be looked at is taken to be there."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def look(file: File, path: Path, verify: bool) -> FileStatus:
    """Whether a file is at `path`; with `verify`, also whether it is sound.

    Raises:
        DatasetError: it is in the user's own folder, and cannot be read; elsewhere that counts as a damage.
    """
    if not _is_there(path):
        return FileStatus(file.name, path, "missing", 0)
    try:
        size = _size(path)
        detail = file.damage(contents(path)) if verify else ""
    except DatasetError as error:
        if path.parent.parent == user_folder():
            raise
        size, detail = 0, str(error).removeprefix(f"{path} ")
    return FileStatus(file.name, path, "damaged" if detail else "present", size, detail)


def contents(path: Path) -> bytes:
    """The bytes of a file; raises DatasetError if it cannot be read."""
    with reading(path):
        return path.read_bytes()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """For a block that reads a file: raises DatasetError if that cannot be read."""
    try:
        with told(path, "read", f"set {VARIABLE} to another folder"):
            yield
    except StorageError as error:
        raise DatasetError(str(error)) from error


def _size(path: Path) -> int:
    with reading(path):
        if path.is_symlink() and not path.exists():
            raise FileNotFoundError(errno.ENOENT, f"it is a link to {path.readlink()}, which is not there")
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "it is no file")
        return found.st_size


def _cache() -> Path:
    """The folder that downloads are kept in; raises DatasetError where there can be none."""
    try:
        return paths.data_folder()
    except StorageError as error:
        raise DatasetError(str(error)) from error


def user_folder() -> Path | None:
    """The folder that `GLUONBOOK_DATA` names, None where it is not set; raises DatasetError if there is none."""
    setting = os.environ.get(VARIABLE)
    if not setting:
        return None
    try:
        folder = checks.path(VARIABLE, setting)
    except ValueError as error:
        raise DatasetError(str(error)) from None
    with reading(folder):
        is_folder = folder.is_dir()
    if not is_folder:
        raise DatasetError(
            f"{VARIABLE} is set to {setting!r}, which is not a folder; "
            f"let it name an existing folder that holds <data set>/<file>, or unset it"
        )
    return folder
