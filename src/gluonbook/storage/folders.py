"""Checkpoint folders that are whole or not there: written beside, flushed to the disk, renamed, hashed.

A checkpoint is a directory `step-00000017/` that holds its files and `SHA256SUMS`, which `sha256sum -c` reads too.
A folder belongs to one run and has one writer. Nothing here needs MXNet.
"""

from __future__ import annotations

import errno
import re
import secrets
import shutil
import warnings
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from gluonbook import checks
from gluonbook.checks import whole_number
from gluonbook.storage.atomic import TEMPORARY, sync
from gluonbook.storage.errors import StorageError, reason, told

SUMS = "SHA256SUMS"
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}  # what a part that is missing, or no file, makes the disk say
# A writer killed between the two renames of a replacement leaves the former version as `.old`: it still counts.
_NAME = re.compile(r"step-(\d{8,})(\.old)?")


class Damaged(RuntimeError):
    """A checkpoint whose bytes are not the ones that were written."""


def write(folder: str | Path, step: int, files: Mapping[str, bytes], *, keep: int = 2) -> Path:
    """Write `files` as the checkpoint of `step`, then delete all but the newest `keep`; returns its directory.

    Whatever happens meanwhile, a full disk or a kill, the checkpoints that were there stay loadable. What a killed
    writer left behind is removed first. An older version of the same step is replaced. Raises StorageError when the
    disk refuses, and ValueError if the folder already holds a sound checkpoint of a later step: it is another run's.
    """
    keep, step = whole_number("keep", keep, 1), whole_number("step", step, 0)
    folder = checks.path("folder", folder)
    with told(folder, "written"):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
    later = [path for path in checkpoints(folder) if step_of(path) > step]
    for path in later:
        if is_sound(path):
            raise ValueError(f"{folder} holds {path.name}, later than step {step}: one folder serves one run")

    path = folder / f"step-{step:08d}"
    beside = folder / f"{TEMPORARY}{path.name}"
    try:
        with told(path, "written"):
            beside.mkdir()
            for name, data in {**files, SUMS: _sums(files)}.items():
                (beside / name).write_bytes(data)
                sync(beside / name)
            sync(beside)
            _put(beside, path)
            sync(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    kept = [other for other in checkpoints(folder) if other not in later]
    for surplus in [*later, *kept[keep:]]:
        _discard_if_possible(surplus)
    return path


def prepare(folder: str | Path) -> None:
    """Make a folder for checkpoints, and see that it can be written, while there is nothing to lose.

    Raises StorageError if it cannot.
    """
    folder = checks.path("folder", folder)
    with told(folder, "written"):
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f"{TEMPORARY}trial-{secrets.token_hex(4)}"
        try:
            trial.write_bytes(b"tried")
        finally:
            trial.unlink(missing_ok=True)


def read(path: str | Path) -> dict[str, bytes]:
    """The files of a checkpoint, checked against its SHA256SUMS.

    Raises Damaged unless every byte is right, and StorageError where the disk does not say: that proves nothing.
    """
    path = checks.path("path", path)
    try:
        with told(path, "read", "go on from another checkpoint"):
            files = {file.name: file.read_bytes() for file in path.iterdir()}
    except StorageError as error:
        if error.errno in _NOT_THERE:
            raise Damaged(f"{path} is not whole: {error.__cause__}") from error
        raise
    listed = files.pop(SUMS, None)
    if listed is None:
        raise Damaged(f"{path} has no {SUMS}")
    # Comparing the whole list byte for byte also refuses a missing or added file, and a flipped bit in the list.
    if not files or listed != _sums(files):
        raise Damaged(f"{path} does not match its {SUMS}; `sha256sum -c {SUMS}` there names the file")
    return files


def is_sound(path: str | Path) -> bool:
    """Whether `read(path)` finds every byte right; raises StorageError where it cannot tell."""
    try:
        read(path)
    except Damaged:
        return False
    return True


def latest(folder: str | Path, *, until: int | None = None) -> Path | None:
    """The newest sound checkpoint in `folder`, of the steps up to `until` if given, or None if it holds none at all.

    Damaged ones are skipped with a RuntimeWarning that names them; raises Damaged if no other is left, and
    StorageError where one cannot be read, which is no reason to go on from an older one.
    """
    until = None if until is None else whole_number("until", until, 0)
    skipped: list[str] = []
    for path in checkpoints(checks.path("folder", folder)):
        if until is not None and step_of(path) > until:
            continue
        if is_sound(path):
            if skipped:
                warnings.warn(f"skipped damaged {', '.join(skipped)} in {folder}", RuntimeWarning, stacklevel=2)
            return path
        skipped.append(path.name)
    if skipped:
        which = "every checkpoint" if until is None else f"every checkpoint up to step {until}"
        raise Damaged(f"{which} in {folder} is damaged: {', '.join(skipped)}; restore one, or clear the folder")
    return None


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, sound or not, newest first; a replaced version comes right after its replacement."""
    try:
        with told(folder, "read"):
            found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except StorageError as error:
        if error.errno == errno.ENOENT:
            return []
        raise
    return sorted(found, key=lambda path: (-step_of(path), path.name))


def steps(folder: str | Path) -> list[int]:
    """The steps that have a checkpoint in `folder`, sound or not, the newest first."""
    return sorted({step_of(path) for path in checkpoints(checks.path("folder", folder))}, reverse=True)


def step_of(path: Path) -> int:
    """The step that a checkpoint's directory is named after."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise ValueError(f"a checkpoint is called step- and eight digits or more, got {path.name!r}")
    return int(named[1])


def clear(folder: str | Path, *, after: int = -1) -> None:
    """Delete every checkpoint in `folder` of a step later than `after`, and leave its other files alone.

    Raises StorageError when the disk refuses.
    """
    folder, after = checks.path("folder", folder), whole_number("after", after, -1)
    with told(folder, "cleared"):
        _sweep(folder)
        for path in checkpoints(folder):
            if step_of(path) > after:
                _discard(path)


def _sums(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())).encode()


def _sweep(folder: Path) -> None:
    for leftover in folder.glob(f"{TEMPORARY}*"):
        if leftover.is_dir():  # a file may be one that another process is just writing with `replace`
            shutil.rmtree(leftover, ignore_errors=True)  # it is in nobody's way, and goes as soon as it can


def _put(beside: Path, path: Path) -> None:
    if not path.exists():
        beside.rename(path)
        return
    former = path.with_name(f"{path.name}.old")
    if former.exists():
        _discard(former)
    path.rename(former)
    beside.rename(path)
    _discard_if_possible(former)


def _discard(path: Path) -> None:
    """Rename before deleting, so that a kill halfway leaves litter for the next `write` and no damaged checkpoint."""
    doomed = path.with_name(f"{TEMPORARY}discarded-{path.name}")
    path.rename(doomed)
    shutil.rmtree(doomed)


def _discard_if_possible(path: Path) -> None:
    """Not so long as somebody reads it, on some shares: what was to be saved is saved all the same."""
    try:
        _discard(path)
    except OSError as error:
        warnings.warn(f"{path} cannot be removed ({reason(path, error)})", RuntimeWarning, stacklevel=3)
