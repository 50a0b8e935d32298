"""What reading and writing files raises: one error that says which file, why, whose it is, and what helps."""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

# What helps, by what the disk says.
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room there"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "allow more open files (`ulimit -n`)"),
    **dict.fromkeys((errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY), "move away what lies there"),
    **dict.fromkeys((errno.EBUSY, errno.ETXTBSY), "end the program that uses it"),
    errno.EACCES: "let its owner change that with chmod",
    errno.EPERM: "see what keeps it as it is (`lsattr`, or the share)",
    errno.EROFS: "mount it so that it can be written",
    errno.ENAMETOOLONG: "shorten the name",
    errno.ELOOP: "remove the link that leads back to itself",
    errno.ENOENT: "make what is missing",
}
_ELSE = "see whether that disk or share is well"


@final
class StorageError(OSError):
    """A file or folder cannot be read or written; the message says which, why and what helps; `errno` is the disk's."""


@contextmanager
def told(path: str | Path, done: str, otherwise: str = "choose another place") -> Iterator[None]:
    """In this block something is `done` to `path`, such as "read"; where that fails, the error says so.

    Raises:
        StorageError: for any OSError. It tells what helps, or `otherwise` to do something else.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, _ELSE)
        raised = StorageError(f"{path} cannot be {done} ({reason(path, error)}); {remedy}, or {otherwise}")
        raised.errno = error.errno
        raise raised from error


def reason(path: str | Path, error: OSError) -> str:
    """Why something cannot be done with `path`; where a permission is missing, also to whom that belongs."""
    why = error.strerror or str(error) or type(error).__name__
    owner = _owner(Path(path)) if isinstance(error, PermissionError) else ""
    return f"{why}: {owner}" if owner else why


def _owner(path: Path) -> str:
    for place in (path, *path.parents):  # what lies in a closed folder cannot even be looked at
        try:
            number = place.stat().st_uid
        except OSError:
            continue
        return f"{place} belongs to {_name(number)}, and this is {_name(os.geteuid())}"
    return ""


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # as in a container that knows no names
        return f"user {user}"
