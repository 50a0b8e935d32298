"""How a part of a run ends before its time: at once, with its traceback in its log and a note for the launcher."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from gluonbook.rank.notes import Notes

_MACHINERY = (str(Path(__file__).with_name("part.py")), runpy.__file__, "<frozen")


def fail(reason: str, error: BaseException, code: int = 1) -> NoReturn:
    """End this process with the traceback of `error`, and let the launcher's report begin with `reason`."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename.startswith(_MACHINERY):
        trace = trace.tb_next
    leave(reason, code, lambda: traceback.print_exception(type(error), error, trace))


def leave(reason: str, code: int, say: Callable[[], object] = lambda: None) -> NoReturn:
    """End this process without the clean-up of Python, which may wait for ranks that wait for this one.

    What it says last and notes may get lost, as on a full disk: it ends all the same.
    """
    status = code & 0xFF or 1
    try:
        for last in (say, lambda: _note(f"{status} {reason}"), lambda: sys.stdout.flush(), lambda: sys.stderr.flush()):
            with suppress(Exception):  # the disk may be full, or the script may have closed the stream
                last()
    finally:
        os._exit(status)


def _note(reason: str) -> None:
    if own := Notes.own():
        own.write("reason", reason)
