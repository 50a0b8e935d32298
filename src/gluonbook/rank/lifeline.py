"""What ties a process to the one that started it, so that nothing outlives its launcher."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

MARK = "GLUONBOOK_RUN"
"""The environment variable by which all processes of one run know each other; its value is the run's identity."""

DUMP = signal.SIGUSR1
"""The signal on which a part prints the stacks of all its threads into its log, even while it is blocked."""

_PR_SET_PDEATHSIG = 1


def tie(parent: int) -> None:
    """Let the kernel kill this process, by SIGKILL, in the moment in which its parent, the process `parent`, ends.

    That lasts through `exec`, and reaches processes that are stopped or blocked in C. It is Linux's alone; elsewhere
    nothing is done, and `gluonbook.launch.reaper` has to do. If the parent has ended already, this process ends.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
