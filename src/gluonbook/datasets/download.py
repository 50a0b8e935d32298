"""How missing files are fetched: from one address after the other, in memory until they are verified."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any, final

import pooch
import requests
from tqdm import tqdm

from gluonbook.datasets.archive import SLACK
from gluonbook.datasets.errors import DatasetError
from gluonbook.datasets.local import VARIABLE, choose, look, user_folder
from gluonbook.datasets.manifest import File, info
from gluonbook.storage import atomic

_TIMEOUT = (3.05, 20)  # s to connect, s between two packets


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
    form, files = choose(info(name))
    for file, path in files:
        _ensure(name, file, path)
    return form, files


def _ensure(name: str, file: File, path: Path) -> None:
    now = look(file, path, verify=True)
    if now.state == "present":
        return
    found = [f"{path}: {now.detail}"] if now.state == "damaged" else []
    if now.state == "damaged" and path.parent.parent == user_folder():
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
            buffer = _Buffer(2 * file.size + SLACK, bar)
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


@final
class _Buffer(io.BytesIO):
    """Memory that shows on a bar how it fills, and that an endless answer cannot fill up."""

    def __init__(self, limit: int, bar: tqdm) -> None:
        super().__init__()
        self._limit = limit
        self._bar = bar

    def write(self, chunk: Any, /) -> int:
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
