"""One archive for a workshop without a network: `make bundle`.

gluon-one-bit-workshop/
  START_HERE.html   a sheet for each participant
  SHA256SUMS        of every file; `sha256sum --check` reads it
  site/             the built pages, slides and executed notebooks
  book/             the repository's files, with
    notebooks/      the chapters as notebooks
    wheelhouse/     every package of the lock, as wheels
    data/           the data sets that may be passed on
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pooch
from tqdm import tqdm

from gluonbook import datasets
from gluonbook.book import agendas, notebooks, wheelhouse
from gluonbook.book.chapters import Book
from gluonbook.book.sheet import sheet
from gluonbook.storage import atomic

FOLDER = "gluon-one-bit-workshop"


class BundleError(RuntimeError):
    """The bundle cannot be written; the message says why, and what helps."""


def write(
    book: Book,
    target: Path,
    site: Path,
    wheels: Path,
    *,
    pythons: Sequence[str] = wheelhouse.PYTHONS,
    data: Sequence[str] = (),
) -> Path:
    """Write the archive `target` (.tar.gz), whole or not at all; returns it.

    Args:
        book: what is packed, and what its agendas plan.
        target: the file.
        site: the folder of the built site.
        wheels: a folder for the wheels, kept for the next time; see `wheelhouse.fill`.
        pythons: the versions of CPython that participants may have.
        data: names of data sets besides `given_away()`, for those who are allowed to pass them on.

    Raises:
        BundleError: the book is not a git checkout, or has no agendas.
        wheelhouse.WheelhouseError: a package cannot be had.
        DatasetError: a data set of `data` cannot be had.
        ValueError: an unknown Python or data set.
    """
    check(book, data)
    files = dict(_repository(book))
    packed = list(dict.fromkeys([*given_away(), *data]))
    files.update(_data(packed))
    files.update(_under("book/notebooks/images", book.root / "chapters/images"))
    files.update(_under("site", site))
    files.update(
        (f"book/wheelhouse/{wheel.name}", wheel)
        for wheel in wheelhouse.fill(wheels, book.root / "requirements/cpu.txt", pythons)
    )
    now = datetime.now(timezone.utc)
    texts = {f"book/notebooks/{name}.ipynb": text.encode() for name, text in notebooks.outright(book).items()}
    texts["START_HERE.html"] = sheet(book, site, pythons, packed, f"{now:%Y-%m-%d}").encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic.beside(target) as beside, beside.open("wb") as file:
        _pack(file, files, texts, int(now.timestamp()))
    return target


def check(book: Book, data: Sequence[str]) -> None:
    """Raise what `write` would for these, BundleError or ValueError, before the book is built for it."""
    for name in data:
        datasets.info(name)
    if not book.agendas:
        raise BundleError(f"a bundle is for a workshop, and this book has no {agendas.FILE}")
    next(_repository(book), None)


def given_away() -> list[str]:
    """The data sets that are here and whose licence allows to pass them on; the embedded ones need no file."""
    return [
        name
        for name in datasets.NAMES
        if datasets.info(name).redistributable and datasets.info(name).size and datasets.status(name).state == "present"
    ]


def _repository(book: Book) -> Iterator[tuple[str, Path]]:
    """The files of the checkout as they are now, but for those that git ignores."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=book.root, capture_output=True)
    if listed.returncode:
        said = listed.stderr.decode(errors="replace").strip()
        raise BundleError(f"which files belong to the book is known in a git checkout alone: {said}")
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (book.root / name).exists():  # git still lists what has just been deleted
            yield f"book/{name}", book.root / name


def _data(names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for name in names:
        for file, path in datasets.fetch(name).items():
            yield f"book/data/{name}/{file}", path.resolve()  # its owner may keep a link there


def _under(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and (path.is_symlink() or path.is_file()):
            yield f"{name}/{path.relative_to(folder)}", path


def _pack(out: io.BufferedIOBase, files: dict[str, Path], texts: dict[str, bytes], seconds: int) -> None:
    """Write files, then texts, then the sums of all, as `FOLDER`; every file as old as the archive, with no owner."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid, member.gid, member.uname, member.gname, member.mtime = 0, 0, "", "", seconds
        member.mode = 0o755 if member.mode & 0o100 else 0o644
        return member

    sums = []
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        for name, path in tqdm(sorted(files.items()), desc="bundle", unit="file"):
            archive.add(path, f"{FOLDER}/{name}", recursive=False, filter=plain)
            if not path.is_symlink():
                sums.append(f"{pooch.file_hash(str(path))}  {name}\n")
        for name, text in texts.items():
            sums.append(f"{hashlib.sha256(text).hexdigest()}  {name}\n")
        for name, text in {**texts, "SHA256SUMS": "".join(sums).encode()}.items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size, member.mtime = len(text), seconds
            archive.addfile(member, io.BytesIO(text))
