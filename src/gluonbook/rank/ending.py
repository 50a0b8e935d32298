"""How a part of a run ends before its time: at once, with its traceback in its log and a note for the launcher."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
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
    traceback.print_exception(type(error), error, trace)
    leave(reason, code)


def leave(reason: str, code: int) -> NoReturn:
    """End this process without the clean-up of Python, which may wait for ranks that wait for this one."""
    status = code & 0xFF or 1
    if own := Notes.own():
        own.write("reason", f"{status} {reason}")
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the script may have closed it, or the disk may be full
            stream.flush()
    os._exit(status)
