"""Where results are kept: a file that is seen to be possible before anything is measured, and is whole or not there."""

from __future__ import annotations

import argparse
import errno
import json
from collections.abc import Mapping
from pathlib import Path

from gluonbook import checks
from gluonbook.storage import atomic, folders
from gluonbook.storage.errors import StorageError, told


def file(text: str) -> Path:
    """The file that an option of a command line names; its folder is made, and tried.

    Raises:
        argparse.ArgumentTypeError: it is no path, or no file can be written there.
    """
    try:
        path = checks.path("it", text)
        folders.prepare(path.parent)
        with told(path, "written"):
            if path.exists() and not path.is_file():
                raise FileExistsError(errno.EEXIST, "it is no file")
    except (ValueError, StorageError) as refusal:
        raise argparse.ArgumentTypeError(str(refusal)) from None
    return path


def write(path: Path, results: Mapping[str, object]) -> None:
    """Write the results as JSON; raises StorageError when the disk refuses."""
    atomic.replace(path, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())
