"""Becomes another command, tied to the process that started it: `gluonbook.rank.lifeline` says how.

    python -m gluonbook.launch.tied PARENT COMMAND...

A process of its own, because a program like mpiexec cannot tie itself, and because code between fork and exec
(`preexec_fn`) may hang in a notebook kernel, which has threads.
"""

import os
import sys

from gluonbook.rank import lifeline

if __name__ == "__main__":
    lifeline.tie(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
