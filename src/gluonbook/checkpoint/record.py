"""The one file of a checkpoint: named arrays, and as JSON in its header everything else, the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from gluonbook.storage import folders
from gluonbook.storage.folders import Damaged

FORMAT = 3
_FILE = "state.safetensors"
_LENGTH = 8  # bytes that say how long the header is, in the safetensors layout


def write(
    folder: str | Path, step: int, record: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, keep: int
) -> Path:
    """Write a checkpoint, and return its path; errors are those of `folders.write`."""
    blob = safetensors.numpy.save(dict(arrays), {"gluonbook": json.dumps({"format": FORMAT, **record})})
    return folders.write(folder, step, {_FILE: blob}, keep=keep)


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The record and the arrays of a checkpoint; raises Damaged, and ValueError for another format."""
    blob = folders.read(path).get(_FILE)
    if blob is None:
        raise Damaged(f"{path} has no {_FILE}")
    record = _record(blob[_LENGTH : _LENGTH + int.from_bytes(blob[:_LENGTH], "little")])
    if record["format"] != FORMAT:
        raise ValueError(f"{path} has format {record['format']}, this gluonbook reads format {FORMAT}")
    return record, safetensors.numpy.load(blob)


def glance(path: Path) -> dict[str, Any]:
    """The record alone, unproven, without a look at the arrays; empty if it is not legible, or of another format."""
    try:
        with (path / _FILE).open("rb") as file:
            record = _record(file.read(int.from_bytes(file.read(_LENGTH), "little")))
    except (OSError, ValueError, KeyError, OverflowError, MemoryError):
        return {}
    return record if record.get("format") == FORMAT else {}


def _record(header: bytes) -> dict[str, Any]:
    return json.loads(json.loads(header)["__metadata__"]["gluonbook"])
