"""How missing files are fetched: from one address after the other, in memory until they are verified."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, final

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from gluonbook.datasets.archive import SLACK
from gluonbook.datasets.errors import DatasetError
from gluonbook.datasets.local import VARIABLE, choose, look, user_folder
from gluonbook.datasets.manifest import File, info
from gluonbook.storage import atomic
from gluonbook.storage.errors import StorageError, told

# requests' own are OSErrors; it lets through some of what it stands on: urllib3, ssl, http.client.
_FAILURES = (OSError, ValueError, EOFError, HTTPError, HTTPException)
_NO_BUNDLE = "Could not find a suitable TLS CA certificate bundle"  # a mere OSError of requests
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
    if file.urls:
        _make_room(path)
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
            except _FAILURES as error:
                failure = _reason(error, url)
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


def _reason(error: Exception, url: str) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code} {response.reason}"
    what = "truncated" if isinstance(error, requests.exceptions.ChunkedEncodingError) else "no answer"
    inner = error.args[0] if len(error.args) == 1 else error  # what is behind a reason of requests
    said = str(getattr(inner, "reason", inner))
    certificates = isinstance(error, requests.exceptions.SSLError) or said.startswith(_NO_BUNDLE)
    return f"{what}: {said}{_settings(url, certificates)}"


def _settings(url: str, certificates: bool) -> str:
    """The variables of the environment that have a say; not what they say, for a proxy's may hold a password."""
    scheme = url.partition(":")[0].lower()
    names = [f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"]
    names += ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] if certificates else []
    found = [name for name in names if os.environ.get(name)]
    return f" (as {' and '.join(found)} would have it: set that right, or unset it)" if found else ""


def _make_room(path: Path) -> None:
    """Raise DatasetError if nothing can be kept at `path`: best before it is downloaded."""
    with _keeping(path, "cannot be kept"):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _store(path: Path, data: bytes) -> None:
    with _keeping(path, "was downloaded, but cannot be kept"):
        atomic.replace(path, data)


@contextmanager
def _keeping(path: Path, said: str) -> Iterator[None]:
    try:
        with told(path, "written"):
            yield
    except StorageError as error:
        raise DatasetError(f"{path.name} {said}: {error}: {VARIABLE} may name a folder that has it") from error


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
