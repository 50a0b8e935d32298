"""What is inside an archive."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from gluonbook.datasets.errors import DatasetError

SLACK = 1 << 20  # bytes an archive may hold beside its contents: headers, a readme


def unpack(name: str, data: bytes, sizes: Mapping[str, int]) -> dict[str, memoryview]:
    """The contents of the archive `data` (.gz or .tar.gz) by name, all in memory: no name in it becomes a path.

    `sizes` are the bytes of the contents that it must have; others are left out.

    Raises:
        DatasetError: it is no whole archive, or a content is missing or has another size.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            plain = stream.read(sum(sizes.values()) + SLACK)
        found = _regular_members(plain) if name.endswith(".tar.gz") else dict.fromkeys(sizes, memoryview(plain))
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DatasetError(f"{name}: not a whole archive: {error}") from error
    for content, size in sizes.items():
        if (got := len(found.get(content, b""))) != size:
            raise DatasetError(f"{name}: {content} has {got:,} instead of {size:,} bytes")
    return {content: found[content] for content in sizes}


def _regular_members(plain: bytes) -> dict[str, memoryview]:
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
        return {
            PurePosixPath(member.name).name: memoryview(plain)[member.offset_data : member.offset_data + member.size]
            for member in tar
            if member.isreg()
        }
