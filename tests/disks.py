"""Disks that are full, or nearly."""

from __future__ import annotations

import resource
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def file_size_limit(size: int):
    """No file can grow beyond `size` bytes: for the writer just like a full disk, and it needs no privilege."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def small_disk(path: Path, size: str):
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tiny tmpfs needs root: the disk-full case is covered by the file-size limit only")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)
