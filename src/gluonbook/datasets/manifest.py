"""What the manifest says of each data set: its licence, its source, and the files that it pins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import final

from gluonbook import paths
from gluonbook.datasets import archive
from gluonbook.datasets.errors import DatasetError
from gluonbook.storage.errors import StorageError


@final
@dataclass(frozen=True)
class Content:
    """One block of bytes inside an archive; `sha256` is None where nobody has published it."""

    size: int
    sha256: str | None = None


@final
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
        return archive.unpack(self.name, data, {name: content.size for name, content in self.contents.items()})

    def _holds_the_contents(self, data: bytes) -> bool:
        if not self.contents or not all(content.sha256 for content in self.contents.values()):
            return False
        try:
            found = self.unpack(data)
        except DatasetError:
            return False  # the caller says what is wrong with the archive as a whole
        return all(_sha256(found[name]) == content.sha256 for name, content in self.contents.items())


@final
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


def info(name: str) -> Info:
    """Title, licence, source, citation and files of a data set, from the manifest.

    Raises:
        ValueError: there is no such data set.
        DatasetError: the manifest cannot be read, or is damaged.
    """
    try:
        entry = paths.manifest_entry(name)
        forms = {form: tuple(map(_file, files)) for form, files in entry.pop("forms").items()}
        return Info(name=name, forms=forms, **entry)
    except StorageError as error:
        raise DatasetError(str(error)) from error
    except (LookupError, TypeError, AttributeError) as error:
        raise DatasetError(f"{paths.manifest_file()} is damaged ({error}): reinstall gluonbook") from error


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
