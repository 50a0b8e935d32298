"""Where the book's own files are: in a checkout of the repository, or in an installed wheel."""

from __future__ import annotations

import json
from pathlib import Path

import pooch

from gluonbook.storage.errors import StorageError, told
from gluonbook.storage.text import read_text

PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The folder of the repository this package runs from (it holds `_toc.yml`), or None where it is installed."""
    root = PACKAGE.parents[1]
    return root if root / "src" / "gluonbook" == PACKAGE and (root / "_toc.yml").is_file() else None


def data_folder() -> Path:
    """The folder downloads are cached in: the checkout's `data`, else the user's cache; it need not exist yet.

    Raises:
        StorageError: the user's cache would be another one for each working directory, or the user has no home.
    """
    if root := checkout():
        return root / "data"
    folder = Path(pooch.os_cache("gluonbook"))
    if not folder.is_absolute():
        remedy = "set XDG_CACHE_HOME to an absolute path, or unset it and set HOME"
        raise StorageError(f"the folder for downloads is {str(folder)!r}, which no absolute path is; {remedy}")
    return folder


def manifest_file() -> Path:
    """The manifest of the data sets: the checkout's `data/manifest.json`, else the copy inside the package.

    Raises:
        FileNotFoundError: the package was built without its copy.
    """
    root = checkout()
    path = root / "data" / "manifest.json" if root else PACKAGE / "manifest.json"
    if not path.is_file():
        raise FileNotFoundError(f"the manifest of the data sets is missing: {path}; reinstall gluonbook")
    return path


def manifest_entry(name: str, file: Path | None = None) -> dict:
    """What the manifest, or the one in this file, says of a data set for `datasets.load`.

    Raises:
        ValueError: there is no such data set; or it is a series, whose file comes with the package.
        StorageError: the manifest cannot be read, or is none.
    """
    file = file or manifest_file()
    try:
        with told(file, "read", "reinstall gluonbook"):
            manifest = json.loads(read_text(file))
        # A series is what has its file in the package.
        series = [other for other, entry in manifest.items() if entry.get("forms", {}).get("embedded")]
    except (ValueError, AttributeError) as error:
        raise StorageError(f"{file} is damaged ({error}): reinstall gluonbook") from error
    if name in series:
        raise ValueError(f"{name!r} is a series, which comes with the package: gluonbook.series.load({name!r})")
    names = [other for other in manifest if other not in series]
    if name not in names:  # what comes from front matter may be a list, which no dict looks up
        raise ValueError(f"no data set {name!r}; there are {', '.join(names)}")
    return manifest[name]
