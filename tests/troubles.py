"""What a disk or a share may answer, to be played in."""

from __future__ import annotations

import errno
import os
from typing import Callable

import pytest

ERRNOS = [
    *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENOSPC, errno.EDQUOT, errno.EROFS),
    *(errno.EIO, errno.ESTALE, errno.EMFILE, errno.ETXTBSY, errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP, errno.EBUSY),
    *(errno.ETIMEDOUT, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EBADF, errno.ENOTEMPTY, 9999),
]


def refusal(number: int) -> OSError:
    """An answer of a disk, as Python raises it."""
    return OSError(number, os.strerror(number))


def refuse(
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    operation: str,
    trouble: BaseException,
    *,
    of: Callable[..., bool] = lambda *_, **__: True,
    once: bool = False,
) -> None:
    """From now on an operation meets this trouble, where `of` says so of what it is asked for; or only once."""
    real, met = getattr(owner, operation), []

    def played(*args: object, **options: object) -> object:
        if of(*args, **options) and not (once and met):
            met.append(trouble)
            raise trouble
        return real(*args, **options)

    monkeypatch.setattr(owner, operation, played)
