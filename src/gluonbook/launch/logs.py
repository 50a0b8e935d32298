"""What a part printed: its last lines, and the line of the script on which it hangs."""

from __future__ import annotations

import linecache
import re
import sysconfig
from pathlib import Path

TIMED_OUT = "Timeout ("
"""With this `faulthandler` begins what it prints at a rank's own deadline."""

_MODULES = "Extension modules: "  # a line of `faulthandler` of some 5 kB, after a crash
_WIDTH = 500

_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+) in ')
_HEADER = re.compile(r"(Current thread|Thread) 0x\w+.* \(most recent call first\):")
_PACKAGES = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
_RANK = str(Path(__file__).parents[1] / "rank")


def tail(log: Path, lines: int = 15) -> list[str]:
    """The last lines of a log that are for people: without the modules that `faulthandler` lists, and none too long."""
    try:
        size = log.stat().st_size
        with log.open("rb") as file:
            file.seek(max(0, size - 64_000))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    found = [line for line in text.splitlines() if line.strip() and not line.startswith(_MODULES)]
    return [line if len(line) <= _WIDTH else f"{line[:_WIDTH]} … ({len(line)} characters)" for line in found[-lines:]]


def timed_out(log: Path) -> bool:
    """Whether the part itself has ended because its deadline passed."""
    return any(line.startswith(TIMED_OUT) for line in tail(log, 300))


def mpi_abort(log: Path) -> str | None:
    """What MPI printed when the part called MPI_Abort, or when an MPI function failed, which does the same."""
    return next((line for line in tail(log, 100) if line.startswith("Abort(")), None)


def blocking_line(log: Path) -> str | None:
    """Where a part stood when it last printed its stack, as `script.py:12: comm.Barrier()`; None if it did not.

    This is the innermost line outside of Python and its packages: a script's own, or the book's.
    """
    lines = tail(log, 600)
    heads = [place for place, line in enumerate(lines) if _HEADER.match(line)]
    if not heads:
        return None
    # The main thread comes last.
    frames = [found.groupdict() for line in lines[heads[-1] + 1 :] if (found := _FRAME.match(line))]
    chosen = next((frame for frame in frames if _is_own(frame["file"])), frames[0] if frames else None)
    if chosen is None:
        return None
    file, line = chosen["file"], int(chosen["line"])
    return f"{Path(file).name}:{line}: {linecache.getline(file, line).strip()}".rstrip(": ")


def _is_own(file: str) -> bool:
    return not file.startswith(("<", _RANK, *_PACKAGES))
