"""How a command begins and ends, whatever the shell has set: Python in UTF-8, and streams that can be written to."""

from __future__ import annotations

import codecs
import errno
import locale
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WORDS = Path("/proc/self/cmdline")


@contextmanager
def command() -> Iterator[None]:
    """For all that a command does: nothing that it says, reads or starts fails because of the locale or its output.

    Where the locale is not UTF-8, the process begins anew in Python's UTF-8 mode, as do all that it starts. A character
    that the output cannot hold is written as an escape. Who reads no further, as `head` does, ends the command, with
    exit status 1.
    """
    _begin_in_utf8()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed by the shell: `>&-`
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        sys.exit(1 if error.errno == errno.EPIPE else f"gluonbook: {error}")


def _begin_in_utf8() -> None:
    if sys.flags.utf8_mode or codecs.lookup(locale.getpreferredencoding(False)).name == "utf-8":
        return
    if not _WORDS.exists():  # macOS, where it is UTF-8 anyway
        return
    words = [os.fsdecode(word) for word in _WORDS.read_bytes().split(b"\0")[:-1]]
    # The option is for this process: one that ignores variables (-E) would begin anew for ever.
    os.execve(sys.executable, [sys.executable, "-X", "utf8", *words[1:]], {**os.environ, "PYTHONUTF8": "1"})
