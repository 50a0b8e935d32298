"""The files of the data sets: what is pinned of them, where they are, whether they are sound, how to get them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pooch
import requests
from tqdm import tqdm

from gluonbook import paths
from gluonbook.storage import atomic

VARIABLE = "GLUONBOOK_DATA"
_TIMEOUT = (3.05, 20)  # s to connect, s between two packets
_SLACK = 1 << 20  # bytes an archive may hold beside its contents: headers, a readme


class DatasetError(RuntimeError):
    """A file of a data set is missing or damaged; the message says which, what was found, and what to do."""


@dataclass(frozen=True)
class Content:
    """One block of bytes inside an archive; `sha256` is None where nobody has published it."""

    size: int
    sha256: str | None = None


@dataclass(frozen=True)
class File:
    """One file as the manifest pins it: sizes in bytes, SHA-256 in hexadecimal, `urls` in the order to try them."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    contents: dict[str, Content]

    def damage(self, data: bytes) -> str:
        """What is wrong with `data`, or "" where it is this file.

        An archive packed anew is this file too, as long as all its contents have the pinned hashes.
        """
        digest = _sha256(data)
        if digest == self.sha256 or self._holds_the_contents(data):
            return ""
        if data[:1024].lstrip().lower().startswith((b"<!doctype html", b"<html")):
            return f"an HTML page of {len(data):,} bytes, as a proxy or a login sends it; SHA-256 {digest}"
        if len(data) < self.size:
            return f"truncated: {len(data):,} of {self.size:,} bytes; SHA-256 {digest}"
        if len(data) > self.size:
            return f"too long: {len(data):,} instead of {self.size:,} bytes; SHA-256 {digest}"
        return f"wrong content: SHA-256 {digest}"

    def unpack(self, data: bytes) -> dict[str, memoryview]:
        """The contents of the archive `data` (.gz or .tar.gz) by name, all in memory: no name in it becomes a path.

        Raises:
            DatasetError: it is no whole archive, or a content is missing or has another size than the manifest says.
        """
        limit = sum(content.size for content in self.contents.values()) + _SLACK
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
                plain = stream.read(limit)
            if self.name.endswith(".tar.gz"):
                found = _regular_members(plain)
            else:
                found = dict.fromkeys(self.contents, memoryview(plain))
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            raise DatasetError(f"{self.name}: not a whole archive: {error}") from error
        for name, content in self.contents.items():
            size = len(found.get(name, b""))
            if size != content.size:
                raise DatasetError(f"{self.name}: {name} has {size:,} instead of {content.size:,} bytes")
        return {name: found[name] for name in self.contents}

    def _holds_the_contents(self, data: bytes) -> bool:
        if not self.contents or not all(content.sha256 for content in self.contents.values()):
            return False
        try:
            found = self.unpack(data)
        except DatasetError:
            return False  # the caller says what is wrong with the archive as a whole
        return all(_sha256(found[name]) == content.sha256 for name, content in self.contents.items())


@dataclass(frozen=True)
class Info:
    """One data set as the manifest describes it; `forms` holds the files of each form it comes in."""

    name: str
    title: str
    licence: str
    redistributable: bool  # whether the licence says that the files may be passed on
    source: str
    citation: str
    forms: dict[str, tuple[File, ...]]

    @property
    def size(self) -> int:
        """Bytes to download: those of the first form, the one with public addresses."""
        return sum(file.size for file in next(iter(self.forms.values())))


@dataclass(frozen=True)
class FileStatus:
    """One file on this machine: `state` is "present", "missing" or "damaged", `detail` says what the damage is."""

    name: str
    path: Path  # where it is, or where it belongs
    state: str
    size: int  # bytes on disk
    detail: str = ""


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


def info(name: str) -> Info:
    """Title, licence, source, citation and files of a data set, from the manifest.

    Raises:
        ValueError: there is no such data set.
    """
    entry = paths.manifest_entry(name)
    forms = {form: tuple(map(_file, files)) for form, files in entry.pop("forms").items()}
    return Info(name=name, forms=forms, **entry)


def status(name: str, verify: bool = True) -> Status:
    """What of a data set is on this machine, without any network; `verify=False` looks at names only, not at hashes.

    Raises:
        ValueError: there is no such data set.
        DatasetError: `GLUONBOOK_DATA` names no folder.
    """
    form, files = _choose(info(name))
    return Status(name, form, tuple(_file_status(file, path, verify) for file, path in files))


def fetch(name: str) -> dict[str, Path]:
    """Make sure that the files of a data set are here and sound, and return where each one is, by file name.

    Looked for in `$GLUONBOOK_DATA/<name>/` and then in the cache (`data/<name>/` in a checkout); what is missing, or
    damaged in the cache, is downloaded from the manifest's addresses, in their order. Every hash is checked every time.
    The user's own folder is only ever read. The digits need no file: {}.

    Raises:
        ValueError: there is no such data set.
        DatasetError: a file cannot be had.
    """
    return {file.name: path for file, path in obtain(name)[1]}


def obtain(name: str) -> tuple[str, list[tuple[File, Path]]]:
    """As `fetch`: the form that is used, and its files with their paths, all verified."""
    form, files = _choose(info(name))
    for file, path in files:
        _ensure(name, file, path)
    return form, files


def _file(entry: dict) -> File:
    return File(
        name=entry["name"],
        size=entry["size"],
        sha256=entry["sha256"],
        urls=tuple(entry.get("urls", ())),
        contents={name: Content(**content) for name, content in entry.get("contents", {}).items()},
    )


def _sha256(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


def _regular_members(plain: bytes) -> dict[str, memoryview]:
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
        return {
            PurePosixPath(member.name).name: memoryview(plain)[member.offset_data : member.offset_data + member.size]
            for member in tar
            if member.isreg()
        }


def _user_folder() -> Path | None:
    setting = os.environ.get(VARIABLE)
    if not setting:
        return None
    folder = Path(setting).expanduser()
    if not folder.is_dir():
        raise DatasetError(
            f"{VARIABLE} is set to {setting!r}, which is not a folder; "
            f"let it name an existing folder that holds <data set>/<file>, or unset it"
        )
    return folder


def _choose(entry: Info) -> tuple[str, list[tuple[File, Path]]]:
    """The form to use, and where each of its files is or belongs.

    A form that is whole in the user's folder goes first, then one that is whole in that folder and the cache together,
    then the manifest's first, which can be downloaded.
    """
    default, files = next(iter(entry.forms.items()))
    if not files:
        return default, []
    own, cache = _user_folder(), paths.data_folder()
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


def _file_status(file: File, path: Path, verify: bool) -> FileStatus:
    if not path.is_file():
        return FileStatus(file.name, path, "missing", 0)
    detail = file.damage(path.read_bytes()) if verify else ""
    return FileStatus(file.name, path, "damaged" if detail else "present", path.stat().st_size, detail)


def _ensure(name: str, file: File, path: Path) -> None:
    now = _file_status(file, path, verify=True)
    if now.state == "present":
        return
    found = [f"{path}: {now.detail}"] if now.state == "damaged" else []
    if now.state == "damaged" and path.parent.parent == _user_folder():
        found.append(f"(in your {VARIABLE}, so it was left as it is: replace it, move it away, or unset {VARIABLE})")
        raise _error(name, file, found, places=[str(path)])
    data = _download(file, found)
    if data is None:
        raise _error(name, file, found, places=[str(path), f"${VARIABLE}/{name}/{file.name}"])
    _store(path, data)


def _download(file: File, found: list[str]) -> bytes | None:
    """The file from the first address that sends it, or None; what the others sent is added to `found`.

    It is held in memory until it is verified, so that nothing unverified ever has a name on the disk.
    """
    for url in file.urls:
        failure = ""
        # Not on standard error, which a notebook shows as if something had failed. The delay keeps the bar hidden
        # until the first byte is there.
        with tqdm(desc=file.name, total=file.size, unit="B", unit_scale=True, file=sys.stdout, delay=1e-3) as bar:
            buffer = _Buffer(2 * file.size + _SLACK, bar)
            # A server that packs what it sends would make requests unpack it, and the hash would be another one.
            headers = {"Accept-Encoding": "identity"}
            try:
                pooch.HTTPDownloader(chunk_size=1 << 16, timeout=_TIMEOUT, headers=headers)(url, buffer, None)
            except requests.RequestException as error:
                failure = _reason(error)
        data = buffer.getvalue()
        if data or not failure:
            failure = file.damage(data)
        if not failure:
            return data
        found.append(f"{url}: {failure}")
    return None


class _Buffer(io.BytesIO):
    """Memory that shows on a bar how it fills, and that an endless answer cannot fill up."""

    def __init__(self, limit: int, bar: tqdm) -> None:
        super().__init__()
        self._limit = limit
        self._bar = bar

    def write(self, chunk: bytes) -> int:
        self._bar.update(len(chunk))
        super().write(chunk)
        if self.tell() > self._limit:
            raise requests.RequestException(f"more than {self._limit:,} bytes")
        return len(chunk)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    what = "truncated" if isinstance(error, requests.exceptions.ChunkedEncodingError) else "no answer"
    inner = error.args[0] if error.args else error
    return f"{what}: {getattr(inner, 'reason', inner)}"


def _store(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.replace(path, data)
    except OSError as error:
        raise DatasetError(
            f"{path.name} was downloaded, but cannot be kept at {path}: {error}; "
            f"make room there, or set {VARIABLE} to a folder that holds {path.parent.name}/{path.name}"
        ) from error


def _error(name: str, file: File, found: list[str], places: list[str]) -> DatasetError:
    lines = [
        f"{name}: there is no sound copy of {file.name}",
        f"  expected: {file.size:,} bytes, SHA-256 {file.sha256}",
        "  found:",
        *(f"    {line}" for line in found),
    ]
    if file.urls:
        lines += ["  without a network: on another machine, fetch one of", *(f"    {url}" for url in file.urls)]
    lines += [
        f"  {'and ' if file.urls else ''}put the file, unchanged, at",
        "    " + "  or  ".join(places),
        '  The data set "digits" needs no file at all.',
    ]
    return DatasetError("\n".join(lines))
